#ifndef DEVICES_FUZZ_FIXTURE_H
#define DEVICES_FUZZ_FIXTURE_H
/* fuzz_fixture: what the fuzz targets of devices share. An input is a text, so that it
 * can be read and written by hand: letters, each with as many bytes of arguments as the
 * target's table of steps says. A byte that is no step's letter is skipped. Of an
 * argument the low four bits count: '0' to '9' are 0 to 9, ':' to '?' are 10 to 15. */

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/bus.h"

#define MUST(holds)                                                                      \
	do {                                                                             \
		if (!(holds)) {                                                          \
			(void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, \
				      #holds);                                           \
			abort();                                                         \
		}                                                                        \
	} while (0)

#define STEP_ARGS 4

static inline uint64_t get(bus_fn fn, void *dev, uint64_t offset, uint32_t len)
{
	uint8_t data[9];

	memset(data, 0xaa, sizeof(data));
	fn(dev, offset, data, len, false);
	MUST(data[len] == 0xaa);
	return bus_get(data, len);
}

static inline void put(bus_fn fn, void *dev, uint64_t offset, uint32_t len, uint64_t v)
{
	uint8_t data[8];

	bus_put(data, len, v);
	fn(dev, offset, data, len, true);
}

/* Two arguments as one byte. */
static inline uint8_t byte(const uint8_t *a)
{
	return (uint8_t)(a[0] << 4 | a[1]);
}

static inline uint32_t width(unsigned arg)
{
	return 1u << (arg & 3);
}

/* The four bits that count of so many arguments. */
static inline void take_args(uint8_t a[STEP_ARGS], const uint8_t *p, unsigned n)
{
	memset(a, 0, STEP_ARGS);
	for (unsigned i = 0; i < n; i++)
		a[i] = p[i] & 15;
}

#endif
