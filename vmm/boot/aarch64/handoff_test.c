#include "vmm/boot/aarch64/handoff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct handoff at = { .gpa = 0x5fff4540,
				   .rsdp = 0x5fff0000,
				   .ram = 0x40000000,
				   .reserved = 0x5fff0000,
				   .nvs = 0x15fff0000,
				   .end = 0x160000000 };

static unsigned char buf[HANDOFF_LEN + 1];

static int make(void **state)
{
	(void)state;
	memset(buf, 0xee, sizeof(buf));
	handoff_build(&at, buf);
	return 0;
}

static void the_system_table_is_as_the_specification_has_it(void **state)
{
	/* clang-format off */
	static const unsigned char want[120] = {
		'I', 'B', 'I', ' ', 'S', 'Y', 'S', 'T',
		0x46, 0, 2, 0,  120, 0, 0, 0, /* 2.70; length */
		[24] = 0x68, 0x46, 0xff, 0x5f, /* vendor */
		[104] = 2, [112] = 0xb8, 0x45, 0xff, 0x5f,
	};
	/* clang-format on */

	(void)state;
	assert_memory_equal(buf, want, sizeof(want));
}

static void there_are_acpi_and_no_runtime_services(void **state)
{
	/* clang-format off */
	static const unsigned char want[56] = {
		0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11, 0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81,
		0x00, 0x00, 0xff, 0x5f, 0, 0, 0, 0,
		0x8a, 0x91, 0x66, 0xeb, 0xef, 0x7e, 0x2a, 0x40, 0x84, 0x2e, 0x93, 0x1d, 0x21, 0xc3, 0x8a, 0xe9,
		0xe8, 0x45, 0xff, 0x5f, 0, 0, 0, 0,
		1, 0, 8, 0, 0, 0, 0, 0,
	};
	/* clang-format on */

	(void)state;
	assert_memory_equal(buf + 0x78, want, sizeof(want)); /* 0x45b8 */
}

static void memory_is_free_but_for_the_tables(void **state)
{
	/* clang-format off */
	static const unsigned char want[120] = {
		7, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0x40, 0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0,
		0xf0, 0xff, 1, 0, 0, 0, 0, 0,  8, 0, 0, 0, 0, 0, 0, 0,
		9, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0xff, 0x5f, 0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0x10, 0, 0, 0, 0, 0,  8, 0, 0, 0, 0, 0, 0, 0,
		10, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0xff, 0x5f, 1, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0,
		0x10, 0, 0, 0, 0, 0, 0, 0,  8, 0, 0, 0, 0, 0, 0, 0,
	};
	/* clang-format on */

	(void)state;
	assert_memory_equal(buf + HANDOFF_MAP, want, sizeof(want));
	assert_int_equal(HANDOFF_MAP_LEN, sizeof(want));
	assert_int_equal(HANDOFF_MAP % 8, 0);
}

static void the_vendor_is_utf16_and_ends_the_whole(void **state)
{
	(void)state;
	assert_memory_equal(buf + 0x128, "h\0o\0t\0s\0o\0c\0k\0e\0t\0\0", 20);
	assert_int_equal(HANDOFF_LEN, 0x128 + 20);
	assert_int_equal(buf[HANDOFF_LEN], 0xee);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_system_table_is_as_the_specification_has_it),
		cmocka_unit_test(there_are_acpi_and_no_runtime_services),
		cmocka_unit_test(memory_is_free_but_for_the_tables),
		cmocka_unit_test(the_vendor_is_utf16_and_ends_the_whole),
	};

	return cmocka_run_group_tests(tests, make, NULL);
}
