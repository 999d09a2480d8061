#include "vmm/control/events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct events e;

static int set_up(void **state)
{
	(void)state;
	e = (struct events){ 0 };
	return 0;
}

static void what_happens_is_kept_in_order(void **state)
{
	(void)state;
	events_add(&e, EVENT_STARTED, "1 of 4", 10);
	events_add(&e, EVENT_SOCKETS_ADDED, "1 to 2", 20);
	events_add(&e, EVENT_SOCKETS_ADDED, "2 to 3", 30);
	assert_int_equal(e.n, 3);
	assert_int_equal(events_get(&e, 0)->reason, EVENT_STARTED);
	assert_string_equal(events_get(&e, 2)->message, "2 to 3");
	assert_int_equal(events_get(&e, 2)->count, 1);
	assert_int_equal(events_get(&e, 2)->first_ns, 30);
}

static void the_same_is_counted_and_becomes_the_youngest(void **state)
{
	(void)state;
	events_add(&e, EVENT_PAUSED, "x", 10);
	events_add(&e, EVENT_RESUMED, "x", 20);
	events_add(&e, EVENT_PAUSED, "x", 30);
	assert_int_equal(e.n, 2);
	assert_int_equal(events_get(&e, 0)->reason, EVENT_RESUMED);
	assert_int_equal(events_get(&e, 1)->count, 2);
	assert_int_equal(events_get(&e, 1)->first_ns, 10);
	assert_int_equal(events_get(&e, 1)->last_ns, 30);
}

static void what_is_cut_is_still_the_same(void **state)
{
	static char many[TEXT_LEN * 2];

	(void)state;
	memset(many, 'x', sizeof(many) - 1);
	events_add(&e, EVENT_HOTPLUG_REFUSED, many, 1);
	events_add(&e, EVENT_HOTPLUG_REFUSED, many, 2);
	assert_int_equal(e.n, 1);
	assert_int_equal(strlen(events_get(&e, 0)->message), TEXT_LEN - 1);
	assert_int_equal(events_get(&e, 0)->count, 2);
}

static void add_n(enum event_reason r, unsigned n)
{
	char message[32];

	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(message, sizeof(message), "no %u", i);
		events_add(&e, r, message, i + 100);
	}
}

static unsigned count(enum event_type t)
{
	unsigned n = 0;

	for (unsigned i = 0; i < e.n; i++)
		n += event_reason_type(events_get(&e, i)->reason) == t;
	return n;
}

static void a_flood_is_bounded_and_leaves_the_story(void **state)
{
	(void)state;
	events_add(&e, EVENT_STARTED, "started", 1);
	add_n(EVENT_SOCKETS_ADDED, 10);
	add_n(EVENT_HOTPLUG_REFUSED, 100000);
	assert_int_equal(e.n, EVENTS_MAX);
	assert_int_equal(e.dropped, 100011 - EVENTS_MAX);
	assert_int_equal(count(EVENT_NORMAL), 11);
	assert_int_equal(e.of_type[EVENT_WARNING], count(EVENT_WARNING));
	assert_int_equal(events_get(&e, 0)->reason, EVENT_STARTED);
	assert_string_equal(events_get(&e, e.n - 1U)->message, "no 99999");
	add_n(EVENT_GUEST_EJECTED, 1000);
	assert_in_range(count(EVENT_WARNING), EVENTS_MAX / 2 - 1, EVENTS_MAX / 2 + 1);
	assert_int_equal(e.of_type[EVENT_NORMAL], count(EVENT_NORMAL));
}

static void all_have_names(void **state)
{
	(void)state;
	for (int a = 0; a < EVENT_NREASONS; a++) {
		assert_non_null(event_reason_name((enum event_reason)a));
		for (int b = 0; b < a; b++)
			assert_string_not_equal(event_reason_name((enum event_reason)a),
						event_reason_name((enum event_reason)b));
	}
	assert_string_equal(event_type_name(event_reason_type(EVENT_STARTED)), "Normal");
	assert_string_equal(event_type_name(event_reason_type(EVENT_TIMED_OUT)),
			    "Warning");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_happens_is_kept_in_order, set_up),
		cmocka_unit_test_setup(the_same_is_counted_and_becomes_the_youngest,
				       set_up),
		cmocka_unit_test_setup(what_is_cut_is_still_the_same, set_up),
		cmocka_unit_test_setup(a_flood_is_bounded_and_leaves_the_story, set_up),
		cmocka_unit_test(all_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
