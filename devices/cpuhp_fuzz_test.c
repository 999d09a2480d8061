#include "devices/cpuhp_fuzz.c" // NOLINT(bugprone-suspicious-include)

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tools/corpus.h"

#define INPUTS 10000

static void every_seed_keeps_what_must_hold(void **state)
{
	(void)state;
	assert_in_range(corpus_replay("tools/corpus/cpuhp", LLVMFuzzerTestOneInput), 10,
			1000);
}

/* Letters of steps, each with bytes at random. The same ones in every run. */
static void random_steps_keep_what_must_hold(void **state)
{
	uint32_t random = 2463534242u;
	uint8_t input[300];

	(void)state;
	for (int i = 0; i < INPUTS; i++) {
		size_t n = 1;

		input[0] = (uint8_t)corpus_random(&random);
		while (n + 5 < sizeof(input)) {
			const struct step *step = &steps[corpus_random(&random) % NSTEPS];

			if (step->fn == do_storm && corpus_random(&random) % 16 != 0)
				continue;
			input[n++] = (uint8_t)step->letter;
			for (unsigned a = 0; a < step->args; a++)
				input[n++] = (uint8_t)corpus_random(&random);
		}
		LLVMFuzzerTestOneInput(input, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_seed_keeps_what_must_hold),
		cmocka_unit_test(random_steps_keep_what_must_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
