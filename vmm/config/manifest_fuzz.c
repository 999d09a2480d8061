/* Whatever the bytes are: a manifest is taken whole, within the limits, or refused in one
 * line with nothing done. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/config/manifest.h"

#define MIB (UINT64_C(1) << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void must_be_one_line(const char *s)
{
	for (; *s != '\0'; s++)
		must((unsigned char)*s >= ' ' && *s != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct spec before = { .memory = 512 * MIB,
				     .cpus = { .sockets = 1, .cores = 1, .threads = 1 } };
	struct spec s = before;
	struct text why = { "" };

	if (manifest_parse("vm.yaml", (const char *)data, size, &s, &why) < 0) {
		must(s.from.manifest == NULL && s.name == NULL && s.kernel == NULL);
		must(s.cpus.sockets == 1 && s.cpus.max_sockets == 0 &&
		     s.memory == before.memory);
		must(strncmp(why.s, "vm.yaml: ", 9) == 0 && why.s[9] != '\0');
		must_be_one_line(why.s);
		return 0;
	}
	must(s.cpus.sockets > 0 && s.cpus.cores > 0 && s.cpus.threads > 0);
	must(s.memory >= 2 * MIB && s.memory <= UINT64_C(1) << 46 && s.memory % MIB == 0);
	must(s.name == NULL || (s.name[0] != '\0' && strlen(s.name) <= 253));
	must_be_one_line(manifest_ignored(s.from.manifest));
	manifest_close(s.from.manifest);
	return 0;
}
