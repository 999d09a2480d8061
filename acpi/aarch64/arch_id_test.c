#include "acpi/topology.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* MPIDR_EL1 as read from KVM's vCPUs of these ids, without bit 31. */
static void mpidrs_are_what_kvm_makes_of_its_ids(void **state)
{
	static const struct {
		uint32_t index;
		uint64_t mpidr;
	} cases[] = {
		{ 0, 0x0 },      { 1, 0x1 },      { 15, 0xf },      { 16, 0x100 },
		{ 17, 0x101 },   { 39, 0x207 },   { 255, 0xf0f },   { 256, 0x1000 },
		{ 299, 0x120b }, { 511, 0x1f0f }, { 4095, 0xff0f },
	};
	struct topology t;

	(void)state;
	assert_int_equal(topology_init(&t, 1024, 2, 2), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(topology_arch_id(&t, cases[i].index), cases[i].mpidr);
		assert_int_equal(topology_vcpu_id(&t, cases[i].index), cases[i].index);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mpidrs_are_what_kvm_makes_of_its_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
