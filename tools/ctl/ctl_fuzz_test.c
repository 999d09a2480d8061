#include "tools/ctl/ctl_fuzz.c" // NOLINT(bugprone-suspicious-include)

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "tools/corpus.h"

static void every_seed_is_shown_or_refused(void **state)
{
	(void)state;
	assert_in_range(corpus_replay("tools/corpus/ctl", LLVMFuzzerTestOneInput), 5,
			1000);
}

/* Each seed has some of its bytes changed. */
static int change_bytes(const uint8_t *data, size_t size)
{
	static const char marks[] = "\"{}[]:,-0e\\\n\r\x1b\xff";
	static uint8_t copy[8192];
	uint32_t random = 1;

	assert_in_range(size, 1, sizeof(copy));
	for (int i = 0; i < 300; i++) {
		memcpy(copy, data, size);
		for (uint32_t n = corpus_random(&random) % 3 + 1; n > 0; n--)
			copy[corpus_random(&random) % size] = (uint8_t)
				marks[corpus_random(&random) % (sizeof(marks) - 1)];
		LLVMFuzzerTestOneInput(copy, size);
	}
	return 0;
}

static void seeds_that_are_changed_are_shown_or_refused(void **state)
{
	(void)state;
	assert_in_range(corpus_replay("tools/corpus/ctl", change_bytes), 5, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_seed_is_shown_or_refused),
		cmocka_unit_test(seeds_that_are_changed_are_shown_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
