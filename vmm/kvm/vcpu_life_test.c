#include "vmm/kvm/vcpu_life.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* The legal steps, written a second time: state, event, next state. */
static const struct {
	enum vcpu_life from;
	enum vcpu_life_event ev;
	enum vcpu_life to;
} legal[] = {
	{ LIFE_NEW, LIFE_START, LIFE_OFF },
	{ LIFE_NEW, LIFE_SPAWN, LIFE_WAITING },
	{ LIFE_NEW, LIFE_STOP, LIFE_NEW },
	{ LIFE_NEW, LIFE_RESET, LIFE_NEW },
	{ LIFE_NEW, LIFE_RESET_OFF, LIFE_NEW },
	{ LIFE_PARKED, LIFE_START, LIFE_OFF },
	{ LIFE_PARKED, LIFE_SPAWN, LIFE_WAITING },
	{ LIFE_PARKED, LIFE_STOP, LIFE_PARKED },
	{ LIFE_PARKED, LIFE_RESET, LIFE_PARKED },
	{ LIFE_PARKED, LIFE_RESET_OFF, LIFE_PARKED },
	{ LIFE_OFF, LIFE_CPU_ON, LIFE_STARTING },
	{ LIFE_OFF, LIFE_STOP, LIFE_PARKED },
	{ LIFE_OFF, LIFE_RESET_OFF, LIFE_OFF },
	{ LIFE_STARTING, LIFE_CPU_ON_DONE, LIFE_READY },
	{ LIFE_STARTING, LIFE_CPU_ON_FAILED, LIFE_OFF },
	{ LIFE_READY, LIFE_SPAWN, LIFE_WAITING },
	{ LIFE_READY, LIFE_STOP, LIFE_PARKED },
	{ LIFE_READY, LIFE_RESET_OFF, LIFE_OFF },
	{ LIFE_WAITING, LIFE_SPAWN_FAILED, LIFE_PARKED },
	{ LIFE_WAITING, LIFE_WAKE, LIFE_RUNNING },
	{ LIFE_WAITING, LIFE_HOLD, LIFE_HELD_WAITING },
	{ LIFE_WAITING, LIFE_CPU_OFF, LIFE_RESTING },
	{ LIFE_WAITING, LIFE_FAULT, LIFE_STUCK },
	{ LIFE_WAITING, LIFE_STOP, LIFE_ENDING },
	{ LIFE_WAITING, LIFE_END, LIFE_ENDED },
	{ LIFE_RUNNING, LIFE_HOLD, LIFE_HELD },
	{ LIFE_RUNNING, LIFE_CPU_OFF, LIFE_RESTING },
	{ LIFE_RUNNING, LIFE_FAULT, LIFE_STUCK },
	{ LIFE_RUNNING, LIFE_STOP, LIFE_ENDING },
	{ LIFE_RUNNING, LIFE_END, LIFE_ENDED },
	{ LIFE_HELD_WAITING, LIFE_HOLD, LIFE_HELD_WAITING },
	{ LIFE_HELD_WAITING, LIFE_RELEASE, LIFE_WAITING },
	{ LIFE_HELD_WAITING, LIFE_STOP, LIFE_ENDING },
	{ LIFE_HELD_WAITING, LIFE_RESET, LIFE_HELD_WAITING },
	{ LIFE_HELD_WAITING, LIFE_RESET_OFF, LIFE_RESTING },
	{ LIFE_HELD, LIFE_HOLD, LIFE_HELD },
	{ LIFE_HELD, LIFE_RELEASE, LIFE_RUNNING },
	{ LIFE_HELD, LIFE_STOP, LIFE_ENDING },
	{ LIFE_HELD, LIFE_RESET, LIFE_HELD_WAITING },
	{ LIFE_HELD, LIFE_RESET_OFF, LIFE_RESTING },
	{ LIFE_RESTING, LIFE_HOLD, LIFE_RESTING },
	{ LIFE_RESTING, LIFE_CPU_ON, LIFE_WAKING },
	{ LIFE_RESTING, LIFE_STOP, LIFE_ENDING },
	{ LIFE_RESTING, LIFE_RESET, LIFE_HELD_WAITING },
	{ LIFE_RESTING, LIFE_RESET_OFF, LIFE_RESTING },
	{ LIFE_WAKING, LIFE_HOLD, LIFE_WAKING },
	{ LIFE_WAKING, LIFE_CPU_ON_DONE, LIFE_HELD },
	{ LIFE_WAKING, LIFE_CPU_ON_FAILED, LIFE_RESTING },
	{ LIFE_STUCK, LIFE_HOLD, LIFE_STUCK },
	{ LIFE_STUCK, LIFE_STOP, LIFE_ENDING },
	{ LIFE_STUCK, LIFE_RESET, LIFE_HELD_WAITING },
	{ LIFE_STUCK, LIFE_RESET_OFF, LIFE_RESTING },
	{ LIFE_ENDING, LIFE_WAKE, LIFE_ENDING },
	{ LIFE_ENDING, LIFE_HOLD, LIFE_ENDING },
	{ LIFE_ENDING, LIFE_CPU_OFF, LIFE_ENDING },
	{ LIFE_ENDING, LIFE_FAULT, LIFE_ENDING },
	{ LIFE_ENDING, LIFE_END, LIFE_ENDED },
	{ LIFE_ENDED, LIFE_STOP, LIFE_ENDED },
	{ LIFE_ENDED, LIFE_JOIN, LIFE_PARKED },
	{ LIFE_ENDED, LIFE_RESET, LIFE_ENDED },
	{ LIFE_ENDED, LIFE_RESET_OFF, LIFE_ENDED },
};

