#include "acpi/madt.h"

#include "acpi/layout.h"
#include "acpi/sdt.h"

enum {
	MADT_REVISION = 5,
	MADT_HEADER_LEN = SDT_HEADER_LEN + 8, /* with LAPIC address and flags */

	IOAPIC = 1,
	IOAPIC_LEN = 12,
	LAPIC = 0,
	LAPIC_LEN = 8,
	X2APIC = 9,
	X2APIC_LEN = 16,
	X2APIC_ID_MIN = 255, /* in a LAPIC entry this id is the broadcast */

	/* Exclusive; a CPU with neither is ignored by the guest, for good. */
	ENABLED = 1,
	ONLINE_CAPABLE = 2,
};

/* vCPUs whose APIC id fits in a LAPIC entry. They come first: ids rise with the index. */
static uint32_t lapics(const struct topology *t)
{
	uint32_t n = 0;

	while (n < t->max_vcpus && topology_apic_id(t, n) < X2APIC_ID_MIN)
		n++;
	return n;
}

static unsigned char *put_ioapic(unsigned char *p)
{
	p = sdt_put(p, 1, IOAPIC);
	p = sdt_put(p, 1, IOAPIC_LEN);
	p = sdt_put(p, 1, 0); /* id */
	p = sdt_put(p, 1, 0);
	p = sdt_put(p, 4, IOAPIC_BASE);
	return sdt_put(p, 4, 0); /* first GSI */
}

static unsigned char *put_lapic(unsigned char *p, uint32_t uid, uint32_t id,
				uint32_t flags)
{
	p = sdt_put(p, 1, LAPIC);
	p = sdt_put(p, 1, LAPIC_LEN);
	p = sdt_put(p, 1, uid);
	p = sdt_put(p, 1, id);
	return sdt_put(p, 4, flags);
}

static unsigned char *put_x2apic(unsigned char *p, uint32_t uid, uint32_t id,
				 uint32_t flags)
{
	p = sdt_put(p, 1, X2APIC);
	p = sdt_put(p, 1, X2APIC_LEN);
	p = sdt_put(p, 2, 0);
	p = sdt_put(p, 4, id);
	p = sdt_put(p, 4, flags);
	return sdt_put(p, 4, uid);
}

size_t madt_len(const struct topology *t)
{
	size_t n = lapics(t);

	return MADT_HEADER_LEN + IOAPIC_LEN + n * LAPIC_LEN +
	       (t->max_vcpus - n) * X2APIC_LEN;
}

void madt_build(const struct topology *t, const unsigned char *enabled,
		unsigned char *buf)
{
	unsigned char *p = buf + SDT_HEADER_LEN;

	sdt_begin(buf, "APIC", MADT_REVISION);
	p = sdt_put(p, 4, LAPIC_BASE);
	p = sdt_put(p, 4, 0); /* flags: there is no 8259 */
	p = put_ioapic(p);
	for (uint32_t i = 0; i < t->max_vcpus; i++) {
		uint32_t id = topology_apic_id(t, i);
		uint32_t flags = enabled[i] ? ENABLED : ONLINE_CAPABLE;

		if (id < X2APIC_ID_MIN)
			p = put_lapic(p, i, id, flags);
		else
			p = put_x2apic(p, i, id, flags);
	}
	sdt_end(buf, (size_t)(p - buf));
}
