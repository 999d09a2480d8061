#include "vmm/config/manifest_fuzz.c" // NOLINT(bugprone-suspicious-include)

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tools/corpus.h"

#define INPUTS 20000

static void every_seed_is_taken_or_refused(void **state)
{
	(void)state;
	assert_in_range(corpus_replay("tools/corpus/manifest", LLVMFuzzerTestOneInput), 6,
			1000);
}

/* Returns the new length. */
static size_t put(char *to, size_t at, const char *s)
{
	while (*s != '\0')
		to[at++] = *s++;
	return at;
}

/* Scraps of a manifest in any order. The same ones in every run. */
static void random_scraps_are_taken_or_refused(void **state)
{
	static const char head[] = "apiVersion: kubevirt.io/v1\n"
				   "kind: VirtualMachineInstance\n"
				   "spec: {domain: {";
	static const char *const scraps[] = {
		"{",
		"}",
		"[",
		"]",
		": ",
		", ",
		"\"",
		"'",
		"\n",
		"  ",
		"- ",
		"cpu: {",
		"cores",
		"sockets",
		"threads",
		"0",
		"-1",
		"7",
		"1.5Gi",
		"1e400",
		"memory",
		"guest",
		"resources: {",
		"limits: {",
		"~",
		"&a ",
		"*a",
		"!!str ",
		"\xff",
		"\t",
		"maxSockets: ",
		"kernelArgs",
	};
	uint32_t random = 2463534242u;
	char input[512];

	(void)state;
	for (int i = 0; i < INPUTS; i++) {
		size_t n = put(input, 0, head);

		while (n + 40 < sizeof(input) && corpus_random(&random) % 16 != 0)
			n = put(input, n, scraps[corpus_random(&random) % 32]);
		if (corpus_random(&random) % 2 != 0)
			n = put(input, n, "}}\n");
		LLVMFuzzerTestOneInput((const uint8_t *)input, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_seed_is_taken_or_refused),
		cmocka_unit_test(random_scraps_are_taken_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
