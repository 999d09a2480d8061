#include "acpi/topology.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* 2 sockets x 3 cores x 2 threads: 2 bits for the core, so ids have holes. */
static void both_ids_are_the_apic_id(void **state)
{
	static const uint32_t id[] = { 0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13 };
	struct topology t;

	(void)state;
	assert_int_equal(topology_init(&t, 2, 3, 2), 0);
	for (uint32_t i = 0; i < t.max_vcpus; i++) {
		assert_int_equal(topology_arch_id(&t, i), id[i]);
		assert_int_equal(topology_vcpu_id(&t, i), id[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ids_are_the_apic_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
