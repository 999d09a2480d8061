#include "vmm/config/spec_parse.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void the_cpu_list_is_read_whole_or_not_at_all(void **state)
{
	static const char *const bad[] = {
		"",
		",",
		"sockets",
		"sockets=",
		"sockets=0",
		"sockets=-1",
		"sockets=-",
		"sockets=1.5",
		"sockets=x",
		"sockets= 1",
		"sockets=0x10",
		"sockets=4294967296",
		"sockets=99999999999999999999999999",
		"sockets=1,",
		"sockets=1,,cores=1",
		"sockets=1,sockets=1",
		"socket=1",
		"Sockets=1",
		"maxsockets=1",
		"sockets=1,cores=2,threads=0",
	};
	struct spec s = { .cpus = { 1, 1, 1, 0 } }, before = s;
	struct text why;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(spec_parse_cpus(bad[i], &s, &why), -EINVAL);
		assert_memory_equal(&s, &before, sizeof(s));
	}
	assert_int_equal(
		spec_parse_cpus("maxSockets=8,sockets=2,threads=3,cores=4", &s, &why), 0);
	assert_int_equal(s.cpus.sockets, 2);
	assert_int_equal(s.cpus.cores, 4);
	assert_int_equal(s.cpus.threads, 3);
	assert_int_equal(s.cpus.max_sockets, 8);
	assert_int_equal(spec_parse_cpus("sockets=4294967295", &s, &why), 0);
	assert_int_equal(s.cpus.sockets, UINT32_MAX);
	assert_int_equal(s.cpus.cores, 4);
}

static void memory_is_a_whole_number_of_mib(void **state)
{
	static const char *const bad[] = {
		"",      "0",     "x",    "-1",    "1M",  "512X",
		"512MB", "1K",    "2.5G", "3000K", "65T", "99999999999999999999",
		" 5",    "512Mb", "5i",   "5Mii"
	};
	static const struct {
		const char *text;
		uint64_t mib;
	} good[] = { { "512", 512 }, { "512M", 512 },   { "2G", 2048 },
		     { "4096K", 4 }, { "1t", 1 << 20 }, { "64T", 64 << 20 },
		     { "5g", 5120 }, { "512Mi", 512 },  { "2Gi", 2048 },
		     { "4096ki", 4 } };
	struct spec s = { .memory = 7 };
	struct text why;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(spec_parse_memory(bad[i], &s, &why), -EINVAL);
		assert_int_equal(s.memory, 7);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(spec_parse_memory(good[i].text, &s, &why), 0);
		assert_int_equal(s.memory >> 20, good[i].mib);
	}
}

static void numbers_have_their_names(void **state)
{
	struct text why;
	uint32_t n = 7;

	(void)state;
	for (int k = 0; k < SPEC_CPU_KEYS; k++)
		assert_int_equal(spec_find_cpu(spec_cpu_name((enum spec_cpu)k)), k);
	assert_string_equal(spec_cpu_name(SPEC_MAX_SOCKETS), "maxSockets");
	assert_int_equal(spec_find_cpu("maxsockets"), -ENOENT);
	assert_int_equal(spec_find_cpu(""), -ENOENT);
	assert_int_equal(spec_check_count("cores", 0, &n, &why), -EINVAL);
	assert_int_equal(n, 7);
	assert_int_equal(spec_check_count("cores", UINT32_MAX, &n, &why), 0);
	assert_int_equal(n, UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_cpu_list_is_read_whole_or_not_at_all),
		cmocka_unit_test(memory_is_a_whole_number_of_mib),
		cmocka_unit_test(numbers_have_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
