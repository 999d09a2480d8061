#include "vmm/control/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "acpi/layout.h"
#include "devices/bus.h"
#include "devices/clock.h"

#define NCPUS 4

struct fixture {
	struct topology topo;
	struct ged ged;
	struct cpuhp hp;
	struct vcpu vcpu[NCPUS], *by_index[NCPUS];
	uint32_t cpu[NCPUS];
	struct job job;
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

/* An add of CPUs 2 and 3 that the guest was just told of. */
static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	assert_int_equal(topology_init(&f->topo, NCPUS, 1, 1), 0);
	ged_init(&f->ged, ignore_line, NULL, NULL);
	assert_int_equal(cpuhp_init(&f->hp, &f->topo, &f->ged, 0, ignore_wake, NULL), 0);
	f->job = (struct job){ .id = 1, .start_ns = now_ns(), .nunits = 2 };
	f->cpu[0] = 2;
	f->cpu[1] = 3;
	units_put(&f->job.units, 2);
	units_put(&f->job.units, 3);
	for (int i = 0; i < NCPUS; i++) {
		f->by_index[i] = &f->vcpu[i];
		f->vcpu[i].made_ns = now_ns();
		atomic_store(&f->vcpu[i].up_ns, now_ns());
	}
	f->job.phase_ns[JOB_PLUGGED] = cpuhp_plug(&f->hp, f->cpu, 2);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	cpuhp_destroy(&f->hp);
	test_free(f);
	return 0;
}

static void put(struct fixture *f, uint64_t offset, uint32_t len, uint32_t value)
{
	uint8_t data[8];

	bus_put(data, len, value);
	cpuhp_access(&f->hp, offset, data, len, true);
}

/* As the guest does, but that it starts the CPU before it says _OST. */
static void guest_takes(struct fixture *f, uint32_t cpu)
{
	uint8_t byte;

	put(f, CPUHP_SELECTOR, 4, cpu);
	cpuhp_access(&f->hp, CPUHP_STATUS, &byte, 1, false);
	put(f, CPUHP_CONTROL, 1, CPUHP_INSERT);
	cpuhp_started(&f->hp, cpu);
	put(f, CPUHP_COMMAND, 1, CPUHP_CMD_OST_EVENT);
	put(f, CPUHP_DATA, 4, OST_DEVICE_CHECK);
	put(f, CPUHP_COMMAND, 1, CPUHP_CMD_OST_STATUS);
	put(f, CPUHP_DATA, 4, OST_SUCCESS);
	cpuhp_runs(&f->hp, cpu, true);
}

static void expect(struct fixture *f, const char *const *names, size_t n)
{
	struct trace_step step[TRACE_STEPS];

	assert_int_equal(trace_add(&f->job, &f->hp, f->by_index, step), n);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(step[i].name, names[i]);
		assert_true(i == 0 || step[i].ns >= step[i - 1].ns);
	}
}

#define EXPECT(f, ...)                                                                   \
	expect(f, (const char *const[]){ __VA_ARGS__ },                                  \
	       sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static void each_step_has_its_time_and_they_rise(void **state)
{
	struct fixture *f = *state;

	guest_takes(f, 2);
	guest_takes(f, 3);
	EXPECT(f, "request-read", "fd-created", "thread-up", "line-raised", "block-read",
	       "acknowledged", "started", "ost", "online");
}

static void a_step_counts_when_the_last_cpu_took_it(void **state)
{
	struct fixture *f = *state;

	guest_takes(f, 2);
	EXPECT(f, "request-read", "fd-created", "thread-up", "line-raised");
}

static void what_an_earlier_add_made_is_no_step_of_this_one(void **state)
{
	struct fixture *f = *state;

	f->vcpu[3].made_ns = f->job.start_ns - 1;
	EXPECT(f, "request-read", "thread-up", "line-raised");
}

static void the_steps_of_the_plug_before_are_forgotten(void **state)
{
	struct fixture *f = *state;
	struct cpuhp_slot s;

	guest_takes(f, 3);
	cpuhp_ask_removal(&f->hp, f->cpu, 2);
	put(f, CPUHP_CONTROL, 1, CPUHP_EJECT);
	cpuhp_park(&f->hp, 3);
	cpuhp_plug(&f->hp, &f->cpu[1], 1);
	s = cpuhp_get(&f->hp, 3);
	assert_int_equal(s.seen_ns | s.acked_ns | s.started_ns | s.registered_ns, 0);
}

static void a_removal_has_none(void **state)
{
	struct fixture *f = *state;
	struct trace_step step[TRACE_STEPS];

	f->job.operation = JOB_REMOVE;
	assert_int_equal(trace_add(&f->job, &f->hp, f->by_index, step), 0);
}

static void a_vcpu_that_is_not_made_has_taken_no_step(void **state)
{
	struct fixture *f = *state;
	struct trace_step step[TRACE_STEPS];

	f->by_index[2] = NULL;
	assert_int_equal(trace_add(&f->job, &f->hp, f->by_index, step), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_step_has_its_time_and_they_rise),
		TEST(a_step_counts_when_the_last_cpu_took_it),
		TEST(what_an_earlier_add_made_is_no_step_of_this_one),
		TEST(the_steps_of_the_plug_before_are_forgotten),
		TEST(a_removal_has_none),
		TEST(a_vcpu_that_is_not_made_has_taken_no_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
