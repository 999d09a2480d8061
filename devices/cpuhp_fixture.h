#ifndef DEVICES_CPUHP_FIXTURE_H
#define DEVICES_CPUHP_FIXTURE_H
/* cpuhp_fixture: for tests of cpuhp. A controller, its GED's line, and what a guest
 * writes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "acpi/layout.h"
#include "devices/bus.h"
#include "devices/cpuhp.h"

#define NCPUS 12 /* 2 sockets x 3 cores x 2 threads: APIC ids with holes */

struct fixture {
	struct topology topo;
	struct ged ged;
	struct cpuhp hp;
	bool line;
	unsigned wakes;
};

static inline void set_line(void *ctx, bool level)
{
	((struct fixture *)ctx)->line = level;
}

static inline void wake(void *ctx)
{
	((struct fixture *)ctx)->wakes++;
}

/* CPU 0 is there at boot, as in a real machine. */
static inline int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	assert_int_equal(topology_init(&f->topo, 2, 3, 2), 0);
	ged_init(&f->ged, set_line, NULL, f);
	assert_int_equal(cpuhp_init(&f->hp, &f->topo, &f->ged, 0, wake, f), 0);
	cpuhp_boot(&f->hp, 0);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	cpuhp_destroy(&f->hp);
	test_free(f);
	return 0;
}

static inline void wr(struct fixture *f, uint64_t offset, uint32_t len, uint64_t value)
{
	uint8_t data[8];

	bus_put(data, len, value);
	cpuhp_access(&f->hp, offset, data, len, true);
}

static inline uint64_t rd(struct fixture *f, uint64_t offset, uint32_t len)
{
	uint8_t data[8];

	memset(data, 0xaa, sizeof(data));
	cpuhp_access(&f->hp, offset, data, len, false);
	return bus_get(data, len);
}

static inline void select_cpu(struct fixture *f, uint32_t index)
{
	wr(f, CPUHP_SELECTOR, 4, index);
}

static inline uint64_t status_of(struct fixture *f, uint32_t index)
{
	select_cpu(f, index);
	return rd(f, CPUHP_STATUS, 1);
}

static inline void say_ost(struct fixture *f, uint32_t index, uint32_t event,
			   uint32_t status)
{
	select_cpu(f, index);
	wr(f, CPUHP_COMMAND, 1, CPUHP_CMD_OST_EVENT);
	wr(f, CPUHP_DATA, 4, event);
	wr(f, CPUHP_COMMAND, 1, CPUHP_CMD_OST_STATUS);
	wr(f, CPUHP_DATA, 4, status);
}

/* The same by one access, as the DSDT does. */
static inline void say_ost_at_once(struct fixture *f, uint32_t index, uint32_t event,
				   uint32_t status)
{
	select_cpu(f, index);
	wr(f, CPUHP_OST, 8, (uint64_t)status << 32 | event);
}

static inline void plug(struct fixture *f, uint32_t a, uint32_t b)
{
	const uint32_t index[] = { a, b };

	cpuhp_plug(&f->hp, index, 2);
}

/* The DSDT reads it at any time, so it is true after each step and not only at its
 * end. */

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
