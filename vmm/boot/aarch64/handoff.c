#include "vmm/boot/aarch64/handoff.h"

#include <string.h>

#include "acpi/sdt.h"

/* EFI_SYSTEM_TABLE; what is not listed is 0: there are no consoles and no services. */
enum {
	SIGNATURE = 0,
	REVISION = 8,
	HEADER_SIZE = 12,
	VENDOR = 24,
	NCONFIGS = 104,
	CONFIGS = 112,

	EFI_2_70 = 2 << 16 | 70,
};

enum {
	MEMORY_FREE = 7,
	MEMORY_ACPI = 9,
	MEMORY_NVS = 10,
	WRITE_BACK = 8,
	EFI_PAGE = 0x1000
};

/* EFI_RT_PROPERTIES_TABLE: without it Linux takes it that all services are there. */
enum { RT_VERSION = 1, RT_SERVICES = 0 };

static const unsigned char acpi_20_guid[16] = { 0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4,
						0xd3, 0x11, 0xbc, 0x22, 0x00, 0x80,
						0xc7, 0x3c, 0x88, 0x81 };
static const unsigned char rt_properties_guid[16] = { 0x8a, 0x91, 0x66, 0xeb, 0xef, 0x7e,
						      0x2a, 0x40, 0x84, 0x2e, 0x93, 0x1d,
						      0x21, 0xc3, 0x8a, 0xe9 };

static void put_system_table(const struct handoff *h, unsigned char *p)
{
	sdt_text(p + SIGNATURE, "IBI SYST");
	sdt_put(p + REVISION, 4, EFI_2_70);
	sdt_put(p + HEADER_SIZE, 4, HANDOFF_SYSTEM_LEN);
	sdt_put(p + VENDOR, 8, h->gpa + HANDOFF_VENDOR);
	sdt_put(p + NCONFIGS, 8, 2);
	sdt_put(p + CONFIGS, 8, h->gpa + HANDOFF_CONFIG);
}

static void put_config(unsigned char *p, const unsigned char guid[16], uint64_t gpa)
{
	memcpy(p, guid, 16);
	sdt_put(p + 16, 8, gpa);
}

static void put_rt_properties(unsigned char *p)
{
	p = sdt_put(p, 2, RT_VERSION);
	p = sdt_put(p, 2, HANDOFF_RT_LEN);
	sdt_put(p, 4, RT_SERVICES);
}

/* Gives the address behind it. */
static unsigned char *put_descriptor(unsigned char *p, uint32_t type, uint64_t gpa,
				     uint64_t end)
{
	p = sdt_put(p, 8, type);
	p = sdt_put(p, 8, gpa);
	p = sdt_put(p, 8, 0); /* virtual */
	p = sdt_put(p, 8, (end - gpa) / EFI_PAGE);
	return sdt_put(p, 8, WRITE_BACK);
}

static void put_utf16(unsigned char *p, const char *text)
{
	for (; *text != '\0'; text++)
		p = sdt_put(p, 2, (unsigned char)*text);
}

void handoff_build(const struct handoff *h, unsigned char *buf)
{
	unsigned char *config = buf + HANDOFF_CONFIG, *map = buf + HANDOFF_MAP;

	memset(buf, 0, HANDOFF_LEN);
	put_system_table(h, buf);
	put_config(config, acpi_20_guid, h->rsdp);
	put_config(config + HANDOFF_CONFIG_LEN, rt_properties_guid, h->gpa + HANDOFF_RT);
	put_rt_properties(buf + HANDOFF_RT);
	map = put_descriptor(map, MEMORY_FREE, h->ram, h->reserved);
	map = put_descriptor(map, MEMORY_ACPI, h->reserved, h->nvs);
	put_descriptor(map, MEMORY_NVS, h->nvs, h->end);
	put_utf16(buf + HANDOFF_VENDOR, "hotsocket");
}
