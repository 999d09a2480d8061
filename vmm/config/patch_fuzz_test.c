#include "vmm/config/patch_fuzz.c" // NOLINT(bugprone-suspicious-include)

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "tools/corpus.h"

static void every_seed_is_taken_or_refused(void **state)
{
	(void)state;
	assert_in_range(corpus_replay("tools/corpus/patch", LLVMFuzzerTestOneInput), 5,
			1000);
}

/* Each seed has each of its bytes changed. */
static int change_each_byte(const uint8_t *data, size_t size)
{
	static const char marks[] = "\"{}[]:,-0~\n";
	uint8_t copy[4096];

	assert_in_range(size, 1, sizeof(copy));
	for (size_t i = 0; i < size * (sizeof(marks) - 1); i++) {
		memcpy(copy, data, size);
		copy[i % size] = (uint8_t)marks[i / size];
		LLVMFuzzerTestOneInput(copy, size);
	}
	return 0;
}

static void seeds_that_are_changed_are_taken_or_refused(void **state)
{
	(void)state;
	assert_in_range(corpus_replay("tools/corpus/patch", change_each_byte), 5, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_seed_is_taken_or_refused),
		cmocka_unit_test(seeds_that_are_changed_are_taken_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
