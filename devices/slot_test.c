#include "devices/slot.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* The legal steps, written a second time: state, event, next state. */
static const struct {
	enum slot_state from;
	enum slot_event ev;
	enum slot_state to;
} legal[] = {
	{ SLOT_ABSENT, SLOT_PLUG, SLOT_PLUGGED },
	{ SLOT_ABSENT, SLOT_RESET, SLOT_ABSENT },
	{ SLOT_PLUGGED, SLOT_UNPLUG, SLOT_ABSENT },
	{ SLOT_PLUGGED, SLOT_REGISTER, SLOT_REGISTERED },
	{ SLOT_PLUGGED, SLOT_RUN, SLOT_ONLINE },
	{ SLOT_PLUGGED, SLOT_EJECT, SLOT_EJECTED },
	{ SLOT_PLUGGED, SLOT_RESET, SLOT_PLUGGED },
	{ SLOT_REGISTERED, SLOT_REGISTER, SLOT_REGISTERED },
	{ SLOT_REGISTERED, SLOT_RUN, SLOT_ONLINE },
	{ SLOT_REGISTERED, SLOT_EJECT, SLOT_EJECTED },
	{ SLOT_REGISTERED, SLOT_RESET, SLOT_PLUGGED },
	{ SLOT_ONLINE, SLOT_REGISTER, SLOT_ONLINE },
	{ SLOT_ONLINE, SLOT_RUN, SLOT_ONLINE },
	{ SLOT_ONLINE, SLOT_STOP, SLOT_OFFLINE },
	{ SLOT_ONLINE, SLOT_EJECT, SLOT_EJECTED },
	{ SLOT_ONLINE, SLOT_RESET, SLOT_PLUGGED },
	{ SLOT_OFFLINE, SLOT_REGISTER, SLOT_OFFLINE },
	{ SLOT_OFFLINE, SLOT_RUN, SLOT_ONLINE },
	{ SLOT_OFFLINE, SLOT_EJECT, SLOT_EJECTED },
	{ SLOT_OFFLINE, SLOT_RESET, SLOT_PLUGGED },
	{ SLOT_EJECTED, SLOT_PARK, SLOT_ABSENT },
};

static int expected(enum slot_state from, enum slot_event ev)
{
	for (size_t i = 0; i < sizeof(legal) / sizeof(legal[0]); i++)
		if (legal[i].from == from && legal[i].ev == ev)
			return (int)legal[i].to;
	return -1;
}

static void every_pair_of_state_and_event_does_what_the_table_says(void **state)
{
	(void)state;
	for (int from = 0; from < SLOT_NSTATES; from++) {
		for (int ev = 0; ev < SLOT_NEVENTS; ev++) {
			enum slot_state st = (enum slot_state)from;
			int to = expected((enum slot_state)from, (enum slot_event)ev);
			int err = slot_step(&st, (enum slot_event)ev);

			assert_int_equal(err, to < 0 ? -EINVAL : 0);
			assert_int_equal(st, to < 0 ? from : to);
		}
	}
}

static void every_state_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int a = 0; a < SLOT_NSTATES; a++)
		for (int b = 0; b < a; b++)
			assert_string_not_equal(slot_state_name((enum slot_state)a),
						slot_state_name((enum slot_state)b));
}

static void a_cpu_is_enabled_from_its_plug_to_its_eject(void **state)
{
	static const bool enabled[SLOT_NSTATES] = {
		[SLOT_PLUGGED] = true,
		[SLOT_REGISTERED] = true,
		[SLOT_ONLINE] = true,
		[SLOT_OFFLINE] = true,
	};

	(void)state;
	for (int st = 0; st < SLOT_NSTATES; st++)
		assert_int_equal(slot_enabled((enum slot_state)st), enabled[st]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pair_of_state_and_event_does_what_the_table_says),
		cmocka_unit_test(every_state_has_a_name_of_its_own),
		cmocka_unit_test(a_cpu_is_enabled_from_its_plug_to_its_eject),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
