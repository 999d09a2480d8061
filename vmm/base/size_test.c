#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "vmm/base/size.h"

static void sizes_are_read(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "0", 0 },
		{ "1", 1 },
		{ "4K", 4096 },
		{ "4k", 4096 },
		{ "4Ki", 4096 },
		{ "1M", 1 << 20 },
		{ "1mi", 1 << 20 },
		{ "2G", UINT64_C(2) << 30 },
		{ "3Ti", UINT64_C(3) << 40 },
		{ "18446744073709551615", UINT64_MAX },
		{ "16777215T", UINT64_C(16777215) << 40 },
	};
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(size_parse(good[i].text, 0, &v), 0);
		assert_int_equal(v, good[i].bytes);
	}
	assert_int_equal(size_parse("512", 20, &v), 0);
	assert_int_equal(v, 512 << 20);
	assert_int_equal(size_parse("512K", 20, &v), 0);
	assert_int_equal(v, 512 << 10);
}

static void what_is_no_size_is_not(void **state)
{
	static const char *const bad[] = { "",     "K",    "-1",  "+1",   " 1",
					   "1 ",   "1X",   "1KB", "1Kii", "1i",
					   "1.5M", "0x10", "1KM" };
	uint64_t v = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(size_parse(bad[i], 0, &v), -EINVAL);
	assert_int_equal(size_parse("18446744073709551616", 0, &v), -ERANGE);
	assert_int_equal(size_parse("16777216T", 0, &v), -ERANGE);
	assert_int_equal(v, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_read),
		cmocka_unit_test(what_is_no_size_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
