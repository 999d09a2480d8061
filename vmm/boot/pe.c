#include "vmm/boot/pe.h"

#include <errno.h>
#include <string.h>

#include "vmm/boot/bytes.h"

enum {
	DOS_LEN = 64,
	DOS_PE_AT = 60, /* where the header is */

	MACHINE = 4, /* in it */
	SECTIONS = 6,
	OPTIONAL_LEN = 20,
	HEADER_LEN = 24,

	SECTION_LEN = 40,
	RAW_LEN = 16, /* in a section's header */
	RAW_AT = 20,
};

static void need(struct pe *pe, uint64_t end)
{
	if (end > pe->end)
		pe->end = end;
}

int pe_parse(const unsigned char *head, size_t len, struct pe *out)
{
	uint64_t at, sections;
	unsigned n;

	*out = (struct pe){ 0, 0 };
	if (len < 2 || memcmp(head, "MZ", 2) != 0)
		return -EINVAL;
	need(out, DOS_LEN);
	if (len < DOS_LEN)
		return -EINVAL;
	at = bytes_le32(head + DOS_PE_AT);
	if (at + HEADER_LEN > len) {
		need(out, at + HEADER_LEN);
		return -EINVAL;
	}
	if (memcmp(head + at, "PE\0\0", 4) != 0)
		return -EINVAL;
	out->machine = bytes_le16(head + at + MACHINE);
	n = bytes_le16(head + at + SECTIONS);
	sections = at + HEADER_LEN + bytes_le16(head + at + OPTIONAL_LEN);
	need(out, sections + (uint64_t)n * SECTION_LEN);
	for (unsigned i = 0; i < n && sections + SECTION_LEN <= len; i++) {
		const unsigned char *s = head + sections;

		if (bytes_le32(s + RAW_LEN) != 0)
			need(out,
			     (uint64_t)bytes_le32(s + RAW_AT) + bytes_le32(s + RAW_LEN));
		sections += SECTION_LEN;
	}
	return 0;
}
