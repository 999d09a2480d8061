#include "vmm/hotplug/units.h"

#include <stdio.h>

#define WORDS (UNITS_MAX / 64)

static uint64_t bit(uint32_t unit)
{
	return UINT64_C(1) << unit % 64;
}

void units_put(struct units *u, uint32_t unit)
{
	u->word[unit / 64] |= bit(unit);
}

void units_drop(struct units *u, uint32_t unit)
{
	u->word[unit / 64] &= ~bit(unit);
}

void units_put_all(struct units *u, const struct units *more)
{
	for (int i = 0; i < WORDS; i++)
		u->word[i] |= more->word[i];
}

void units_drop_all(struct units *u, const struct units *less)
{
	for (int i = 0; i < WORDS; i++)
		u->word[i] &= ~less->word[i];
}

bool units_has(const struct units *u, uint32_t unit)
{
	return (u->word[unit / 64] & bit(unit)) != 0;
}

bool units_meet(const struct units *a, const struct units *b)
{
	uint64_t both = 0;

	for (int i = 0; i < WORDS; i++)
		both |= a->word[i] & b->word[i];
	return both != 0;
}

bool units_empty(const struct units *u)
{
	return units_next(u, 0) == UNITS_MAX;
}

uint32_t units_count(const struct units *u)
{
	uint32_t n = 0;

	for (int i = 0; i < WORDS; i++)
		n += (uint32_t)__builtin_popcountll(u->word[i]);
	return n;
}

uint32_t units_next(const struct units *u, uint32_t from)
{
	for (uint32_t i = from / 64; i < WORDS; i++, from = i * 64) {
		uint64_t rest = u->word[i] >> from % 64;

		if (rest != 0)
			return from + (uint32_t)__builtin_ctzll(rest);
	}
	return UNITS_MAX;
}

size_t units_list(const struct units *u, uint32_t *out)
{
	size_t n = 0;

	UNITS_EACH (unit, u)
		out[n++] = unit;
	return n;
}

/* The last of the run that begins here. */
static uint32_t run_end(const struct units *u, uint32_t unit)
{
	while (unit + 1 < UNITS_MAX && units_has(u, unit + 1))
		unit++;
	return unit;
}

void units_name(const struct units *u, char *out, size_t len)
{
	uint32_t first = units_next(u, 0), last;
	size_t at = 0;

	out[0] = '\0';
	for (; first < UNITS_MAX && at + 32 < len; first = units_next(u, last + 1)) {
		last = run_end(u, first);
		at += (size_t)snprintf(out + at, len - at,
				       last > first ? "%s%u-%u" : "%s%u",
				       at > 0 ? "," : "", first, last);
	}
}
