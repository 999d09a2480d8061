#include "devices/x86_64/ioapic_fuzz.c" // NOLINT(bugprone-suspicious-include)

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tools/corpus.h"

#define INPUTS 20000

static void every_seed_makes_no_difference(void **state)
{
	(void)state;
	assert_in_range(corpus_replay("tools/corpus/ioapic", LLVMFuzzerTestOneInput), 4,
			1000);
}

/* Letters of steps, each with bytes at random. The same ones in every run. */
static void random_steps_make_no_difference(void **state)
{
	uint32_t random = 2463534242u;
	uint8_t input[300];

	(void)state;
	for (int i = 0; i < INPUTS; i++) {
		size_t n = 0;

		while (n + 1 + STEP_ARGS < sizeof(input)) {
			const struct step *step = &steps[corpus_random(&random) % NSTEPS];

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
		cmocka_unit_test(every_seed_makes_no_difference),
		cmocka_unit_test(random_steps_make_no_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
