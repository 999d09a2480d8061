#include "acpi/aarch64/spcr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "acpi/aarch64/built.h"
#include "acpi/shapes.h"

static void console_is_the_16550(void **state)
{
	static const unsigned char want[80 - 36] = {
		0, 0,    0,    0, /* full 16550 */
		0, 8,    0,    1,    0,    0,
		0, 0x09, 0,    0,    0,    0,    /* bytes of memory at 0x09000000 */
		8, 0,    33,   0,    0,    0,    /* at the GIC */
		7, 0,    1,    0,                /* 115200 8N1, no flow control */
		0, 0,    0xFF, 0xFF, 0xFF, 0xFF, /* no PCI device */
		0, 0,    0,    0,    0,    0,
		0, 0,    0,    0,    0,    0,
	};

	(void)state;
	for (size_t i = 0; i < NSHAPES; i++) {
		struct topology t = shape(i);
		unsigned char *buf =
			built((struct arch_table){ spcr_len, spcr_build }, &t, "SPCR", 2);

		assert_int_equal(spcr_len(&t), 80);
		assert_memory_equal(buf + 36, want, sizeof(want));
		free(buf);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(console_is_the_16550),
	};

	return cmocka_run_group_tests_name("spcr", tests, NULL, NULL);
}
