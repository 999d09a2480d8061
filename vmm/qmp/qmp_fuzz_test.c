#include "vmm/qmp/qmp_fuzz.c" // NOLINT(bugprone-suspicious-include)

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tools/corpus.h"

#define INPUTS 20000

static void every_seed_is_answered_alike_in_any_pieces(void **state)
{
	(void)state;
	assert_in_range(corpus_replay("tools/corpus/qmp", LLVMFuzzerTestOneInput), 8,
			1000);
}

/* Scraps of JSON in any order. The same ones in every run. */
static void random_scraps_are_answered_alike_in_any_pieces(void **state)
{
	static const char *const scraps[] = {
		"{",
		"}",
		"[",
		"]",
		":",
		",",
		"\"",
		"\\",
		"\n",
		"\"id\"",
		"1",
		"-1",
		"1e9",
		"null",
		"true",
		" ",
		"\"execute\"",
		"\"arguments\"",
		"\"qmp_capabilities\"",
		"\"resize\"",
		"{\"execute\":\"qmp_capabilities\"}\n",
		"\xff",
		"\xc3\xa9",
		"\xed\xa0\x80",
		"\\u0000",
		"\x01",
		"[[[[[[[[",
		"{\"a\":",
		"\r\n",
		"\"a",
		"}}",
		"'",
	};
	uint32_t random = 88172645u;
	uint8_t input[256];

	(void)state;
	for (int i = 0; i < INPUTS; i++) {
		size_t n = 1;

		input[0] = (uint8_t)(corpus_random(&random) % 8);
		while (n + 40 < sizeof(input) && corpus_random(&random) % 24 != 0) {
			const char *s = scraps[corpus_random(&random) % 32];

			while (*s != '\0')
				input[n++] = (uint8_t)*s++;
		}
		LLVMFuzzerTestOneInput(input, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_seed_is_answered_alike_in_any_pieces),
		cmocka_unit_test(random_scraps_are_answered_alike_in_any_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
