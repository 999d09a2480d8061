#include "devices/ged.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "acpi/layout.h"
#include "devices/bus.h"

struct line {
	bool level;
	unsigned changes, storms;
};

static void set_line(void *ctx, bool level)
{
	struct line *l = ctx;

	assert_true(level != l->level); /* no call without a change */
	l->level = level;
	l->changes++;
}

static void count_storm(void *ctx)
{
	((struct line *)ctx)->storms++;
}

static uint32_t read_word(struct ged *g)
{
	uint8_t data[4];

	ged_access(g, 0, data, 4, false);
	return (uint32_t)bus_get(data, 4);
}

static void write_word(struct ged *g, uint32_t value)
{
	uint8_t data[4];

	bus_put(data, 4, value);
	ged_access(g, 0, data, 4, true);
}

static void the_line_is_high_while_anything_is_pending(void **state)
{
	struct line l = { 0 };
	struct ged g;

	(void)state;
	ged_init(&g, set_line, NULL, &l);
	ged_set(&g, GED_CPU, true);
	assert_true(l.level);
	ged_set(&g, GED_POWER, true);
	ged_set(&g, GED_CPU, false);
	assert_true(l.level);
	assert_int_equal(read_word(&g), GED_POWER);
	write_word(&g, GED_POWER);
	assert_false(l.level);
	assert_int_equal(l.changes, 2);
}

static void reading_the_word_forgets_nothing(void **state)
{
	struct line l = { 0 };
	struct ged g;

	(void)state;
	ged_init(&g, set_line, NULL, &l);
	ged_set(&g, GED_POWER, true);
	assert_int_equal(read_word(&g), GED_POWER);
	assert_int_equal(read_word(&g), GED_POWER);
	assert_true(l.level);
}

static void the_guest_cannot_acknowledge_cpus_here(void **state)
{
	struct line l = { 0 };
	struct ged g;

	(void)state;
	ged_init(&g, set_line, NULL, &l);
	ged_set(&g, GED_CPU, true);
	write_word(&g, UINT32_MAX);
	assert_int_equal(read_word(&g), GED_CPU);
	assert_true(l.level);
}

static void a_guest_that_never_answers_gets_a_low_line_until_the_next_event(void **state)
{
	struct line l = { 0 };
	struct ged g;

	(void)state;
	ged_init(&g, set_line, count_storm, &l);
	ged_set(&g, GED_CPU, true);
	for (int i = 0; i < GED_STORM - 1; i++)
		read_word(&g);
	assert_true(l.level);
	assert_int_equal(l.storms, 0);
	read_word(&g);
	assert_false(l.level);
	assert_int_equal(l.storms, 1); /* told once */
	assert_int_equal(ged_storms(&g), 1);
	assert_int_equal(read_word(&g), GED_CPU); /* still pending, only quiet */
	assert_int_equal(l.storms, 1);
	ged_set(&g, GED_CPU, true);
	assert_true(l.level);
}

static void a_guest_that_answers_is_no_storm(void **state)
{
	struct line l = { 0 };
	struct ged g;

	(void)state;
	ged_init(&g, set_line, NULL, &l);
	for (int i = 0; i < 3 * GED_STORM; i++) {
		ged_set(&g, GED_CPU, true);
		read_word(&g);
		ged_set(&g, GED_CPU, false);
		read_word(&g);
	}
	assert_int_equal(ged_storms(&g), 0);
}

static void other_offsets_read_zero_and_take_nothing(void **state)
{
	struct line l = { 0 };
	struct ged g;
	uint8_t data[2] = { 0xff, 0xff };

	(void)state;
	ged_init(&g, set_line, NULL, &l);
	ged_set(&g, GED_POWER, true);
	ged_access(&g, 1, data, 2, true);
	assert_true(l.level);
	ged_access(&g, 1, data, 2, false);
	assert_int_equal(bus_get(data, 2), 0);
}

static void a_reset_forgets_every_event_and_the_storm(void **state)
{
	struct line l = { 0 };
	struct ged g;

	(void)state;
	ged_init(&g, set_line, NULL, &l);
	ged_set(&g, GED_CPU, true);
	ged_set(&g, GED_POWER, true);
	ged_reset(&g);
	assert_false(l.level);
	assert_int_equal(read_word(&g), 0);
	ged_set(&g, GED_CPU, true);
	for (int i = 0; i < GED_STORM; i++)
		(void)read_word(&g);
	assert_false(l.level);
	ged_reset(&g);
	assert_int_equal(ged_storms(&g), 1);
	ged_set(&g, GED_CPU, true);
	assert_true(l.level);
}

static void keep_line(void *ctx, bool level)
{
	struct line *l = ctx;

	l->level = level;
	l->changes++;
}

static void a_loaded_one_has_the_line_and_the_count_of_the_saved_one(void **state)
{
	struct line l = { 0 }, l2 = { 0 };
	struct ged_state s;
	struct ged g, to;

	(void)state;
	ged_init(&g, set_line, NULL, &l);
	ged_init(&to, keep_line, NULL, &l2);
	ged_set(&g, GED_POWER, true);
	for (int i = 0; i < GED_STORM - 1; i++)
		(void)read_word(&g);
	ged_save(&g, &s);
	assert_int_equal(ged_load(&to, &s), 0);
	assert_true(l2.level);
	assert_int_equal(read_word(&to), GED_POWER);
	assert_false(l2.level);
	assert_int_equal(ged_storms(&to), 1);
	ged_save(&to, &s);
	assert_int_equal(ged_load(&to, &s), 0);
	assert_false(l2.level);
	assert_int_equal(l2.changes, 3); /* it is set again */
}

static void a_state_that_cannot_be_is_refused_and_changes_nothing(void **state)
{
	static const struct ged_state bad[] = {
		{ .pending = 0x100 },
		{ .pending = GED_CPU, .unacked = GED_STORM + 1, .storms = 1 },
		{ .pending = GED_CPU, .unacked = GED_STORM }, /* without a storm */
		{ .unacked = 1 },
	};
	struct line l = { 0 };
	struct ged g;

	(void)state;
	ged_init(&g, set_line, NULL, &l);
	ged_set(&g, GED_POWER, true);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(ged_load(&g, &bad[i]), -EINVAL);
		assert_int_equal(read_word(&g), GED_POWER);
	}
	assert_int_equal(l.changes, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_line_is_high_while_anything_is_pending),
		cmocka_unit_test(reading_the_word_forgets_nothing),
		cmocka_unit_test(the_guest_cannot_acknowledge_cpus_here),
		cmocka_unit_test(
			a_guest_that_never_answers_gets_a_low_line_until_the_next_event),
		cmocka_unit_test(a_guest_that_answers_is_no_storm),
		cmocka_unit_test(other_offsets_read_zero_and_take_nothing),
		cmocka_unit_test(a_reset_forgets_every_event_and_the_storm),
		cmocka_unit_test(
			a_loaded_one_has_the_line_and_the_count_of_the_saved_one),
		cmocka_unit_test(a_state_that_cannot_be_is_refused_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