static int expected(enum vcpu_life from, enum vcpu_life_event ev)
{
	for (size_t i = 0; i < sizeof(legal) / sizeof(legal[0]); i++)
		if (legal[i].from == from && legal[i].ev == ev)
			return (int)legal[i].to;
	return -1;
}

static void every_pair_of_state_and_event_does_what_the_table_says(void **state)
{
	(void)state;
	for (int from = 0; from < LIFE_NSTATES; from++) {
		for (int ev = 0; ev < LIFE_NEVENTS; ev++) {
			enum vcpu_life life = (enum vcpu_life)from;
			int to = expected((enum vcpu_life)from, (enum vcpu_life_event)ev);
			int err = vcpu_life_step(&life, (enum vcpu_life_event)ev);

			assert_int_equal(err, to < 0 ? -EINVAL : 0);
			assert_int_equal(life, to < 0 ? from : to);
		}
	}
}

/* What the guest can do at any moment, or main without waiting, is legal wherever it can
 * come. */
static void what_may_come_at_any_moment_is_legal(void **state)
{
	(void)state;
	for (int i = 0; i < LIFE_NSTATES; i++) {
		enum vcpu_life from = (enum vcpu_life)i, life = from;

		if (!vcpu_life_is_switching(from) && from != LIFE_ENDING)
			assert_int_equal(vcpu_life_step(&life, LIFE_STOP), 0);
		life = from;
		if (vcpu_life_has_thread(from) && from != LIFE_ENDED)
			assert_int_equal(vcpu_life_step(&life, LIFE_HOLD), 0);
		life = from;
		if (vcpu_life_inside(from)) {
			assert_int_equal(vcpu_life_step(&life, LIFE_CPU_OFF), 0);
			life = from;
			assert_int_equal(vcpu_life_step(&life, LIFE_FAULT), 0);
			life = from;
			assert_int_equal(vcpu_life_step(&life, LIFE_END), 0);
		}
		life = from;
		if (!vcpu_life_inside(from) && !vcpu_life_is_switching(from))
			assert_int_equal(vcpu_life_step(&life, LIFE_RESET_OFF), 0);
	}
}

/* Only its own thread, and main that makes it or tells it to end, bring it inside. */
static void nobody_else_sends_a_thread_into_the_guest(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(legal) / sizeof(legal[0]); i++) {
		enum vcpu_life_event ev = legal[i].ev;

		if (!vcpu_life_inside(legal[i].from) && vcpu_life_inside(legal[i].to))
			assert_true(ev == LIFE_SPAWN || ev == LIFE_RELEASE ||
				    ev == LIFE_STOP);
		if (vcpu_life_is_switching(legal[i].from))
			assert_true(ev == LIFE_CPU_ON_DONE || ev == LIFE_CPU_ON_FAILED ||
				    ev == LIFE_HOLD);
	}
}

static void each_state_says_what_it_is(void **state)
{
	enum { THREAD = 1, INSIDE = 2, HELD = 4, SWITCHING = 8 };
	static const int says[LIFE_NSTATES] = {
		[LIFE_STARTING] = SWITCHING,        [LIFE_WAITING] = THREAD | INSIDE,
		[LIFE_RUNNING] = THREAD | INSIDE,   [LIFE_HELD_WAITING] = THREAD | HELD,
		[LIFE_HELD] = THREAD | HELD,        [LIFE_RESTING] = THREAD,
		[LIFE_WAKING] = THREAD | SWITCHING, [LIFE_STUCK] = THREAD,
		[LIFE_ENDING] = THREAD | INSIDE,    [LIFE_ENDED] = THREAD,
	};

	(void)state;
	for (int i = 0; i < LIFE_NSTATES; i++) {
		enum vcpu_life life = (enum vcpu_life)i;

		assert_int_equal(vcpu_life_has_thread(life), !!(says[i] & THREAD));
		assert_int_equal(vcpu_life_inside(life), !!(says[i] & INSIDE));
		assert_int_equal(vcpu_life_held(life), !!(says[i] & HELD));
		assert_int_equal(vcpu_life_is_switching(life), !!(says[i] & SWITCHING));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pair_of_state_and_event_does_what_the_table_says),
		cmocka_unit_test(what_may_come_at_any_moment_is_legal),
		cmocka_unit_test(nobody_else_sends_a_thread_into_the_guest),
		cmocka_unit_test(each_state_says_what_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
