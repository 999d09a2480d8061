#include "vmm/config/quantity.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void the_value_is_exact_and_rounded_up(void **state)
{
	static const struct {
		const char *text;
		uint64_t want;
	} cases[] = {
		{ "0", 0 },
		{ "-0", 0 },
		{ "1", 1 },
		{ "+1", 1 },
		{ "007", 7 },
		{ "1.", 1 },
		{ ".5", 1 },
		{ "1.0", 1 },
		{ "1.0000000000000000000000000000", 1 },
		{ "1.0000000000000000000000000001", 2 },
		{ "2Gi", UINT64_C(2) << 30 },
		{ "1.5Gi", UINT64_C(3) << 29 },
		{ "0.1Gi", 107374183 },
		{ "64Mi", 64 << 20 },
		{ "3Ki", 3072 },
		{ "1Ti", UINT64_C(1) << 40 },
		{ "1Pi", UINT64_C(1) << 50 },
		{ "7Ei", UINT64_C(7) << 60 },
		{ "1k", 1000 },
		{ "512M", 512000000 },
		{ "1G", 1000000000 },
		{ "1T", UINT64_C(1000000000000) },
		{ "1P", UINT64_C(1000000000000000) },
		{ "9E", UINT64_C(9000000000000000000) },
		{ "1e9", 1000000000 },
		{ "1E9", 1000000000 },
		{ "1.5e+9", 1500000000 },
		{ "1500e-3", 2 },
		{ "1e-99999999999999", 1 },
		{ "0e99999999999999", 0 },
		{ "500m", 1 },
		{ "2000m", 2 },
		{ "2001m", 3 },
		{ "1u", 1 },
		{ "128974848000m", 128974848 },
		{ "9223372036854775807", INT64_MAX },
		{ "9223372036854775806.5", INT64_MAX },
		{ "9223372036854775807000m", INT64_MAX },
	};
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(quantity_parse(cases[i].text, &value), 0);
		assert_int_equal(value, cases[i].want);
	}
}

static void what_is_no_quantity_is_refused(void **state)
{
	static const struct {
		const char *text;
		int err;
	} cases[] = {
		{ "", -EINVAL },
		{ ".", -EINVAL },
		{ "-", -EINVAL },
		{ "Gi", -EINVAL },
		{ " 1", -EINVAL },
		{ "1 ", -EINVAL },
		{ "1 Gi", -EINVAL },
		{ "1gi", -EINVAL },
		{ "1K", -EINVAL },
		{ "1ki", -EINVAL },
		{ "1GiB", -EINVAL },
		{ "1..5", -EINVAL },
		{ "1.5.5", -EINVAL },
		{ "1e", -EINVAL },
		{ "1e+", -EINVAL },
		{ "1e9Gi", -EINVAL },
		{ "1e1.5", -EINVAL },
		{ "--1", -EINVAL },
		{ "0x10", -EINVAL },
		{ "1_000", -EINVAL },
		{ "-1", -EDOM },
		{ "-1Gi", -EDOM },
		{ "-0.001", -EDOM },
		{ "8Ei", -ERANGE },
		{ "10E", -ERANGE },
		{ "9223372036854775808", -ERANGE },
		{ "9223372036854775807.5", -ERANGE },
		{ "99999999999999999999999999999999999999999999", -ERANGE },
		{ "1e19", -ERANGE },
		{ "1e99999999999999", -ERANGE },
		{ "18446744073709551616Ei", -ERANGE },
	};
	uint64_t value = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(quantity_parse(cases[i].text, &value), cases[i].err);
		assert_int_equal(value, 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_value_is_exact_and_rounded_up),
		cmocka_unit_test(what_is_no_quantity_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
