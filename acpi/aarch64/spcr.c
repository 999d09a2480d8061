#include "acpi/aarch64/spcr.h"

#include "acpi/layout.h"
#include "acpi/sdt.h"

enum {
	SPCR_REVISION = 2,
	SPCR_ADDRESS = 40,
	SPCR_INTR_TYPE = 52,
	SPCR_GSIV = 54,
	SPCR_BAUD = 58,
	SPCR_STOP_BITS = 60,
	SPCR_PCI_DEVICE = 64,
	SPCR_PCI_VENDOR = 66,
	SPCR_LEN = 80,

	INTR_GIC = 1 << 3,
	BAUD_115200 = 7,
	NO_PCI = 0xFFFF,
};

size_t spcr_len(const struct topology *t)
{
	(void)t;
	return SPCR_LEN;
}

void spcr_build(const struct topology *t, const unsigned char *enabled,
		unsigned char *buf)
{
	(void)t;
	(void)enabled;
	sdt_begin(buf, "SPCR", SPCR_REVISION);
	sdt_put_register(buf + SPCR_ADDRESS, UART_BASE);
	buf[SPCR_INTR_TYPE] = INTR_GIC;
	sdt_put(buf + SPCR_GSIV, 4, UART_INTR);
	buf[SPCR_BAUD] = BAUD_115200;
	buf[SPCR_STOP_BITS] = 1;
	sdt_put(buf + SPCR_PCI_DEVICE, 2, NO_PCI);
	sdt_put(buf + SPCR_PCI_VENDOR, 2, NO_PCI);
	sdt_end(buf, SPCR_LEN);
}
