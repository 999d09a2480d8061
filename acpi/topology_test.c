#include "acpi/topology.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SMALL = 9 }; /* every topology up to SMALL x SMALL x SMALL is tried */

static struct topology make(uint32_t sockets, uint32_t cores, uint32_t threads)
{
	struct topology t;

	assert_int_equal(topology_init(&t, sockets, cores, threads), 0);
	return t;
}

static void for_every_small(void (*check)(const struct topology *))
{
	for (uint32_t s = 1; s <= SMALL; s++)
		for (uint32_t c = 1; c <= SMALL; c++)
			for (uint32_t n = 1; n <= SMALL; n++) {
				struct topology t = make(s, c, n);

				check(&t);
			}
}

static void check_counts(const struct topology *t)
{
	assert_int_equal(t->per_socket, t->cores * t->threads);
	assert_int_equal(t->max_vcpus, t->max_sockets * t->cores * t->threads);
}

static void check_smallest_width(uint32_t bits, uint32_t n)
{
	assert_true(1u << bits >= n);
	assert_true(bits == 0 || 1u << (bits - 1) < n);
}

static void check_widths(const struct topology *t)
{
	check_smallest_width(t->thread_width, t->threads);
	check_smallest_width(t->core_width, t->cores);
}

static void check_order(const struct topology *t)
{
	uint32_t index = 0;

	for (uint32_t s = 0; s < t->max_sockets; s++)
		for (uint32_t c = 0; c < t->cores; c++)
			for (uint32_t n = 0; n < t->threads; n++, index++) {
				struct place p = topology_place(t, index);

				assert_int_equal(p.socket, s);
				assert_int_equal(p.core, c);
				assert_int_equal(p.thread, n);
				assert_int_equal(topology_index(t, p), index);
			}
	assert_int_equal(index, t->max_vcpus);
}

/* Rising ids are distinct ids. */
static void check_apic_ids_rise(const struct topology *t)
{
	for (uint32_t i = 1; i < t->max_vcpus; i++)
		assert_true(topology_apic_id(t, i - 1) < topology_apic_id(t, i));
	assert_int_equal(topology_apic_id(t, 0), 0);
	assert_int_equal(topology_max_apic_id(t), topology_apic_id(t, t->max_vcpus - 1));
}

/* The guest cuts the id at the widths that CPUID tells it. */
static void check_apic_id_fields(const struct topology *t)
{
	for (uint32_t i = 0; i < t->max_vcpus; i++) {
		uint32_t id = topology_apic_id(t, i);
		struct place p = topology_place(t, i);

		assert_int_equal(id & ((1u << t->thread_width) - 1), p.thread);
		id >>= t->thread_width;
		assert_int_equal(id & ((1u << t->core_width) - 1), p.core);
		assert_int_equal(id >> t->core_width, p.socket);
	}
}

static void every_small_topology_counts_its_vcpus(void **state)
{
	(void)state;
	for_every_small(check_counts);
}

static void widths_are_the_smallest_that_fit(void **state)
{
	(void)state;
	for_every_small(check_widths);
}

static void places_come_in_socket_major_order_and_back(void **state)
{
	(void)state;
	for_every_small(check_order);
}

static void apic_ids_are_distinct_and_rise_with_the_index(void **state)
{
	(void)state;
	for_every_small(check_apic_ids_rise);
}

static void apic_id_fields_are_the_place(void **state)
{
	(void)state;
	for_every_small(check_apic_id_fields);
}

static void apic_ids_have_holes_where_a_count_is_no_power_of_two(void **state)
{
	static const uint32_t want[] = { 0,  1,  2,  3,  4,  5,  8,  9,  10,
					 11, 12, 13, 16, 17, 18, 19, 20, 21 };
	struct topology t = make(3, 3, 2);

	(void)state;
	assert_int_equal(t.max_vcpus, sizeof(want) / sizeof(*want));
	for (uint32_t i = 0; i < t.max_vcpus; i++)
		assert_int_equal(topology_apic_id(&t, i), want[i]);
}

