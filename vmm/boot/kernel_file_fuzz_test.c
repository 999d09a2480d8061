#include "vmm/boot/kernel_file_fuzz.c" // NOLINT(bugprone-suspicious-include)

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "tools/corpus.h"

static void every_seed_is_taken_or_refused(void **state)
{
	(void)state;
	assert_in_range(corpus_replay("tools/corpus/kernel_file", LLVMFuzzerTestOneInput),
			4, 1000);
}

static void random_changes_are_taken_or_refused(void **state)
{
	uint32_t random = 1;
	char text[256];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t n =
			file_fuzz_random(corpus_random, &random, 600, text, sizeof(text));

		LLVMFuzzerTestOneInput((const uint8_t *)text, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_seed_is_taken_or_refused),
		cmocka_unit_test(random_changes_are_taken_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
