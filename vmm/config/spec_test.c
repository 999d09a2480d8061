#include "vmm/config/spec.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const struct host_limits host = { .max_vcpus = 1024, .max_vcpu_id = 4096 };

static struct spec spec_of(uint32_t sockets, uint32_t cores, uint32_t threads,
			   uint32_t max)
{
	return (struct spec){ .cpus = { sockets, cores, threads, max } };
}

static void max_sockets_comes_from_the_vm_else_from_the_ratio_within_the_cap(void **state)
{
	static const struct {
		uint32_t sockets, cores, threads, given, want;
		const char *source;
	} cases[] = {
		{ 2, 1, 1, 8, 8, "set for the VM" },
		{ 2, 1, 1, 2, 2, "set for the VM" },
		{ 2, 1, 1, 0, 8, "by default 4 x sockets" },
		{ 1, 1, 1, 0, 4, "by default 4 x sockets" },
		{ 32, 2, 3, 0, 85,
		  "by default 4 x sockets, within the maximum of 512 vCPUs" },
		{ 128, 1, 1, 0, 512, "by default 4 x sockets" },
		{ 200, 1, 1, 0, 512,
		  "by default 4 x sockets, within the maximum of 512 vCPUs" },
		{ 600, 1, 1, 0, 600,
		  "as many as sockets, which are more than the maximum of 512 vCPUs" },
		{ 1, 1, 1, 1024, 1024, "set for the VM" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct spec s = spec_of(cases[i].sockets, cases[i].cores,
					cases[i].threads, cases[i].given);
		struct topology t;
		struct text why;

		assert_int_equal(spec_resolve(&s, &host, &t, &why), 0);
		assert_int_equal(s.found.max_sockets, cases[i].want);
		assert_string_equal(spec_limit_source(&s).s, cases[i].source);
		assert_int_equal(t.max_vcpus,
				 cases[i].want * cases[i].cores * cases[i].threads);
	}
}

static void what_the_host_cannot_do_is_refused_and_changes_nothing(void **state)
{
	static const struct {
		uint32_t sockets, cores, threads, given;
		const char *says[3];
	} cases[] = {
		{ 10, 1, 1, 8, { "CPU sockets 10", "maxSockets 8", "ask for 1 to 8" } },
		{ 1, 1, 1, 1025, { "maxSockets 1025", "1024", "at most 1024" } },
		{ 1, 3, 2, 200, { "= 1200 vCPUs", "1024", "at most 170" } },
		{ 1,
		  UINT32_MAX,
		  UINT32_MAX,
		  0,
		  { "CPU maxSockets", "maximum", "ask for" } },
		{ UINT32_MAX, 1, 1, 0, { "CPU maxSockets", "1024", "ask for" } },
#ifdef __x86_64__
		{ 1, 17, 9, 6, { "highest APIC id", "4095", "powers of two" } },
#endif
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct spec s = spec_of(cases[i].sockets, cases[i].cores,
					cases[i].threads, cases[i].given);
		struct host_limits h = host;
		struct spec before = s;
		struct topology t;
		struct text why;

		if (cases[i].cores == 17)
			h.max_vcpu_id = 2048;
		assert_int_equal(spec_resolve(&s, &h, &t, &why), -EINVAL);
		assert_memory_equal(&s, &before, sizeof(s));
		for (int k = 0; k < 3; k++)
			if (cases[i].cores != 17 || k != 1)
				assert_non_null(strstr(why.s, cases[i].says[k]));
	}
}

static void what_is_wrong_by_itself_is_refused_without_a_host(void **state)
{
	static const struct {
		struct cpu_counts cpus;
		const char *says[2];
	} cases[] = {
		{ { 3, 1, 1, 2 }, { "CPU sockets 3", "maxSockets 2 (set for the VM)" } },
		{ { 1, 1, 1, 4097 }, { "4097 vCPUs", "4096 (this program's tables)" } },
		{ { 1, UINT32_MAX, UINT32_MAX, 0 },
		  { "CPU maxSockets", "4096 (this program's tables)" } },
	};
	struct spec s = { .cpus = { 1, 1, 1, 4096 } };
	struct topology t;
	struct text why;

	(void)state;
	assert_int_equal(spec_resolve(&s, NULL, &t, &why), 0);
	assert_int_equal(t.max_vcpus, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct spec before;

		s = (struct spec){ .cpus = cases[i].cpus };
		before = s;
		assert_int_equal(spec_resolve(&s, NULL, &t, &why), -EINVAL);
		assert_memory_equal(&s, &before, sizeof(s));
		for (int k = 0; k < 2; k++)
			assert_non_null(strstr(why.s, cases[i].says[k]));
	}
}

/* What it is, its value, the limit, where that comes from, and what would work. */
static void a_refusal_names_everything(void **state)
{
	struct spec s = spec_of(2, 1, 1, 0);
	struct topology t;
	struct text why;

	(void)state;
	assert_int_equal(spec_resolve(&s, &host, &t, &why), 0);
	assert_int_equal(spec_check_sockets(&s, 8, &why), 0);
	assert_int_equal(spec_check_sockets(&s, 9, &why), -ERANGE);
	assert_string_equal(why.s,
			    "CPU sockets 9 is greater than the maximum sockets allowed, "
			    "maxSockets 8 (by default 4 x sockets); ask for 1 to 8, or "
			    "start the VM with a "
			    "larger maxSockets");
	assert_int_equal(spec_check_sockets(&s, INT64_MIN, &why), -ERANGE);
	assert_string_equal(why.s,
			    "CPU sockets -9223372036854775808 is less than the minimum, "
			    "1; ask for 1 to 8");
}

static void what_is_stored_is_checked_as_the_next_start_would(void **state)
{
	struct spec s = spec_of(2, 1, 1, 8);
	struct topology t;
	struct text why;

	(void)state;
	assert_int_equal(spec_resolve(&s, &host, &t, &why), 0);
	assert_false(spec_differs(&s, &why));
	assert_int_equal(spec_check_sockets(&s, 8, &why), 0);
	s.stored[SPEC_MAX_SOCKETS] = 4;
	assert_true(spec_differs(&s, &why));
	assert_string_equal(why.s, "maxSockets 8 to 4");
	assert_int_equal(spec_check_sockets(&s, 4, &why), 0);
	assert_int_equal(spec_check_sockets(&s, 5, &why), -ERANGE);
	assert_string_equal(
		why.s, "from the next start on: CPU sockets 5 is greater than the "
		       "maximum sockets allowed, maxSockets 4 (set for the VM); ask for "
		       "1 to 4, or start the VM with a larger maxSockets");
	assert_int_equal(spec_check_sockets(&s, 9, &why), -ERANGE);
	assert_null(strstr(why.s, "from the next start on"));
	s.stored[SPEC_CORES] = 300;
	s.stored[SPEC_THREADS] = 2;
	assert_true(spec_differs(&s, &why));
	assert_string_equal(why.s, "maxSockets 8 to 4, threads 1 to 2, cores 1 to 300");
	assert_int_equal(spec_check_stored(&s, 2, &why), -ERANGE);
	assert_non_null(strstr(why.s, "x cores 300 x threads 2 = 2400 vCPUs is greater"));
	assert_int_equal(s.cpus.max_sockets, 8);
}

/* A maxSockets that nobody named follows from the others at the next start. */
static void a_default_is_stored_as_none(void **state)
{
	struct spec s = spec_of(2, 1, 1, 0);
	struct topology t;
	struct text why;

	(void)state;
	assert_int_equal(spec_resolve(&s, &host, &t, &why), 0);
	assert_int_equal(s.stored[SPEC_MAX_SOCKETS], 0);
	assert_int_equal(spec_running(&s, SPEC_MAX_SOCKETS), 8);
	assert_false(spec_differs(&s, &why));
	s.stored[SPEC_CORES] = 512;
	assert_int_equal(spec_check_stored(&s, 2, &why), 0);
	assert_int_equal(spec_check_stored(&s, 3, &why), -ERANGE);
	s.stored[SPEC_CORES] = 1;
	s.stored[SPEC_MAX_SOCKETS] = 8;
	assert_false(spec_differs(&s, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			max_sockets_comes_from_the_vm_else_from_the_ratio_within_the_cap),
		cmocka_unit_test(what_the_host_cannot_do_is_refused_and_changes_nothing),
		cmocka_unit_test(what_is_wrong_by_itself_is_refused_without_a_host),
		cmocka_unit_test(a_refusal_names_everything),
		cmocka_unit_test(what_is_stored_is_checked_as_the_next_start_would),
		cmocka_unit_test(a_default_is_stored_as_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
