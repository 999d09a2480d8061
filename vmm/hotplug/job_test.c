#include "vmm/hotplug/job.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "devices/clock.h"

#define START      (100 * NS_PER_S)
#define TIMEOUT_MS 60000
#define NUNITS     3

/* When each unit came to each phase. */
static uint64_t guest[NUNITS][JOB_NPHASES];

static uint64_t reached_ns(void *ctx, uint32_t unit, enum job_phase p)
{
	(void)ctx;
	return guest[unit][p];
}

static struct job job;

static void begin(enum job_operation op)
{
	struct job_plan plan = { .operation = op,
				 .from = 1,
				 .to = 2,
				 .timeout_ms = TIMEOUT_MS,
				 .start_ns = START - 5 };

	memset(guest, 0, sizeof(guest));
	for (uint32_t i = 0; i < NUNITS; i++)
		units_put(&plan.units, i);
	job_begin(&job, &plan, START);
}

static bool advance(void)
{
	return job_advance(&job, reached_ns, NULL);
}

static void note_steps(void)
{
	job_note_steps(&job, reached_ns, NULL);
}

static void a_job_begins_in_its_first_phase(void **state)
{
	uint32_t id = job.id;

	(void)state;
	begin(JOB_ADD);
	assert_int_equal(job.id, id + 1);
	assert_true(job_running(&job));
	assert_int_equal(job.phase, JOB_ACCEPTED);
	assert_int_equal(job.phase_ns[JOB_ACCEPTED], START - 5);
	assert_int_equal(job.nunits, NUNITS);
	begin(JOB_REMOVE);
	assert_int_equal(job.phase, JOB_REQUESTED);
}

static void each_operation_has_its_phases_in_their_order(void **state)
{
	static const enum job_phase want[JOB_NOPERATIONS][4] = {
		[JOB_ADD] = { JOB_ACCEPTED, JOB_PLUGGED, JOB_REGISTERED, JOB_ONLINE },
		[JOB_REMOVE] = { JOB_REQUESTED, JOB_OFFLINING, JOB_EJECTED, JOB_PARKED },
	};

	(void)state;
	for (int op = 0; op < JOB_NOPERATIONS; op++) {
		begin((enum job_operation)op);
		for (int i = 0; i < 4; i++) {
			assert_int_equal(job.phase, want[op][i]);
			job_enter(&job, job_next_phase(&job), START + 1);
		}
		assert_int_equal(job.phase, job_last_phase(&job)); /* and stays there */
		assert_false(advance());
	}
}

static void a_phase_is_entered_when_the_last_unit_is_there(void **state)
{
	static const uint64_t at[NUNITS] = { START + 3, START + 9, START + 6 };

	(void)state;
	begin(JOB_REMOVE);
	for (int i = 0; i < NUNITS; i++) {
		assert_false(advance());
		guest[i][JOB_OFFLINING] = at[i];
	}
	assert_true(advance());
	assert_int_equal(job.phase_ns[JOB_OFFLINING], START + 9);
	for (int i = 0; i < NUNITS; i++)
		guest[i][JOB_EJECTED] = 1; /* long ago, it seems: but not before that */
	assert_true(advance());
	assert_int_equal(job.phase_ns[JOB_EJECTED], START + 9);
}

static void who_is_missing(void **state)
{
	struct units missing;
	char name[64];

	(void)state;
	begin(JOB_ADD);
	guest[1][JOB_ONLINE] = START;
	missing = job_missing(&job, JOB_ONLINE, reached_ns, NULL);
	units_name(&missing, name, sizeof(name));
	assert_string_equal(name, "0,2");
}

static void a_silent_guest_has_the_time_that_was_asked_for(void **state)
{
	(void)state;
	begin(JOB_ADD);
	assert_int_equal(job_deadline(&job), START + TIMEOUT_MS * NS_PER_MS);
	note_steps();
	assert_int_equal(job_deadline(&job), START + TIMEOUT_MS * NS_PER_MS);
}

/* One by one, each taking seconds: while they go the job goes on. */
static void a_job_that_goes_on_is_not_ended_by_its_time(void **state)
{
	const uint64_t step = JOB_STEP_MS * NS_PER_MS,
		       end = START + TIMEOUT_MS * NS_PER_MS;

	(void)state;
	begin(JOB_REMOVE);
	guest[2][JOB_OFFLINING] = end - NS_PER_S;
	note_steps();
	assert_int_equal(job.phase, JOB_REQUESTED); /* the others have not begun */
	assert_int_equal(job_deadline(&job), end - NS_PER_S + step);
	guest[1][JOB_OFFLINING] = end + NS_PER_S;
	note_steps();
	assert_int_equal(job_deadline(&job), end + NS_PER_S + step);
}

/* A guest could hold the job for ever. */
static void what_is_done_again_is_no_step(void **state)
{
	uint64_t deadline;

	(void)state;
	begin(JOB_ADD);
	guest[0][JOB_ONLINE] = START + 50 * NS_PER_S;
	note_steps();
	deadline = job_deadline(&job);
	guest[0][JOB_ONLINE] = 0;
	note_steps();
	guest[0][JOB_ONLINE] = START + 55 * NS_PER_S;
	note_steps();
	assert_int_equal(job_deadline(&job), deadline);
}

/* It has all that it needs: then its silence ends the job before the time is up. */
static void where_nothing_more_is_needed_silence_ends_the_job(void **state)
{
	(void)state;
	begin(JOB_ADD);
	job_enter(&job, JOB_REGISTERED, START);
	assert_int_equal(job_deadline(&job), START + JOB_QUIET_MS * NS_PER_MS);
	guest[2][JOB_ONLINE] = START + 7;
	note_steps();
	assert_int_equal(job_deadline(&job), START + 7 + JOB_QUIET_MS * NS_PER_MS);
	job_restart(&job, START + 9);
	assert_int_equal(job_deadline(&job), START + 9 + JOB_QUIET_MS * NS_PER_MS);
}

static void no_job_has_the_id_of_none(void **state)
{
	const struct job_plan plan = { .operation = JOB_ADD };
	struct job last = { .id = UINT32_MAX };

	(void)state;
	job_begin(&last, &plan, 1);
	assert_int_equal(last.id, 1);
	assert_true(job_running(&last));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_job_has_the_id_of_none),
		cmocka_unit_test(a_job_begins_in_its_first_phase),
		cmocka_unit_test(each_operation_has_its_phases_in_their_order),
		cmocka_unit_test(a_phase_is_entered_when_the_last_unit_is_there),
		cmocka_unit_test(who_is_missing),
		cmocka_unit_test(a_silent_guest_has_the_time_that_was_asked_for),
		cmocka_unit_test(a_job_that_goes_on_is_not_ended_by_its_time),
		cmocka_unit_test(what_is_done_again_is_no_step),
		cmocka_unit_test(where_nothing_more_is_needed_silence_ends_the_job),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
