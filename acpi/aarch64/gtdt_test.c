#include "acpi/aarch64/gtdt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "acpi/aarch64/built.h"
#include "acpi/shapes.h"

static void four_timers_without_a_block_in_memory(void **state)
{
	static const unsigned char want[104 - 36] = {
		0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, /* control block: none */
		0,    0,    0,    0,    29,   0,    0,    0,
		0,    0,    0,    0,                         /* secure EL1: level */
		30,   0,    0,    0,    0,    0,    0,    0, /* EL1 */
		27,   0,    0,    0,    4,    0,    0,    0, /* virtual EL1: always on */
		26,   0,    0,    0,    0,    0,    0,    0, /* EL2 */
		0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, /* read block: none */
		0,    0,    0,    0,    0,    0,    0,    0, /* platform timers: none */
		0,    0,    0,    0,    0,    0,    0,    0, /* virtual EL2: none */
	};

	(void)state;
	for (size_t i = 0; i < NSHAPES; i++) {
		struct topology t = shape(i);
		unsigned char *buf =
			built((struct arch_table){ gtdt_len, gtdt_build }, &t, "GTDT", 3);

		assert_int_equal(gtdt_len(&t), 104);
		assert_memory_equal(buf + 36, want, sizeof(want));
		free(buf);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_timers_without_a_block_in_memory),
	};

	return cmocka_run_group_tests_name("gtdt", tests, NULL, NULL);
}
