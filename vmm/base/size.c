#include "vmm/base/size.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* -1 for what is no suffix. */
static int suffix_shift(const char *suffix, int none)
{
	static const char letters[] = "KMGTkmgt";
	const char *at = suffix[0] != '\0' ? strchr(letters, suffix[0]) : NULL;
	bool ends = suffix[0] == '\0' || suffix[1] == '\0' ||
		    ((suffix[1] | 0x20) == 'i' && suffix[2] == '\0');

	if (suffix[0] == '\0')
		return none;
	return at != NULL && ends ? 10 * (int)((at - letters) % 4 + 1) : -1;
}

int size_parse(const char *text, int shift, uint64_t *out)
{
	char *end;
	uint64_t v;

	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	v = strtoull(text, &end, 10);
	shift = suffix_shift(end, shift);
	if (shift < 0)
		return -EINVAL;
	if (errno == ERANGE || v > UINT64_MAX >> shift)
		return -ERANGE;
	*out = v << shift;
	return 0;
}
