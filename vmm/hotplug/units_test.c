#include "vmm/hotplug/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static struct units set_of(const uint32_t *unit, size_t n)
{
	struct units u = { 0 };

	for (size_t i = 0; i < n; i++)
		units_put(&u, unit[i]);
	return u;
}

#define SET(...)                                                                         \
	set_of((const uint32_t[]){ __VA_ARGS__ },                                        \
	       sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

static void what_was_put_in_is_there_until_it_is_dropped(void **state)
{
	struct units u = SET(0, 63, 64, UNITS_MAX - 1);

	(void)state;
	for (uint32_t i = 0; i < UNITS_MAX; i++)
		assert_int_equal(units_has(&u, i),
				 i == 0 || i == 63 || i == 64 || i == UNITS_MAX - 1);
	assert_int_equal(units_count(&u), 4);
	units_put(&u, 63);
	assert_int_equal(units_count(&u), 4);
	UNITS_EACH (unit, &u)
		units_drop(&u, unit);
	assert_true(units_empty(&u));
	assert_int_equal(units_next(&u, 0), UNITS_MAX);
}

static void they_come_in_their_order(void **state)
{
	static const uint32_t want[] = { 1, 2, 62, 63, 64, 127, 128, 4095 };
	uint32_t got[8];
	struct units u = SET(4095, 128, 1, 64, 2, 127, 62, 63);

	(void)state;
	assert_int_equal(units_list(&u, got), 8);
	assert_memory_equal(got, want, sizeof(want));
	assert_int_equal(units_next(&u, 129), 4095);
	assert_int_equal(units_next(&u, 4095), 4095);
	assert_int_equal(units_next(&u, UNITS_MAX), UNITS_MAX);
}

static void two_sets_become_one(void **state)
{
	struct units u = SET(1, 70), more = SET(1, 5);
	const struct units want = SET(1, 5, 70), rest = SET(70);

	(void)state;
	units_put_all(&u, &more);
	assert_memory_equal(&u, &want, sizeof(u));
	assert_true(units_meet(&u, &more));
	assert_false(units_meet(&rest, &more));
	units_drop_all(&u, &more);
	assert_memory_equal(&u, &rest, sizeof(u));
}

static void they_are_named_by_runs(void **state)
{
	struct units u = SET(4, 5, 6, 7, 9, 63, 64, 4094, 4095), none = { 0 };
	char name[128];

	(void)state;
	units_name(&u, name, sizeof(name));
	assert_string_equal(name, "4-7,9,63-64,4094-4095");
	units_name(&none, name, sizeof(name));
	assert_string_equal(name, "");
}

static void a_name_is_cut_between_two_runs(void **state)
{
	struct units u = { 0 };
	char name[48];

	(void)state;
	for (uint32_t i = 0; i < UNITS_MAX; i += 2)
		units_put(&u, i);
	units_name(&u, name, sizeof(name));
	assert_true(strlen(name) < sizeof(name));
	assert_string_equal(name, "0,2,4,6,8,10,12,14");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_in_is_there_until_it_is_dropped),
		cmocka_unit_test(they_come_in_their_order),
		cmocka_unit_test(two_sets_become_one),
		cmocka_unit_test(they_are_named_by_runs),
		cmocka_unit_test(a_name_is_cut_between_two_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
