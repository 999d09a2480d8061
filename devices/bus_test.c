#include "devices/bus.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

struct seen {
	uint64_t offset, value;
	uint32_t len;
	bool write;
	unsigned calls;
};

static void record(void *dev, uint64_t offset, uint8_t *data, uint32_t len, bool write)
{
	struct seen *s = dev;

	*s = (struct seen){ offset, bus_get(data, len), len, write, s->calls + 1 };
	if (!write)
		bus_put(data, len, 0x1122334455667788);
}

static void an_access_reaches_the_device_with_its_offset(void **state)
{
	struct seen a = { 0 }, b = { 0 };
	struct bus bus = { 0 };
	uint8_t data[8] = { 0x78, 0x56, 0x34, 0x12 };

	(void)state;
	assert_int_equal(bus_add(&bus, 0x1000, 12, record, &a), 0);
	assert_int_equal(bus_add(&bus, 0x100c, 4, record, &b), 0);
	assert_true(bus_access(&bus, 0x1008, data, 4, true));
	assert_int_equal(a.offset, 8);
	assert_int_equal(a.value, 0x12345678);
	assert_true(a.write);
	assert_true(bus_access(&bus, 0x100c, data, 2, false));
	assert_int_equal(b.offset, 0);
	assert_int_equal(bus_get(data, 2), 0x7788);
	assert_int_equal(a.calls + b.calls, 2);
}

static void an_access_that_leaves_its_region_reaches_nobody(void **state)
{
	struct seen a = { 0 };
	struct bus bus = { 0 };
	uint8_t data[8];

	(void)state;
	assert_int_equal(bus_add(&bus, 0x1000, 12, record, &a), 0);
	assert_false(bus_access(&bus, 0x1008, data, 8, false));
	assert_false(bus_access(&bus, 0x100b, data, 2, true));
	assert_false(bus_access(&bus, 0xfff, data, 1, false));
	assert_false(bus_access(&bus, UINT64_MAX, data, 8, false));
	assert_int_equal(a.calls, 0);
	assert_int_equal(bus_get(data, 8), UINT64_MAX);
}

static void regions_do_not_overlap(void **state)
{
	struct bus bus = { 0 };

	(void)state;
	assert_int_equal(bus_add(&bus, 0x1000, 16, record, NULL), 0);
	assert_int_equal(bus_add(&bus, 0x100f, 1, record, NULL), -EEXIST);
	assert_int_equal(bus_add(&bus, 0xff0, 17, record, NULL), -EEXIST);
	assert_int_equal(bus_add(&bus, 0xff0, 16, record, NULL), 0);
}

static void a_full_bus_takes_no_more(void **state)
{
	struct bus bus = { 0 };

	(void)state;
	for (unsigned i = 0; i < BUS_REGIONS_MAX; i++)
		assert_int_equal(bus_add(&bus, i, 1, record, NULL), 0);
	assert_int_equal(bus_add(&bus, 1000, 1, record, NULL), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_access_reaches_the_device_with_its_offset),
		cmocka_unit_test(an_access_that_leaves_its_region_reaches_nobody),
		cmocka_unit_test(regions_do_not_overlap),
		cmocka_unit_test(a_full_bus_takes_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
