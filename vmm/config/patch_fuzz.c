/* Whatever the bytes are: as either type of patch they are taken, within the limits of
 * numbers, or refused in one line. */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "vmm/config/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void must_be_one_line(const char *s)
{
	must(*s != '\0');
	for (; *s != '\0'; s++)
		must((unsigned char)*s >= ' ' && *s != 0x7f);
}

static void check_taken(const struct patch *p, const uint32_t before[SPEC_CPU_KEYS])
{
	for (int k = 0; k < SPEC_CPU_KEYS; k++) {
		must(p->named[k] || p->cpu[k] == before[k]);
		must(k == SPEC_SOCKETS || (p->cpu[k] >= 1 && p->cpu[k] <= UINT32_MAX));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t before[SPEC_CPU_KEYS] = { 2, 1, 1, 8 };
	json_t *json = json_loadb((const char *)data, size,
				  JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	struct patch p;
	struct text why;

	for (int is_json = 0; json != NULL && is_json < 2; is_json++) {
		why.s[0] = '\0';
		if (patch_read(json, is_json, before, &p, &why) == 0)
			check_taken(&p, before);
		else
			must_be_one_line(why.s);
	}
	json_decref(json);
	return 0;
}
