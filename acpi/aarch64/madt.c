/* What matters for hotplug: a GICC for each possible vCPU, and the redistributors in a
 * GICR structure, which says that they are always on. With their addresses in the GICCs a
 * CPU that was not enabled at boot could never be brought online. */
#include "acpi/madt.h"

#include <assert.h>

#include "acpi/layout.h"
#include "acpi/sdt.h"

enum {
	MADT_REVISION = 5,
	MADT_HEADER_LEN = SDT_HEADER_LEN + 8, /* with LAPIC address and flags, both 0 */

	GICC = 0x0B,
	GICC_LEN = 80,
	GICC_NUMBER = 4,
	GICC_UID = 8,
	GICC_FLAGS = 12,
	GICC_MPIDR = 68,
	GICD = 0x0C,
	GICD_ENTRY_LEN = 24,
	GICD_ADDRESS = 8,
	GICD_VERSION = 20,
	GICR = 0x0E,
	GICR_ENTRY_LEN = 16,
	GICR_ADDRESS = 4,
	GICR_RANGE = 12,

	GIC_V3 = 3,

	/* Exclusive; a CPU with neither is ignored by the guest, for good. */
	ENABLED = 1,
	ONLINE_CAPABLE = 8, /* ACPI 6.5, 5.2.12.14 */
};

static_assert((RAM_BASE - GICR_BASE) / GICR_LEN >= CPUS_MAX,
	      "the redistributors run into the RAM");

static void put_head(unsigned char *p, uint32_t type, uint32_t len)
{
	sdt_put(p, 1, type);
	sdt_put(p + 1, 1, len);
}

static unsigned char *put_gicd(unsigned char *p)
{
	put_head(p, GICD, GICD_ENTRY_LEN);
	sdt_put(p + GICD_ADDRESS, 8, GICD_BASE);
	sdt_put(p + GICD_VERSION, 1, GIC_V3);
	return p + GICD_ENTRY_LEN;
}

static unsigned char *put_gicc(unsigned char *p, uint32_t uid, uint64_t mpidr,
			       uint32_t flags)
{
	put_head(p, GICC, GICC_LEN);
	sdt_put(p + GICC_NUMBER, 4, uid);
	sdt_put(p + GICC_UID, 4, uid);
	sdt_put(p + GICC_FLAGS, 4, flags);
	sdt_put(p + GICC_MPIDR, 8, mpidr);
	return p + GICC_LEN;
}

static unsigned char *put_gicr(unsigned char *p, uint32_t max_vcpus)
{
	put_head(p, GICR, GICR_ENTRY_LEN);
	sdt_put(p + GICR_ADDRESS, 8, GICR_BASE);
	sdt_put(p + GICR_RANGE, 4, (uint64_t)max_vcpus * GICR_LEN);
	return p + GICR_ENTRY_LEN;
}

size_t madt_len(const struct topology *t)
{
	return MADT_HEADER_LEN + GICD_ENTRY_LEN + (size_t)t->max_vcpus * GICC_LEN +
	       GICR_ENTRY_LEN;
}

void madt_build(const struct topology *t, const unsigned char *enabled,
		unsigned char *buf)
{
	unsigned char *p = buf + MADT_HEADER_LEN;

	sdt_begin(buf, "APIC", MADT_REVISION);
	p = put_gicd(p);
	for (uint32_t i = 0; i < t->max_vcpus; i++)
		p = put_gicc(p, i, topology_arch_id(t, i),
			     enabled[i] ? ENABLED : ONLINE_CAPABLE);
	p = put_gicr(p, t->max_vcpus);
	sdt_end(buf, (size_t)(p - buf));
}
