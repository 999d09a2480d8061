#include "acpi/madt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "acpi/aarch64/built.h"
#include "acpi/shapes.h"

enum { GICD_AT = 44, GICC_AT = 68, GICC_SIZE = 80, GICR_SIZE = 16 };

static unsigned char *madt(const struct topology *t)
{
	return built((struct arch_table){ madt_len, madt_build }, t, "APIC", 5);
}

/* Bit 0: enabled; bit 3: online capable. */
static void check_gicc(const unsigned char *p, uint32_t cpu)
{
	uint32_t mpidr = cpu / 16 * 0x100 + cpu % 16;
	unsigned char want[GICC_SIZE] = { 0x0B, 80 };

	want[4] = want[8] = (unsigned char)cpu;
	want[5] = want[9] = (unsigned char)(cpu >> 8);
	want[12] = built_enabled(cpu) ? 1 : 8;
	want[68] = (unsigned char)mpidr;
	want[69] = (unsigned char)(mpidr >> 8);
	assert_memory_equal(p, want, sizeof(want));
}

static void every_vcpu_is_enabled_or_online_capable(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSHAPES; i++) {
		struct topology t = shape(i);
		unsigned char *buf = madt(&t);

		for (uint32_t cpu = 0; cpu < t.max_vcpus; cpu++)
			check_gicc(buf + GICC_AT + (size_t)cpu * GICC_SIZE, cpu);
		free(buf);
	}
}

static void the_distributor_comes_first(void **state)
{
	static const unsigned char flags[8] = { 0 };
	static const unsigned char gicd[] = {
		0x0C, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x08,
		0,    0,  0, 0, 0, 0, 0, 0, 3, 0, 0, 0,
	};

	(void)state;
	for (size_t i = 0; i < NSHAPES; i++) {
		struct topology t = shape(i);
		unsigned char *buf = madt(&t);

		assert_memory_equal(buf + 36, flags, sizeof(flags));
		assert_memory_equal(buf + GICD_AT, gicd, sizeof(gicd));
		free(buf);
	}
}

static void one_range_of_redistributors_comes_last(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSHAPES; i++) {
		struct topology t = shape(i);
		unsigned char *buf = madt(&t);
		const unsigned char *gicr =
			buf + GICC_AT + (size_t)t.max_vcpus * GICC_SIZE;
		unsigned char want[GICR_SIZE] = { 0x0E, 16 };

		want[7] = 0x10;                              /* at 0x10000000 */
		want[14] = (unsigned char)(t.max_vcpus * 2); /* 0x20000 of each */
		want[15] = (unsigned char)(t.max_vcpus * 2 >> 8);
		assert_memory_equal(gicr, want, sizeof(want));
		assert_int_equal(madt_len(&t), gicr + GICR_SIZE - buf);
		free(buf);
	}
}

/* As KVM was seen to number them. */
static void mpidr_has_16_cpus_in_its_lowest_field(void **state)
{
	static const uint32_t want[][2] = {
		{ 0, 0 },        { 15, 0x0F },    { 16, 0x100 },   { 17, 0x101 },
		{ 255, 0x0F0F }, { 256, 0x1000 }, { 511, 0x1F0F },
	};
	struct topology t;
	unsigned char *buf;

	(void)state;
	assert_int_equal(topology_init(&t, 512, 1, 1), 0);
	buf = madt(&t);
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++)
		assert_int_equal(
			get(buf + GICC_AT + (size_t)want[i][0] * GICC_SIZE + 68, 8),
			want[i][1]);
	free(buf);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_distributor_comes_first),
		cmocka_unit_test(every_vcpu_is_enabled_or_online_capable),
		cmocka_unit_test(one_range_of_redistributors_comes_last),
		cmocka_unit_test(mpidr_has_16_cpus_in_its_lowest_field),
	};

	return cmocka_run_group_tests_name("madt", tests, NULL, NULL);
}