static void largest_topologies_that_fit(void **state)
{
	struct topology t;

	(void)state;
	t = make(UINT32_MAX, 1, 1);
	assert_int_equal(t.max_vcpus, UINT32_MAX);
	assert_int_equal(topology_max_apic_id(&t), UINT32_MAX - 1);
	t = make(1, UINT32_MAX, 1);
	assert_int_equal(t.core_width, 32);
	assert_int_equal(topology_max_apic_id(&t), UINT32_MAX - 1);
	t = make(1, 1, UINT32_MAX);
	assert_int_equal(t.thread_width, 32);
	assert_int_equal(topology_max_apic_id(&t), UINT32_MAX - 1);
	t = make(65535, 65536, 1);
	assert_int_equal(topology_max_apic_id(&t), 0xFFFEFFFF);
	assert_int_equal(topology_place(&t, t.max_vcpus - 1).socket, 65534);
	t = make(1, 3, 1u << 30); /* widths add up to 32 */
	assert_int_equal(topology_max_apic_id(&t), 0xBFFFFFFF);
	assert_int_equal(topology_index(&t, topology_place(&t, 0xBFFFFFFF)), 0xBFFFFFFF);
}

static void refused(int err, uint32_t sockets, uint32_t cores, uint32_t threads)
{
	struct topology t, before;

	memset(&t, 0xA5, sizeof(t));
	memset(&before, 0xA5, sizeof(before));
	assert_int_equal(topology_init(&t, sockets, cores, threads), err);
	assert_memory_equal(&t, &before, sizeof(t));
}

static void a_count_of_zero_is_refused(void **state)
{
	(void)state;
	refused(-EINVAL, 0, 1, 1);
	refused(-EINVAL, 1, 0, 1);
	refused(-EINVAL, 1, 1, 0);
	refused(-EINVAL, 0, 0, 0);
	refused(-EINVAL, 0, UINT32_MAX, UINT32_MAX);
	refused(-EINVAL, UINT32_MAX, UINT32_MAX, 0);
}

static void too_many_vcpus_are_refused(void **state)
{
	(void)state;
	refused(-EOVERFLOW, 65536, 65536, 1);
	refused(-EOVERFLOW, 65536, 1, 65536);
	refused(-EOVERFLOW, 1, 65536, 65536);
	refused(-EOVERFLOW, UINT32_MAX, 2, 1);
	refused(-EOVERFLOW, 2, 1, UINT32_MAX);
	refused(-EOVERFLOW, UINT32_MAX, UINT32_MAX, UINT32_MAX);
	refused(-EOVERFLOW, 1u << 16, 1u << 8, 1u << 8);
	refused(-EOVERFLOW, 1u << 31, 1u << 31, 4); /* 0 modulo 2^64 */
}

/* The number of vCPUs fits in 32 bits; with its holes the highest id does not. */
static void too_large_apic_ids_are_refused(void **state)
{
	(void)state;
	refused(-EOVERFLOW, UINT32_MAX / 3, 3, 1);
	refused(-EOVERFLOW, UINT32_MAX / 3, 1, 3);
	refused(-EOVERFLOW, (1u << 28) + 1, 3, 3);
	refused(-EOVERFLOW, 1, 65535, 65537); /* widths add up to 33 */
	refused(-EOVERFLOW, (1u << 30) + 1, 3, 1);
	make(1u << 30, 3, 1); /* the last that fits */
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_small_topology_counts_its_vcpus),
		cmocka_unit_test(widths_are_the_smallest_that_fit),
		cmocka_unit_test(places_come_in_socket_major_order_and_back),
		cmocka_unit_test(apic_ids_are_distinct_and_rise_with_the_index),
		cmocka_unit_test(apic_id_fields_are_the_place),
		cmocka_unit_test(apic_ids_have_holes_where_a_count_is_no_power_of_two),
		cmocka_unit_test(largest_topologies_that_fit),
		cmocka_unit_test(a_count_of_zero_is_refused),
		cmocka_unit_test(too_many_vcpus_are_refused),
		cmocka_unit_test(too_large_apic_ids_are_refused),
	};

	return cmocka_run_group_tests_name("topology", tests, NULL, NULL);
}
