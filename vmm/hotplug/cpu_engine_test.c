/* The engine alone: no host, no thread, no timer, and the time is what the test says. */
#include "vmm/hotplug/cpu_engine.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "acpi/layout.h"
#include "devices/bus.h"
#include "devices/clock.h"

#define SOCKETS    3 /* of one CPU each; the guest has one */
#define TIMEOUT_MS 10000

struct fixture {
	struct topology topo;
	struct ged ged;
	struct cpuhp cpuhp;
	struct sockets sockets;
	struct cpu_engine engine;
	struct actions out; /* of the last step */
	uint64_t now_ns;
};

static void ignore_line(void *ctx, bool level)
{
	(void)ctx;
	(void)level;
}

static void ignore_wake(void *ctx)
{
	(void)ctx;
}

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	assert_int_equal(topology_init(&f->topo, SOCKETS, 1, 1), 0);
	ged_init(&f->ged, ignore_line, NULL, f);
	assert_int_equal(cpuhp_init(&f->cpuhp, &f->topo, &f->ged, CPUHP_ACCEPT_EJECTS,
				    ignore_wake, f),
			 0);
	cpuhp_boot(&f->cpuhp, 0);
	cpuhp_runs(&f->cpuhp, 0, true);
	assert_int_equal(sockets_init(&f->sockets, &f->cpuhp), 0);
	f->engine.sockets = &f->sockets;
	f->now_ns = now_ns();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sockets_destroy(&f->sockets);
	cpuhp_destroy(&f->cpuhp);
	test_free(f);
	return 0;
}

static int step(struct fixture *f, const struct cpu_event *ev)
{
	return cpu_engine_step(&f->engine, ev, f->now_ns, &f->out);
}

static void look(struct fixture *f)
{
	assert_int_equal(step(f, &(struct cpu_event){ .kind = CPU_LOOK }), 0);
}

static void begin(struct fixture *f, enum job_operation op, uint32_t cpu, bool made)
{
	uint32_t count = sockets_count(&f->sockets);
	struct cpu_event ev = { .kind = CPU_BEGIN, .made = made };

	ev.plan = (struct job_plan){ .operation = op,
				     .from = count,
				     .to = op == JOB_ADD ? count + 1 : count - 1,
				     .timeout_ms = TIMEOUT_MS,
				     .start_ns = f->now_ns };
	units_put(&ev.plan.units, cpu);
	assert_int_equal(step(f, &ev), 0);
}

static void expect_actions(const struct fixture *f, const enum action_kind *kind,
			   unsigned n)
{
	assert_int_equal(f->out.n, n);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(f->out.action[i].kind, kind[i]);
}

#define EXPECT(f, ...)                                                                   \
	expect_actions(f, (const enum action_kind[]){ __VA_ARGS__ },                     \
		       sizeof((const enum action_kind[]){ __VA_ARGS__ }) /               \
			       sizeof(enum action_kind))

static void put(struct fixture *f, uint64_t offset, uint32_t value)
{
	uint8_t data[4];

	bus_put(data, 4, value);
	cpuhp_access(&f->cpuhp, offset, data, 4, true);
}

static void guest_ejects(struct fixture *f, uint32_t cpu)
{
	put(f, CPUHP_SELECTOR, cpu);
	put(f, CPUHP_CONTROL, CPUHP_EJECT);
	cpuhp_park(&f->cpuhp, cpu);
	(void)step(f, &(struct cpu_event){ .kind = CPU_EJECTED, .cpu = cpu });
}

static void guest_registers(struct fixture *f, uint32_t cpu)
{
	put(f, CPUHP_SELECTOR, cpu);
	put(f, CPUHP_CONTROL, CPUHP_INSERT);
	put(f, CPUHP_COMMAND, CPUHP_CMD_OST_EVENT);
	put(f, CPUHP_DATA, OST_DEVICE_CHECK);
	put(f, CPUHP_COMMAND, CPUHP_CMD_OST_STATUS);
	put(f, CPUHP_DATA, OST_SUCCESS);
}

static void a_step_calls_nobody_and_says_what_is_to_be_done(void **state)
{
	struct fixture *f = *state;

	begin(f, JOB_ADD, 1, true);
	EXPECT(f, ACTION_TELL_PHASE, ACTION_TELL_PHASE);
	assert_int_equal(f->out.action[0].phase, JOB_ACCEPTED);
	assert_int_equal(f->out.action[1].phase, JOB_PLUGGED);
	look(f);
	assert_int_equal(f->out.n, 0);
	cpuhp_runs(&f->cpuhp, 1, true);
	look(f);
	EXPECT(f, ACTION_TELL_PHASE, ACTION_TELL_PHASE, ACTION_TELL_COMPLETED);
	assert_int_equal(f->out.action[2].job.result, JOB_DONE);
	assert_int_equal(cpu_engine_due_ns(&f->engine), UINT64_MAX);
}

