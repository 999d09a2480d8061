#include "vmm/control/amend.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* A VM that runs with 2 of 8 sockets of 2 cores. */
struct vm {
	struct spec spec;
	struct hotplug_view now;
	struct job job;
	struct patch patch;
};

static int setup(void **state)
{
	const struct host_limits host = { .max_vcpus = 64, .max_vcpu_id = 64 };
	struct vm *vm = test_calloc(1, sizeof(*vm));
	struct topology topo;
	struct text why;

	vm->spec = (struct spec){
		.cpus = { .sockets = 2, .cores = 2, .threads = 1, .max_sockets = 8 }
	};
	assert_int_equal(spec_resolve(&vm->spec, &host, &topo, &why), 0);
	vm->now = (struct hotplug_view){ .count = 2, .wanted = 2, .taken = 2 };
	(void)strcpy(vm->patch.place, "spec.domain.cpu.");
	*state = vm;
	return 0;
}

static int teardown(void **state)
{
	test_free(*state);
	return 0;
}

static void name(struct vm *vm, enum spec_cpu k, int64_t value)
{
	vm->patch.named[k] = true;
	vm->patch.cpu[k] = value;
}

/* A job on its way between these numbers of sockets. */
static void run_job(struct vm *vm, uint32_t from, uint32_t to, uint32_t count)
{
	vm->job = (struct job){ .id = 7, .from = from, .to = to, .phase = JOB_PLUGGED };
	vm->now = (struct hotplug_view){
		.count = count, .wanted = to, .taken = from, .running = &vm->job
	};
}

static void refused(const struct vm *vm, int err, const char *words)
{
	struct amend_plan plan;
	struct text why = { "" };

	assert_int_equal(amend_plan(&vm->spec, &vm->now, &vm->patch, &plan, &why), err);
	if (strstr(why.s, words) == NULL)
		fail_msg("'%s' lacks '%s'", why.s, words);
}

static struct amend_plan planned(const struct vm *vm)
{
	struct amend_plan plan;
	struct text why = { "" };

	if (amend_plan(&vm->spec, &vm->now, &vm->patch, &plan, &why) < 0)
		fail_msg("%s", why.s);
	return plan;
}

static void what_is_so_already_changes_nothing(void **state)
{
	struct vm *vm = *state;
	struct amend_plan plan;

	name(vm, SPEC_SOCKETS, 2);
	name(vm, SPEC_CORES, 2);
	name(vm, SPEC_MAX_SOCKETS, 8);
	plan = planned(vm);
	assert_false(plan.resizes);
	assert_false(plan.stores);
}

static void sockets_resize_and_the_others_are_stored(void **state)
{
	struct vm *vm = *state;
	struct amend_plan plan;

	name(vm, SPEC_SOCKETS, 3);
	plan = planned(vm);
	assert_true(plan.resizes);
	assert_int_equal(plan.sockets, 3);
	assert_false(plan.stores);
	name(vm, SPEC_MAX_SOCKETS, 16);
	plan = planned(vm);
	assert_true(plan.resizes && plan.stores);
	assert_int_equal(plan.stored[SPEC_MAX_SOCKETS], 16);
	assert_int_equal(plan.stored[SPEC_CORES], 2);
	assert_int_equal(vm->spec.stored[SPEC_MAX_SOCKETS], 8);
}

/* A guest that has not taken them yet; but where a job runs, that job waits for it. */
static void the_same_number_again_finishes_what_is_unfinished(void **state)
{
	struct vm *vm = *state;

	name(vm, SPEC_SOCKETS, 3);
	vm->now = (struct hotplug_view){ .count = 3, .wanted = 3, .taken = 2 };
	assert_true(planned(vm).resizes);
	vm->now.taken = 3;
	assert_false(planned(vm).resizes);
	vm->now.settling = true;
	assert_true(planned(vm).resizes);
	run_job(vm, 2, 3, 3);
	assert_false(planned(vm).resizes);
}

static void sockets_outside_the_limits_are_refused_at_their_place(void **state)
{
	struct vm *vm = *state;

	name(vm, SPEC_SOCKETS, 9);
	refused(vm, -ERANGE, "spec.domain.cpu.sockets: CPU sockets 9 is greater");
	name(vm, SPEC_SOCKETS, 0);
	refused(vm, -ERANGE, "spec.domain.cpu.sockets: CPU sockets 0 is less");
}

static void another_number_of_sockets_waits_for_the_job_that_runs(void **state)
{
	struct vm *vm = *state;

	run_job(vm, 2, 4, 4);
	name(vm, SPEC_SOCKETS, 3);
	refused(vm, -EBUSY, "job 7, sockets 2 to 4, is plugged");
	vm->patch.named[SPEC_SOCKETS] = false;
	name(vm, SPEC_MAX_SOCKETS, 16); /* what is stored need not */
	assert_true(planned(vm).stores);
}

/* Before the change, after it, and while a job is on its way. */
static void what_is_stored_has_room_for_the_sockets_at_any_moment(void **state)
{
	struct vm *vm = *state;

	name(vm, SPEC_MAX_SOCKETS, 1);
	refused(vm, -ERANGE, "spec.domain.cpu.maxSockets");
	name(vm, SPEC_MAX_SOCKETS, 2);
	assert_true(planned(vm).stores);
	name(vm, SPEC_SOCKETS, 3);
	refused(vm, -ERANGE, "maxSockets");
	vm->patch.named[SPEC_SOCKETS] = false;
	run_job(vm, 4, 2, 3); /* it may yet keep all four */
	name(vm, SPEC_MAX_SOCKETS, 3);
	refused(vm, -ERANGE, "spec.domain.cpu.maxSockets");
	name(vm, SPEC_MAX_SOCKETS, 4);
	assert_true(planned(vm).stores);
}

static void what_cannot_be_started_again_is_not_stored(void **state)
{
	struct vm *vm = *state;

	name(vm, SPEC_CORES, 9); /* 8 x 9 vCPUs, on a host that has 64 */
	refused(vm, -ERANGE, "spec.domain.cpu.cores: from the next start on");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_so_already_changes_nothing),
		TEST(sockets_resize_and_the_others_are_stored),
		TEST(the_same_number_again_finishes_what_is_unfinished),
		TEST(sockets_outside_the_limits_are_refused_at_their_place),
		TEST(another_number_of_sockets_waits_for_the_job_that_runs),
		TEST(what_is_stored_has_room_for_the_sockets_at_any_moment),
		TEST(what_cannot_be_started_again_is_not_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
