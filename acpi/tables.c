#include "acpi/tables.h"

#include <assert.h>
#include <string.h>

#include "acpi/arch_tables.h"
#include "acpi/dsdt.h"
#include "acpi/layout.h"
#include "acpi/sdt.h"

/* RSDP, ACPI 6.4, 5.2.5.3. */
enum {
	RSDP_CHECKSUM = 8, /* of the part that ACPI 1.0 knew */
	RSDP_OEM_ID = 9,
	RSDP_REVISION = 15,
	RSDP_LENGTH = 20,
	RSDP_XSDT = 24,
	RSDP_CHECKSUM_ALL = 32,
	RSDP_LEN = 36,
	RSDP_LEN_1_0 = 20,
};

/* FADT, ACPI 6.4, 5.2.9. Whatever is not listed is 0 in a hardware-reduced machine. */
enum {
	FADT_IAPC_BOOT = 109,
	FADT_FLAGS = 112,
	FADT_RESET_REGISTER = 116,
	FADT_RESET_VALUE = 128,
	FADT_ARM_BOOT = 129,
	FADT_MINOR = 131,
	FADT_X_DSDT = 140,
	FADT_SLEEP_CONTROL = 244,
	FADT_SLEEP_STATUS = 256,
	FADT_VENDOR = 268,
	FADT_LEN = 276,

	RESET_REG_SUP = 1 << 10,
	HW_REDUCED = 1 << 20,
	LOW_POWER_S0 = 1 << 21,
};

/* Where each table stands in the buffer. */
struct plan {
	size_t xsdt, fadt, arch, dsdt, end; /* arch: the first of the architecture's */
};

static size_t aligned(size_t at)
{
	return (at + 7) & ~(size_t)7;
}

static size_t xsdt_len(void)
{
	return SDT_HEADER_LEN + (1 + arch_tables.n) * 8;
}

/* Room that the architecture's ith table takes. */
static size_t arch_len(const struct topology *t, size_t i)
{
	return aligned(arch_tables.table[i].len(t));
}

static struct plan plan(const struct topology *t)
{
	struct plan p;

	p.xsdt = aligned(RSDP_LEN);
	p.fadt = aligned(p.xsdt + xsdt_len());
	p.arch = aligned(p.fadt + FADT_LEN);
	p.dsdt = p.arch;
	for (size_t i = 0; i < arch_tables.n; i++)
		p.dsdt += arch_len(t, i);
	p.end = p.dsdt + dsdt_len(t);
	return p;
}

static void rsdp_build(unsigned char *rsdp, uint64_t xsdt)
{
	sdt_text(rsdp, "RSD PTR ");
	sdt_text(rsdp + RSDP_OEM_ID, SDT_OEM_ID);
	rsdp[RSDP_REVISION] = 2;
	sdt_put(rsdp + RSDP_LENGTH, 4, RSDP_LEN);
	sdt_put(rsdp + RSDP_XSDT, 8, xsdt);
	rsdp[RSDP_CHECKSUM] = sdt_checksum(rsdp, RSDP_LEN_1_0);
	rsdp[RSDP_CHECKSUM_ALL] = sdt_checksum(rsdp, RSDP_LEN);
}

/* Lists the FADT and, from arch on, the architecture's tables. */
static void xsdt_build(const struct topology *t, uint64_t fadt, uint64_t arch,
		       unsigned char *xsdt)
{
	unsigned char *entry = xsdt + SDT_HEADER_LEN;

	sdt_begin(xsdt, "XSDT", 1);
	entry = sdt_put(entry, 8, fadt);
	for (size_t i = 0; i < arch_tables.n; i++) {
		entry = sdt_put(entry, 8, arch);
		arch += arch_len(t, i);
	}
	sdt_end(xsdt, xsdt_len());
}

static void arch_build(const struct topology *t, const unsigned char *enabled,
		       unsigned char *buf)
{
	for (size_t i = 0; i < arch_tables.n; i++) {
		arch_tables.table[i].build(t, enabled, buf);
		buf += arch_len(t, i);
	}
}

static void fadt_build(unsigned char *fadt, uint64_t dsdt)
{
	sdt_begin(fadt, "FACP", 6);
	sdt_put(fadt + FADT_IAPC_BOOT, 2, arch_tables.iapc_boot);
	sdt_put(fadt + FADT_FLAGS, 4, HW_REDUCED | RESET_REG_SUP | LOW_POWER_S0);
	sdt_put_register(fadt + FADT_RESET_REGISTER, SLEEP_BASE + SLEEP_RESET);
	fadt[FADT_RESET_VALUE] = SLEEP_RESET_VALUE;
	sdt_put(fadt + FADT_ARM_BOOT, 2, arch_tables.arm_boot);
	fadt[FADT_MINOR] = 3;
	sdt_put(fadt + FADT_X_DSDT, 8, dsdt);
	sdt_put_register(fadt + FADT_SLEEP_CONTROL, SLEEP_BASE + SLEEP_CONTROL);
	sdt_put_register(fadt + FADT_SLEEP_STATUS, SLEEP_BASE + SLEEP_STATUS);
	sdt_text(fadt + FADT_VENDOR, SDT_OEM_TABLE_ID);
	sdt_end(fadt, FADT_LEN);
}

size_t tables_len(const struct topology *t)
{
	return plan(t).end;
}

void tables_build(const struct topology *t, const unsigned char *enabled, uint64_t gpa,
		  uint64_t sta, unsigned char *buf)
{
	struct plan at = plan(t);

	assert(t->max_vcpus <= CPUS_MAX);
	memset(buf, 0, at.end);
	rsdp_build(buf, gpa + at.xsdt);
	xsdt_build(t, gpa + at.fadt, gpa + at.arch, buf + at.xsdt);
	fadt_build(buf + at.fadt, gpa + at.dsdt);
	arch_build(t, enabled, buf + at.arch);
	dsdt_build(t, sta, buf + at.dsdt);
}