static void the_time_is_an_argument(void **state)
{
	struct fixture *f = *state;

	begin(f, JOB_ADD, 1, true);
	assert_int_equal(cpu_engine_due_ns(&f->engine),
			 f->now_ns + TIMEOUT_MS * NS_PER_MS);
	f->now_ns += TIMEOUT_MS * NS_PER_MS - 1;
	look(f);
	assert_int_equal(f->out.n, 0);
	f->now_ns += 1;
	look(f);
	EXPECT(f, ACTION_TELL_COMPLETED);
	assert_int_equal(f->out.action[0].job.result, JOB_TIMED_OUT);
	assert_non_null(
		strstr(f->out.action[0].job.message.s, "not registered: cpus 1;"));
}

/* What the host answers is an event as any other. */
static void an_add_that_waited_asks_the_host_and_takes_its_answer(void **state)
{
	struct fixture *f = *state;

	begin(f, JOB_ADD, 1, true);
	cpuhp_runs(&f->cpuhp, 1, true);
	look(f);
	guest_ejects(f, 1);
	EXPECT(f, ACTION_TELL_DELETED);
	assert_true(f->out.action[0].by_guest);
	begin(f, JOB_ADD, 1, false);
	EXPECT(f, ACTION_TELL_PHASE);
	f->now_ns = cpu_engine_due_ns(&f->engine); /* the guest's _OST does not come */
	look(f);
	EXPECT(f, ACTION_MAKE);
	assert_true(units_has(&f->out.action[0].units, 1));
	(void)step(f, &(struct cpu_event){ .kind = CPU_NOT_MADE, .why = { "no room" } });
	EXPECT(f, ACTION_TELL_COMPLETED);
	assert_int_equal(f->out.action[0].job.result, JOB_FAILED);
	assert_string_equal(f->out.action[0].job.message.s, "no room");
	assert_int_equal(sockets_count(&f->sockets), 1);
}

static void what_the_guest_never_had_is_stopped_when_it_is_cancelled(void **state)
{
	struct fixture *f = *state;
	const struct cpu_event cancel = { .kind = CPU_CANCEL };

	assert_int_equal(step(f, &cancel), -ENOENT);
	begin(f, JOB_ADD, 2, true);
	assert_int_equal(step(f, &cancel), 0);
	EXPECT(f, ACTION_STOP, ACTION_TELL_COMPLETED);
	assert_true(units_has(&f->out.action[0].units, 2));
	begin(f, JOB_ADD, 2, true);
	put(f, CPUHP_SELECTOR, 2);
	put(f, CPUHP_CONTROL, CPUHP_INSERT); /* the guest knows */
	assert_int_equal(step(f, &cancel), -EBUSY);
	assert_int_equal(f->out.n, 0);
	assert_true(job_running(&f->engine.now.job));
}

/* It has read the event, and says nothing. */
static void what_is_on_its_way_is_waited_for_only_so_long(void **state)
{
	struct fixture *f = *state;

	begin(f, JOB_ADD, 1, true);
	cpuhp_runs(&f->cpuhp, 1, true);
	look(f);
	begin(f, JOB_REMOVE, 1, false);
	put(f, CPUHP_SELECTOR, 1);
	put(f, CPUHP_CONTROL, CPUHP_REMOVE);
	assert_int_equal(step(f, &(struct cpu_event){ .kind = CPU_CANCEL }), 0);
	EXPECT(f, ACTION_TELL_COMPLETED, ACTION_TELL_SETTLING);
	assert_true(units_has(&f->out.action[1].units, 1));
	assert_int_equal(cpu_engine_due_ns(&f->engine),
			 f->now_ns + JOB_QUIET_MS * NS_PER_MS);
	f->now_ns = cpu_engine_due_ns(&f->engine);
	look(f);
	EXPECT(f, ACTION_TELL_SETTLING);
	assert_true(units_empty(&f->out.action[0].units));
	assert_int_equal(cpu_engine_due_ns(&f->engine), UINT64_MAX);
}

static void a_flood_that_answers_nothing_is_counted_in_the_next(void **state)
{
	const struct cpu_event ev = { .kind = CPU_OST,
				      .ost = { .event = 0x77, .ns = 1 } };
	struct fixture *f = *state;

	for (unsigned i = 0; i < CPU_OSTS_PER_S; i++) {
		assert_int_equal(step(f, &ev), 0);
		EXPECT(f, ACTION_TELL_OST);
		assert_int_equal(f->out.action[0].ost.merged, 0);
	}
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(step(f, &ev), 0);
		EXPECT(f, ACTION_COUNT_OST);
	}
	begin(f, JOB_ADD, 1, true);
	guest_registers(f, 1); /* an answer is told at any time */
	assert_int_equal(
		step(f, &(struct cpu_event){ .kind = CPU_OST, .ost = { 1, 1, 0, 1, 0 } }),
		0);
	EXPECT(f, ACTION_TELL_OST);
	assert_int_equal(f->out.action[0].ost.merged, 1000);
	f->now_ns += NS_PER_S;
	assert_int_equal(step(f, &ev), 0);
	assert_int_equal(f->out.n, 1);
	assert_int_equal(f->out.action[0].ost.merged, 0);
}

