#include "vmm/control/record.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct record r;
static struct hotplug_listener listener;
static struct machine_listener machine;
static unsigned changes;
static const uint32_t cpus[] = { 2, 3, 5 };

static void on_change(void *ctx)
{
	assert_ptr_equal(ctx, &r);
	changes++;
}

static int set_up(void **state)
{
	(void)state;
	memset(&r, 0, sizeof(r));
	record_init(&r, on_change, &r);
	listener = record_hotplug_listener(&r);
	machine = record_machine_listener(&r);
	changes = 0;
	return 0;
}

static const struct event_entry *last_event(void)
{
	assert_true(r.events.n > 0);
	return events_get(&r.events, r.events.n - 1U);
}

static void check_event(enum event_reason reason, const char *message)
{
	assert_int_equal(last_event()->reason, reason);
	assert_string_equal(last_event()->message, message);
}

static void check_change(bool holds, const char *reason, const char *message)
{
	const struct condition *c = &r.conditions.c[CONDITION_HOT_VCPU_CHANGE];

	assert_int_equal(c->holds, holds);
	assert_string_equal(c->reason, reason);
	assert_string_equal(c->message, message);
}

static struct job begin(enum job_operation op, uint32_t from, uint32_t to, uint32_t n)
{
	struct job job = {
		.id = 1, .operation = op, .from = from, .to = to, .nunits = n
	};

	for (uint32_t i = 0; i < n; i++)
		units_put(&job.units, cpus[i]);
	job.phase = op == JOB_ADD ? JOB_ACCEPTED : JOB_REQUESTED;
	listener.phase(listener.ctx, &job, job.phase);
	return job;
}

static void end(struct job *job, enum job_result result, const char *message)
{
	job->result = result;
	text_set(&job->message, 0, "%s", message);
	listener.completed(listener.ctx, job);
}

static void a_vm_that_is_made_is_not_ready(void **state)
{
	(void)state;
	assert_false(r.conditions.c[CONDITION_READY].holds);
	check_change(false, "NoChange", "");
	assert_string_equal(condition_type_name(CONDITION_HOT_VCPU_CHANGE),
			    "HotVCPUChange");
	machine.started(&r, 2, 8);
	assert_true(r.conditions.c[CONDITION_READY].holds);
	check_event(EVENT_STARTED, "the VM runs with 2 of 8 sockets");
	assert_true(changes > 0);
}

static void a_change_is_under_way_and_done(void **state)
{
	struct job job;

	(void)state;
	job = begin(JOB_ADD, 2, 5, 3);
	check_change(true, "AddingSockets", "sockets 2 to 5 (cpus 2-3,5)");
	assert_int_equal(r.events.n, 0);
	end(&job, JOB_DONE, "");
	check_change(false, "Completed", "sockets 2 to 5 (cpus 2-3,5)");
	check_event(EVENT_SOCKETS_ADDED, "sockets 2 to 5 (cpus 2-3,5)");
	job = begin(JOB_REMOVE, 5, 4, 1);
	check_change(true, "RemovingSockets", "sockets 5 to 4 (cpu 2)");
	end(&job, JOB_DONE, "");
	check_event(EVENT_SOCKETS_REMOVED, "sockets 5 to 4 (cpu 2)");
}

static void asking_for_what_there_is_is_no_event(void **state)
{
	struct job job;

	(void)state;
	job = begin(JOB_ADD, 2, 2, 0);
	end(&job, JOB_DONE, "");
	assert_int_equal(r.events.n, 0);
	check_change(false, "Completed", "sockets 2 to 2");
}

