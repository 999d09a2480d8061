#ifndef VMM_BOOT_FILE_FUZZ_H
#define VMM_BOOT_FILE_FUZZ_H
/* file_fuzz: a file that a fuzz target looks at: a good one, with changes that are text.
 * Words of an input: "OFFSET:BYTES" puts bytes, "lLENGTH" cuts or lengthens the file; all
 * in hexadecimal digits, "1f4:ff00 l8ff". What is none of them is passed over. */

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/text.h"

#define FILE_FUZZ_LEN 8192 /* bytes that a file can have; behind them it has zeros */

struct file_fuzz {
	uint8_t bytes[FILE_FUZZ_LEN];
	uint64_t len; /* what the file claims to have */
};

static inline void must(bool ok)
{
	if (!ok)
		abort();
}

static inline unsigned file_fuzz_digit(uint8_t c)
{
	return (unsigned)(isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
}

/* Returns how many bytes of the input the number took. */
static inline size_t file_fuzz_number(const uint8_t *data, size_t size, uint64_t *out)
{
	size_t n = 0;

	for (*out = 0; n < size && isxdigit(data[n]); n++)
		*out = *out << 4 | file_fuzz_digit(data[n]);
	return n;
}

static inline size_t file_fuzz_bytes(struct file_fuzz *f, uint64_t at,
				     const uint8_t *data, size_t size)
{
	size_t n = 0;

	for (; n + 1 < size && isxdigit(data[n]) && isxdigit(data[n + 1]); n += 2)
		f->bytes[at++ % FILE_FUZZ_LEN] = (uint8_t)(file_fuzz_digit(data[n]) << 4 |
							   file_fuzz_digit(data[n + 1]));
	return n;
}

static inline void file_fuzz_change(struct file_fuzz *f, const uint8_t *data, size_t size)
{
	for (size_t i = 0, n; i < size; i += n + 1) {
		bool is_len = data[i] == 'l';
		uint64_t number;

		n = file_fuzz_number(data + i + is_len, size - i - is_len, &number) +
		    is_len;
		if (is_len)
			f->len = number;
		else if (i + n < size && data[i + n] == ':')
			n += 1 + file_fuzz_bytes(f, number, data + i + n + 1,
						 size - i - n - 1);
	}
}

/* The begin of the file, on the heap, so that a checker sees its end. */
static inline uint8_t *file_fuzz_head(const struct file_fuzz *f, size_t max, size_t *len)
{
	uint8_t *head;

	*len = f->len < max ? (size_t)f->len : max;
	head = malloc(*len + 1);
	must(head != NULL);
	memcpy(head, f->bytes, *len);
	return head;
}

static inline void file_fuzz_refused(const struct text *why)
{
	must(strncmp(why->s, "kernel k ", 9) == 0 && why->s[9] != '\0');
	for (const char *s = why->s; *s != '\0'; s++)
		must(*s >= ' ' && *s <= '~');
}

/* Some changes below this offset, of which each is small. Returns their length. */
static inline size_t file_fuzz_random(uint32_t (*random)(uint32_t *state),
				      uint32_t *state, unsigned below, char *out,
				      size_t size)
{
	static const unsigned lens[] = { 0, 1, 63, 64, 300, 2048, 8192, 0x11000 };
	size_t n = 0;

	for (unsigned i = random(state) % 4 + 1; i > 0; i--)
		n += (size_t)snprintf(out + n, size - n, "%x:%0*x ",
				      random(state) % below, 2 << random(state) % 3,
				      random(state) & 0xff);
	if (random(state) % 4 == 0)
		n += (size_t)snprintf(out + n, size - n, "l%x ",
				      lens[random(state) % 8] + random(state) % 2);
	return n;
}

#endif