/* From one state the same event makes the same of it, as often as one likes. */
static void the_state_is_a_value(void **state)
{
	struct fixture *f = *state;
	struct cpu_jobs saved, one;

	begin(f, JOB_ADD, 1, true);
	memcpy(&saved, &f->engine.now, sizeof(saved));
	f->now_ns += TIMEOUT_MS * NS_PER_MS;
	look(f);
	assert_false(job_running(&f->engine.now.job));
	memcpy(&one, &f->engine.now, sizeof(one));
	memcpy(&f->engine.now, &saved, sizeof(saved));
	assert_true(job_running(&f->engine.now.job));
	look(f);
	assert_memory_equal(&f->engine.now, &one, sizeof(one));
}

/* Each operation, each state of the slot, each class of what the guest may say. */
static void a_no_counts_where_the_slot_leaves_it_open(void **state)
{
	static const uint32_t events[] = { OST_DEVICE_CHECK, OST_EJECT_REQUEST,
					   OST_GUEST_EJECT, 0x77 };
	static const uint32_t statuses[] = { OST_SUCCESS, OST_IN_PROGRESS, 1, 0x82 };
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < 4 * 4 * SLOT_NSTATES; i++) {
		struct ost ost = { .event = events[i % 4],
				   .status = statuses[i / 4 % 4] };
		enum slot_state st = (enum slot_state)(i / 16);
		struct cpuhp_slot slot = { .state = st };
		struct cpuhp_slot found = { .state = st, .may_know = true };
		struct cpuhp_slot booted = { .state = st, .in_tables = true };
		bool no = ost.status == 1 || ost.status == 0x82;

		assert_int_equal(cpu_refuses(&ost, JOB_ADD, &slot),
				 no && ost.event == OST_DEVICE_CHECK &&
					 st == SLOT_PLUGGED);
		assert_int_equal(cpu_refuses(&ost, JOB_ADD, &found),
				 ost.status == 0x82 && ost.event == OST_DEVICE_CHECK &&
					 st == SLOT_PLUGGED);
		assert_int_equal(cpu_refuses(&ost, JOB_ADD, &booted),
				 cpu_refuses(&ost, JOB_ADD, &found));
		assert_int_equal(cpu_refuses(&ost, JOB_REMOVE, &found),
				 cpu_refuses(&ost, JOB_REMOVE, &slot));
		assert_int_equal(cpu_refuses(&ost, JOB_REMOVE, &slot),
				 no && ost.event == OST_EJECT_REQUEST &&
					 slot_enabled(st));
		n += no && ost.event == OST_EJECT_REQUEST && slot_enabled(st);
	}
	assert_int_equal(n, 8);
}

/* CPU 1 is still to come, and it is CPU 2 that the guest is busy with. */
static void a_step_of_any_cpu_is_progress(void **state)
{
	const uint64_t quiet = JOB_QUIET_MS * NS_PER_MS;
	struct fixture *f = *state;
	uint64_t begun = f->now_ns;

	begin(f, JOB_ADD, 1, true);
	cpuhp_plug(&f->cpuhp, &(uint32_t){ 2 }, 1);
	units_put(&f->engine.now.job.units, 2);
	f->engine.now.job.end_ns = begun + 10 * quiet;
	guest_registers(f, 1);
	guest_registers(f, 2);
	look(f);
	assert_int_equal(f->engine.now.job.phase, JOB_REGISTERED);
	cpuhp_runs(&f->cpuhp, 2, true);
	f->cpuhp.acpi.times[2].ns[ACPIHP_ONLINE] = begun + quiet - NS_PER_S;
	f->now_ns = begun + quiet + NS_PER_S;
	look(f);
	assert_true(job_running(&f->engine.now.job));
	assert_int_equal(cpu_engine_due_ns(&f->engine), begun + 2 * quiet - NS_PER_S);
	f->now_ns = cpu_engine_due_ns(&f->engine);
	look(f);
	assert_int_equal(f->engine.now.job.result, JOB_TIMED_OUT);
	assert_non_null(strstr(f->engine.now.job.message.s, "not online: cpus 1;"));
}

/* At its last moment: there is none between the look and the end. */
static void what_came_in_time_does_not_time_out(void **state)
{
	struct fixture *f = *state;

	begin(f, JOB_ADD, 1, true);
	f->now_ns = cpu_engine_due_ns(&f->engine) + 1;
	cpuhp_runs(&f->cpuhp, 1, true);
	look(f);
	assert_int_equal(f->engine.now.job.result, JOB_DONE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_step_calls_nobody_and_says_what_is_to_be_done),
		TEST(the_time_is_an_argument),
		TEST(an_add_that_waited_asks_the_host_and_takes_its_answer),
		TEST(what_the_guest_never_had_is_stopped_when_it_is_cancelled),
		TEST(what_is_on_its_way_is_waited_for_only_so_long),
		TEST(a_flood_that_answers_nothing_is_counted_in_the_next),
		TEST(a_step_of_any_cpu_is_progress),
		TEST(what_came_in_time_does_not_time_out),
		TEST(the_state_is_a_value),
		cmocka_unit_test(a_no_counts_where_the_slot_leaves_it_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
