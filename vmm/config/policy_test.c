#include "vmm/config/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define BIG UINT32_MAX

static void max_sockets_and_its_source_for_every_case(void **state)
{
	/* clang-format off */
	static const struct {
		struct policy host;
		struct cpu_counts vm;
		uint32_t want;
		enum policy_source source;
	} cases[] = {
		/* The VM's own comes first, whatever it is. */
		{ { 0, 0, 0 },     { 2, 1, 1, 8 },        8,    POLICY_VM },
		{ { 0, 0, 0 },     { 2, 1, 1, 2 },        2,    POLICY_VM },
		{ { 10, 8, 4 },    { 2, 4, 2, 16 },       16,   POLICY_VM },
		{ { 10, 0, 0 },    { 12, 1, 1, 11 },      11,   POLICY_VM },
		{ { 0, 0, 0 },     { 1, BIG, BIG, BIG },  BIG,  POLICY_VM },
		/* Then the host's value, which no cap lowers. */
		{ { 10, 0, 0 },    { 2, 1, 1, 0 },        10,   POLICY_HOST },
		{ { 10, 8, 0 },    { 2, 1, 1, 0 },        10,   POLICY_HOST },
		{ { 3, 0, 0 },     { 3, 1, 1, 0 },        3,    POLICY_HOST },
		{ { 1000, 0, 0 },  { 2, 4, 2, 0 },        1000, POLICY_HOST },
		{ { BIG, 0, 0 },   { 1, 1, 1, 0 },        BIG,  POLICY_HOST },
		{ { 2, 0, 0 },     { 3, 1, 1, 0 },        3,    POLICY_HOST_RAISED },
		{ { 1, 9, 9 },     { BIG, 1, 1, 0 },      BIG,  POLICY_HOST_RAISED },
		/* Then the ratio, within the maximum number of vCPUs. */
		{ { 0, 0, 0 },     { 1, 1, 1, 0 },        4,    POLICY_RATIO },
		{ { 0, 0, 0 },     { 2, 1, 1, 0 },        8,    POLICY_RATIO },
		{ { 0, 1, 0 },     { 2, 1, 1, 0 },        2,    POLICY_RATIO },
		{ { 0, 8, 0 },     { 2, 2, 2, 0 },        16,   POLICY_RATIO },
		{ { 0, 0, 0 },     { 128, 1, 1, 0 },      512,  POLICY_RATIO },
		{ { 0, 0, 0 },     { 129, 1, 1, 0 },      512,  POLICY_CAP },
		{ { 0, 0, 0 },     { 32, 2, 3, 0 },       85,   POLICY_CAP },
		{ { 0, 0, 0 },     { 200, 1, 1, 0 },      512,  POLICY_CAP },
		{ { 0, 0, 0 },     { 512, 1, 1, 0 },      512,  POLICY_CAP },
		{ { 0, 0, 64 },    { 20, 1, 1, 0 },       64,   POLICY_CAP },
		{ { 0, 16, 64 },   { 4, 2, 1, 0 },        32,   POLICY_CAP },
		{ { 0, 0, 2048 },  { 300, 1, 1, 0 },      1200, POLICY_RATIO },
		{ { 0, BIG, 0 },   { 1, 1, 1, 0 },        512,  POLICY_CAP },
		{ { 0, BIG, BIG }, { BIG, 1, 1, 0 },      BIG,  POLICY_CAP },
		{ { 0, 0, 0 },     { 600, 1, 1, 0 },      600,  POLICY_CAP_RAISED },
		{ { 0, 0, 4 },     { 3, 2, 1, 0 },        3,    POLICY_CAP_RAISED },
		{ { 0, 0, 0 },     { 1, BIG, BIG, 0 },    1,    POLICY_CAP_RAISED },
		{ { 0, BIG, 1 },   { BIG, BIG, BIG, 0 },  BIG,  POLICY_CAP_RAISED },
		/* Zeros are ones: no cap is skipped, and no VM is without hotplug. */
		{ { 0, 0, 0 },     { 200, 0, 0, 0 },      512,  POLICY_CAP },
		{ { 0, 0, 0 },     { 0, 4, 0, 0 },        4,    POLICY_RATIO },
		{ { 0, 0, 0 },     { 0, 0, 0, 0 },        4,    POLICY_RATIO },
		{ { 5, 0, 0 },     { 0, 0, 0, 0 },        5,    POLICY_HOST },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum policy_source source;

		assert_int_equal(
			policy_max_sockets(&cases[i].host, &cases[i].vm, &source),
			cases[i].want);
		assert_int_equal(source, cases[i].source);
	}
}

static void the_source_is_told_with_its_numbers(void **state)
{
	static const struct policy none = { 0, 0, 0 }, all = { 2, 8, 64 };
	static const struct {
		const struct policy *host;
		enum policy_source source;
		const char *text;
	} cases[] = {
		{ &none, POLICY_VM, "set for the VM" },
		{ &all, POLICY_VM, "set for the VM" },
		{ &all, POLICY_HOST, "by the host configuration's maxCpuSockets" },
		{ &all, POLICY_HOST_RAISED,
		  "as many as sockets, which are more than the host configuration's "
		  "maxCpuSockets 2" },
		{ &none, POLICY_RATIO, "by default 4 x sockets" },
		{ &all, POLICY_RATIO, "by the host configuration 8 x sockets" },
		{ &none, POLICY_CAP,
		  "by default 4 x sockets, within the maximum of 512 vCPUs" },
		{ &all, POLICY_CAP,
		  "by the host configuration 8 x sockets, within the host "
		  "configuration's maximum of 64 vCPUs" },
		{ &none, POLICY_CAP_RAISED,
		  "as many as sockets, which are more than the maximum of 512 vCPUs" },
		{ &all, POLICY_CAP_RAISED,
		  "as many as sockets, which are more than the host configuration's "
		  "maximum of 64 vCPUs" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_string_equal(policy_explain(cases[i].host, cases[i].source).s,
				    cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(max_sockets_and_its_source_for_every_case),
		cmocka_unit_test(the_source_is_told_with_its_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
