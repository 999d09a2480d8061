#include "vmm/config/host_config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char path[64];

static int make_file(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/config-test-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path) < 0 && errno != ENOENT ? -1 : 0;
}

static void put(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

static void each_key_is_read_and_what_is_missing_is_0(void **state)
{
	static const struct {
		const char *text;
		struct policy want;
	} cases[] = {
		{ "{}", { 0, 0, 0 } },
		{ "{\"maxCpuSockets\": 16, \"maxHotplugRatio\": 3, \"maxVcpus\": 64}",
		  { 16, 3, 64 } },
		{ "{\"maxVcpus\": 4294967295}", { 0, 0, UINT32_MAX } },
		{ "{\"maxHotplugRatio\": 1}", { 0, 1, 0 } },
	};
	struct text why;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy p = { 7, 7, 7 };

		put(cases[i].text);
		assert_int_equal(host_config_read(path, &p, &why), 0);
		assert_memory_equal(&p, &cases[i].want, sizeof(p));
	}
}

static void what_cannot_be_is_refused_with_file_and_key(void **state)
{
	/* clang-format off */
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "line 1, column 0: '[' or '{' expected near end of file" },
		{ "{\"maxVcpus\": 1", "line 1, column 14: '}' expected near end of file" },
		{ "[]", "the whole must be an object, and is an array" },
		{ "{\"maxVcpus\": 1, \"maxVcpus\": 2}", "line 1, column 26: duplicate object key near '\"maxVcpus\"'" },
		{ "{\"maxvcpus\": 1}", "'maxvcpus' is not known; use maxCpuSockets, maxHotplugRatio, maxVcpus" },
		{ "{\"max\\nx\": 1}", "'max?x' is not known; use maxCpuSockets, maxHotplugRatio, maxVcpus" },
		{ "{\"maxVcpus\": \"512\"}", "maxVcpus must be a whole number, and is a string" },
		{ "{\"maxHotplugRatio\": 1.5}", "maxHotplugRatio must be a whole number, and is a number with a fraction" },
		{ "{\"maxCpuSockets\": null}", "maxCpuSockets must be a whole number, and is null" },
		{ "{\"maxCpuSockets\": 0}", "maxCpuSockets 0 is less than the minimum, 1; give 1 or more, or leave it out" },
		{ "{\"maxHotplugRatio\": 0}", "maxHotplugRatio 0 is less than the minimum, 1; give 1 or more, or leave it out" },
		{ "{\"maxVcpus\": -4}", "maxVcpus -4 is less than the minimum, 1; give 1 or more, or leave it out" },
		{ "{\"maxVcpus\": 4294967296}", "maxVcpus 4294967296 is greater than the maximum, 4294967295; give less" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy p = { 1, 2, 3 }, before = p;
		struct text why;
		char want[512];

		put(cases[i].text);
		assert_int_equal(host_config_read(path, &p, &why), -EINVAL);
		(void)snprintf(want, sizeof(want), "%s: %s", path, cases[i].why);
		assert_string_equal(why.s, want);
		assert_memory_equal(&p, &before, sizeof(p));
	}
}

static void a_named_file_must_be_one_that_can_be_read(void **state)
{
	struct policy p = { 1, 2, 3 };
	struct text why;

	(void)state;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(host_config_read(path, &p, &why), -ENOENT);
	assert_non_null(strstr(why.s, path));
	assert_non_null(strstr(why.s, "No such file"));
	assert_int_equal(host_config_read("/tmp", &p, &why), -EISDIR);
	assert_int_equal(host_config_read("/dev/null", &p, &why), -EINVAL);
	assert_string_equal(why.s, "/dev/null: not a regular file");
	assert_int_equal(p.max_vcpus, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_key_is_read_and_what_is_missing_is_0,
						make_file, remove_file),
		cmocka_unit_test_setup_teardown(
			what_cannot_be_is_refused_with_file_and_key, make_file,
			remove_file),
		cmocka_unit_test_setup_teardown(a_named_file_must_be_one_that_can_be_read,
						make_file, remove_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
