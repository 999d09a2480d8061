#include "vmm/config/quantity.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define MANTISSA_MAX 1000000000000000000u /* 19 digits: times 2^60 it fits in 128 bits */
#define EXPONENT_MAX                                                                     \
	100000 /* more changes nothing: no text that we read has so many digits */

__extension__ typedef unsigned __int128 wide;

/* mantissa * 2^shift * 10^exponent; rest: there was more than the mantissa holds. */
struct number {
	uint64_t mantissa;
	int exponent, shift;
	bool rest;
};

static const struct suffix {
	const char *text;
	int exponent, shift;
} suffixes[] = {
	{ "", 0, 0 },    { "n", -9, 0 },  { "u", -6, 0 },  { "m", -3, 0 },
	{ "k", 3, 0 },   { "M", 6, 0 },   { "G", 9, 0 },   { "T", 12, 0 },
	{ "P", 15, 0 },  { "E", 18, 0 },  { "Ki", 0, 10 }, { "Mi", 0, 20 },
	{ "Gi", 0, 30 }, { "Ti", 0, 40 }, { "Pi", 0, 50 }, { "Ei", 0, 60 },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void take_digit(struct number *n, char c, bool fraction)
{
	if (n->mantissa < MANTISSA_MAX) {
		n->mantissa = n->mantissa * 10 + (uint64_t)(c - '0');
		n->exponent -= fraction;
		return;
	}
	n->rest |= c != '0';
	n->exponent += !fraction;
}

/* Returns what follows the digits, or NULL when there are none. */
static const char *read_digits(const char *p, struct number *n)
{
	bool fraction = false, any = false;

	for (; is_digit(*p) || (*p == '.' && !fraction); p++) {
		if (*p == '.') {
			fraction = true;
			continue;
		}
		any = true;
		take_digit(n, *p, fraction);
	}
	return any ? p : NULL;
}

static int read_exponent(const char *p, struct number *n)
{
	bool negative = *p == '-';
	int e = 0;

	p += *p == '-' || *p == '+';
	if (!is_digit(*p))
		return -EINVAL;
	for (; is_digit(*p); p++)
		if (e < EXPONENT_MAX)
			e = e * 10 + (*p - '0');
	n->exponent += negative ? -e : e;
	return *p == '\0' ? 0 : -EINVAL;
}

static int read_suffix(const char *p, struct number *n)
{
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		if (strcmp(p, suffixes[i].text) != 0)
			continue;
		n->exponent += suffixes[i].exponent;
		n->shift = suffixes[i].shift;
		return 0;
	}
	return *p == 'e' || *p == 'E' ? read_exponent(p + 1, n) : -EINVAL;
}

static int value_of(const struct number *n, uint64_t *out)
{
	wide v = (wide)n->mantissa << n->shift;
	bool rest = n->rest;

	for (int e = n->exponent; e > 0 && v > 0 && v <= INT64_MAX; e--)
		v *= 10;
	for (int e = n->exponent; e < 0 && v > 0; e++) {
		rest |= v % 10 != 0;
		v /= 10;
	}
	v += rest;
	if (v > INT64_MAX)
		return -ERANGE;
	*out = (uint64_t)v;
	return 0;
}

int quantity_parse(const char *text, uint64_t *out)
{
	struct number n = { 0, 0, 0, false };
	bool negative = text[0] == '-';
	const char *end = read_digits(text + (negative || text[0] == '+'), &n);
	int err = end != NULL ? read_suffix(end, &n) : -EINVAL;

	if (err < 0)
		return err;
	if (negative && n.mantissa > 0)
		return -EDOM;
	return value_of(&n, out);
}