static void a_failure_stays_in_the_condition(void **state)
{
	static const struct {
		enum job_result result;
		enum event_reason reason;
		enum event_type type;
	} cases[] = {
		{ JOB_FAILED, EVENT_HOTPLUG_FAILED, EVENT_WARNING },
		{ JOB_REFUSED, EVENT_GUEST_REFUSED, EVENT_WARNING },
		{ JOB_TIMED_OUT, EVENT_TIMED_OUT, EVENT_WARNING },
		{ JOB_CANCELLED, EVENT_CANCELLED, EVENT_NORMAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct job job = begin(JOB_ADD, 2, 4, 2);

		end(&job, cases[i].result, "because");
		check_event(cases[i].reason, "sockets 2 to 4 (cpus 2-3): because");
		assert_int_equal(event_reason_type(cases[i].reason), cases[i].type);
		check_change(false, event_reason_name(cases[i].reason), "because");
		assert_int_equal(r.metrics.operations[JOB_ADD][cases[i].result], 1);
	}
}

static void what_the_guest_is_at_after_the_end_is_a_change(void **state)
{
	struct units none = { 0 }, settling = { 0 };
	struct job job;

	(void)state;
	job = begin(JOB_REMOVE, 4, 2, 2);
	end(&job, JOB_CANCELLED, "because");
	units_put(&settling, 3);
	listener.settling(listener.ctx, &settling);
	assert_true(r.conditions.c[CONDITION_HOT_VCPU_CHANGE].holds);
	assert_string_equal(r.conditions.c[CONDITION_HOT_VCPU_CHANGE].reason, "Settling");
	job = begin(JOB_ADD, 2, 5, 3);
	listener.settling(listener.ctx, &none);
	check_change(true, "AddingSockets", "sockets 2 to 5 (cpus 2-3,5)");
	end(&job, JOB_DONE, "");
	check_change(false, "Completed", "sockets 2 to 5 (cpus 2-3,5)");
}

static void a_repair_does_not_hide_why(void **state)
{
	struct job job;

	(void)state;
	job = begin(JOB_REMOVE, 4, 2, 2);
	end(&job, JOB_TIMED_OUT, "because");
	job = begin(JOB_ADD, 4, 4, 1);
	job.repair = true;
	check_change(true, "AddingSockets", "sockets 4 to 4 (cpu 2)");
	end(&job, JOB_DONE, "");
	check_event(EVENT_SOCKETS_RESTORED, "sockets 4 to 4 (cpu 2)");
	check_change(false, "HotplugTimedOut", "because");
	end(&job, JOB_REFUSED, "no");
	check_change(false, "GuestRefused", "no");
}

static void the_time_of_a_condition_is_of_its_change(void **state)
{
	struct conditions cs;

	(void)state;
	conditions_init(&cs, 10);
	conditions_set(&cs, CONDITION_READY, false, "Waiting", "", 20);
	assert_int_equal(cs.c[CONDITION_READY].since_ns, 10);
	conditions_set(&cs, CONDITION_READY, true, "Running", "", 30);
	conditions_set(&cs, CONDITION_READY, true, "StillRunning", "", 40);
	assert_int_equal(cs.c[CONDITION_READY].since_ns, 30);
	assert_string_equal(cs.c[CONDITION_READY].reason, "StillRunning");
}

static void pause_and_reset(void **state)
{
	(void)state;
	machine.started(&r, 1, 4);
	machine.paused(&r);
	assert_false(r.conditions.c[CONDITION_READY].holds);
	assert_string_equal(r.conditions.c[CONDITION_READY].reason, "Paused");
	check_event(EVENT_PAUSED, "paused by request");
	machine.resumed(&r);
	assert_true(r.conditions.c[CONDITION_READY].holds);
	machine.reset(&r, true, "guest-reset");
	check_event(EVENT_RESET, "the guest starts again, by itself (guest-reset)");
	assert_int_equal(r.metrics.resets, 1);
}

static void a_refusal_is_counted_and_told(void **state)
{
	(void)state;
	record_refusal(&r, "resize", -ERANGE, "too many");
	record_refusal(&r, "resize", -ERANGE, "too many");
	check_event(EVENT_HOTPLUG_REFUSED, "resize refused: too many");
	assert_int_equal(last_event()->count, 2);
	assert_int_equal(r.metrics.refusals[REFUSAL_LIMIT], 2);
	assert_int_equal(event_reason_type(EVENT_HOTPLUG_REFUSED), EVENT_WARNING);
}

static void a_restart_is_required_until_it_is_not(void **state)
{
	const struct condition *c = &r.conditions.c[CONDITION_RESTART_REQUIRED];

	(void)state;
	assert_false(c->holds);
	record_restart_required(&r, "maxSockets 16 is stored");
	assert_true(c->holds);
	assert_string_equal(c->message, "maxSockets 16 is stored");
	check_event(EVENT_RESTART_REQUIRED, "maxSockets 16 is stored");
	record_restart_required(&r, NULL);
	assert_false(c->holds);
	assert_int_equal(r.events.n, 1);
}

static void what_the_guest_does_is_counted(void **state)
{
	const struct ost ost = { .event = OST_DEVICE_CHECK, .status = 1, .merged = 7 };

	(void)state;
	listener.ost(listener.ctx, &ost);
	assert_int_equal(r.metrics.ost[0][1], 1);
	listener.ost_merged(listener.ctx, &ost);
	assert_int_equal(r.metrics.ost[0][1], 2);
	assert_int_equal(changes, 2);
	listener.deleted(listener.ctx, 3, false);
	assert_int_equal(r.events.n, 0);
	listener.deleted(listener.ctx, 3, true);
	check_event(EVENT_GUEST_EJECTED, "the guest ejected socket 3 by itself");
	assert_int_equal(r.metrics.guest_ejects, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_vm_that_is_made_is_not_ready, set_up),
		cmocka_unit_test_setup(a_change_is_under_way_and_done, set_up),
		cmocka_unit_test_setup(asking_for_what_there_is_is_no_event, set_up),
		cmocka_unit_test_setup(a_failure_stays_in_the_condition, set_up),
		cmocka_unit_test_setup(what_the_guest_is_at_after_the_end_is_a_change,
				       set_up),
		cmocka_unit_test_setup(a_repair_does_not_hide_why, set_up),
		cmocka_unit_test(the_time_of_a_condition_is_of_its_change),
		cmocka_unit_test_setup(pause_and_reset, set_up),
		cmocka_unit_test_setup(a_refusal_is_counted_and_told, set_up),
		cmocka_unit_test_setup(a_restart_is_required_until_it_is_not, set_up),
		cmocka_unit_test_setup(what_the_guest_does_is_counted, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
