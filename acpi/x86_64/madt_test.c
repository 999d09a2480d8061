#include "acpi/madt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "acpi/layout.h"

/* One CPU's entry of either type. */
struct entry {
	uint32_t type, uid, id, flags;
};

static uint32_t get32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static struct entry entry(const unsigned char *p)
{
	if (p[0] == 0) {
		assert_int_equal(p[1], 8);
		return (struct entry){ 0, p[2], p[3], get32(p + 4) };
	}
	assert_int_equal(p[0], 9);
	assert_int_equal(p[1], 16);
	assert_int_equal(p[2] | p[3], 0);
	return (struct entry){ 9, get32(p + 12), get32(p + 4), get32(p + 8) };
}

/* Every third vCPU is enabled. */
static void check_entries(const struct topology *t, const unsigned char *p,
			  const unsigned char *end)
{
	for (uint32_t i = 0; i < t->max_vcpus; i++, p += p[1]) {
		uint32_t id = topology_apic_id(t, i);
		struct entry e;

		assert_true(p < end);
		e = entry(p);
		assert_int_equal(e.type, id < 255 ? 0 : 9);
		assert_int_equal(e.uid, i);
		assert_int_equal(e.id, id);
		assert_int_equal(e.flags, i % 3 == 0 ? 1 : 2);
	}
	assert_ptr_equal(p, end);
}

static void check_head(const unsigned char *madt, size_t len)
{
	static const unsigned char ioapic[] = { 1, 12, 0, 0 };

	assert_memory_equal(madt, "APIC", 4);
	assert_int_equal(get32(madt + 4), len);
	assert_int_equal(madt[8], 5);
	assert_int_equal(get32(madt + 36), LAPIC_BASE);
	assert_int_equal(get32(madt + 40), 0);
	assert_memory_equal(madt + 44, ioapic, 4);
	assert_int_equal(get32(madt + 48), IOAPIC_BASE);
	assert_int_equal(get32(madt + 52), 0);
}

static void check(uint32_t sockets, uint32_t cores, uint32_t threads)
{
	struct topology t;
	unsigned char *madt, *enabled;
	size_t len;

	assert_int_equal(topology_init(&t, sockets, cores, threads), 0);
	len = madt_len(&t);
	madt = calloc(len, 1);
	enabled = calloc(t.max_vcpus, 1);
	assert_non_null(madt);
	assert_non_null(enabled);
	for (uint32_t i = 0; i < t.max_vcpus; i += 3)
		enabled[i] = 0xFF;
	madt_build(&t, enabled, madt);
	check_head(madt, len);
	check_entries(&t, madt + 56, madt + len);
	free(enabled);
	free(madt);
}

static void every_vcpu_is_enabled_or_online_capable(void **state)
{
	static const uint32_t sockets[] = { 1, 2, 8, 64, 254, 255, 256, 257, 512, 1024 };

	(void)state;
	for (size_t i = 0; i < sizeof(sockets) / sizeof(*sockets); i++)
		check(sockets[i], 1, 1);
}

static void ids_with_holes_take_an_x2apic_entry_from_255_on(void **state)
{
	(void)state;
	check(3, 3, 2);
	check(31, 3, 2); /* ids up to 245: none */
	check(43, 3, 2); /* from vCPU 192 on */
	check(128, 4, 2);
	check(5, 33, 3); /* id 255 falls into a hole */
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vcpu_is_enabled_or_online_capable),
		cmocka_unit_test(ids_with_holes_take_an_x2apic_entry_from_255_on),
	};

	return cmocka_run_group_tests_name("madt", tests, NULL, NULL);
}
