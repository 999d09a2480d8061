/* What a walk through all states of hotplug found: the guest and the clients at the worst
 * moment. hotplug_check() looks on (check_fixture.h). */
#include "vmm/hotplug/hotplug_fixture.h"

/* Without a look. */
static void eject_all(struct fixture *f, uint32_t first, uint32_t last)
{
	for (uint32_t i = first; i <= last; i++)
		eject(f, i);
}

/* Of three sockets the last has lost its first CPU, which is being put back. */
static void cancel_a_removal_half_way(struct fixture *f)
{
	struct text why;

	grow_to_three(f);
	assert_int_equal(resize(f, 2, &why), 0);
	guest_removes(f, 8, 8);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), 0);
	assert_true(hotplug_job(f->hotplug)->repair);
	assert_int_equal(hotplug_job(f->hotplug)->nunits, 1);
}

static void an_own_eject_under_a_repair_is_told_once(void **state)
{
	struct fixture *f = *state;

	cancel_a_removal_half_way(f);
	eject_all(f, 9, 11);
	hotplug_look(f->hotplug);
	assert_int_equal(f->ndeleted, 0);
	eject(f, 8);
	hotplug_look(f->hotplug);
	assert_int_equal(f->done.result, JOB_REFUSED);
	assert_int_equal(f->ndeleted, 1);
	assert_int_equal(f->ndeleted_by_guest, 1);
	assert_int_equal(count(f), 2);
}

/* It says that it is busy, and ejects it all the same before we look. */
static void a_refusal_of_what_is_gone_refuses_nothing(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(resize(f, 2, &why), 0);
	for (uint32_t i = 8; i <= 11; i++)
		begin_removal(f, i);
	say_ost(f, 8, OST_EJECT_REQUEST, 0x82);
	guest_removes(f, 8, 11);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(f->nrefused, 0);
	assert_int_equal(f->ndeleted, 1);
}

/* "Already enumerated", says an older Linux, and runs it. */
static void a_refusal_of_a_cpu_that_runs_refuses_nothing(void **state)
{
	struct fixture *f = *state;
	struct text why;

	assert_int_equal(resize(f, 2, &why), 0);
	for (uint32_t i = 4; i <= 7; i++) {
		answer(f, i, 1);
		cpuhp_runs(&f->cpuhp, i, true);
	}
	hotplug_look(f->hotplug);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(count(f), 2);
}

/* It found it when it looked at all of them, and onlines it when it comes to that. */
static void
already_enumerated_refuses_nothing_where_the_scan_may_have_found_it(void **state)
{
	struct fixture *f = *state;
	struct text why;

	assert_int_equal(resize(f, 2, &why), 0);
	for (uint32_t i = 4; i <= 7; i++)
		answer(f, i, OST_FAILURE);
	hotplug_look(f->hotplug);
	assert_true(job_running(hotplug_job(f->hotplug)));
	for (uint32_t i = 4; i <= 7; i++)
		cpuhp_runs(&f->cpuhp, i, true);
	hotplug_look(f->hotplug);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(resize(f, 3, &why), 0); /* of this it knows by the event alone */
	answer(f, 8, OST_FAILURE);
	hotplug_look(f->hotplug);
	assert_int_equal(f->done.result, JOB_REFUSED);
}

/* It has found it by its _STA, which no register sees. */
static void a_cancel_has_the_guest_look_again(void **state)
{
	struct fixture *f = *state;
	struct text why;

	assert_int_equal(resize(f, 2, &why), 0);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), 0);
	assert_int_equal(count(f), 1);
	for (uint32_t i = 4; i <= 7; i++) {
		assert_true(cpuhp_get(&f->cpuhp, i).insert_pending);
		answer(f, i, OST_SUCCESS); /* trimmed */
	}
	hotplug_look(f->hotplug);
	assert_int_equal(f->nost, 0);
	assert_int_equal(resize(f, 2, &why), 0);
	guest_takes(f, 4, 7);
	assert_int_equal(f->done.result, JOB_DONE);
}

/* As with acpi=off: its add has timed out, and nothing is asked of the guest. */
static void what_no_guest_has_seen_goes_back_at_once(void **state)
{
	struct fixture *f = *state;
	struct text why;

	assert_int_equal(hotplug_resize(f->hotplug, 4, SHORT_MS, &why), 0);
	wait_completed(f);
	assert_int_equal(f->done.result, JOB_TIMED_OUT);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), -ENOENT);
	assert_int_equal(resize(f, 3, &why), 0);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(f->done.count, 3);
	assert_int_equal(f->deleted, 3);
	assert_int_equal(hotplug_remove(f->hotplug, "socket-1", 1000, &why), 0);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(f->deleted, 1);
	assert_int_equal(f->ndeleted, 2);
	assert_int_equal(f->ndeleted_by_guest, 0);
	assert_int_equal(count(f), 2);
	assert_int_equal(atomic_load(&fake_threads), PER_SOCKET);
}

/* The guest keeps the one that it has; then it gets the others again. */
static void what_it_has_of_a_socket_is_asked_for(void **state)
{
	struct fixture *f = *state;
	struct text why;

	assert_int_equal(hotplug_resize(f->hotplug, 2, SHORT_MS, &why), 0);
	answer(f, 4, OST_SUCCESS);
	wait_completed(f);
	assert_int_equal(resize(f, 1, &why), 0);
	assert_true(cpuhp_get(&f->cpuhp, 4).remove_pending);
	assert_int_equal(cpuhp_get(&f->cpuhp, 5).state, SLOT_ABSENT);
	begin_removal(f, 4);
	say_ost(f, 4, OST_EJECT_REQUEST, 0x82);
	hotplug_look(f->hotplug);
	assert_int_equal(f->done.result, JOB_REFUSED);
	assert_true(hotplug_job(f->hotplug)->repair);
	assert_int_equal(hotplug_job(f->hotplug)->nunits, PER_SOCKET - 1);
	assert_int_equal(f->ndeleted, 0);
}

/* Its own look ends the job that it was meant for. */
static void a_cancel_that_comes_late_leaves_the_repair(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(resize(f, 2, &why), 0);
	guest_removes(f, 8, 8);
	begin_removal(f, 9);
	say_ost(f, 9, OST_EJECT_REQUEST, 0x82);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), -ENOENT);
	assert_non_null(strstr(why.s, "job 2 is over, and was not cancelled"));
	assert_int_equal(f->done.result, JOB_REFUSED);
	assert_true(job_running(hotplug_job(f->hotplug)));
	guest_takes(f, 8, 8);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(count(f), 3);
}

static void what_came_online_and_went_offline_is_not_online(void **state)
{
	struct fixture *f = *state;
	struct text why;

	assert_int_equal(resize(f, 2, &why), 0);
	answer(f, 7, OST_SUCCESS);
	guest_takes(f, 4, 6);
	cpuhp_runs(&f->cpuhp, 5, false);
	cpuhp_runs(&f->cpuhp, 7, true);
	hotplug_look(f->hotplug);
	assert_int_equal(f->ncompleted, 0);
	assert_int_equal(hotplug_job(f->hotplug)->phase, JOB_REGISTERED);
	cpuhp_runs(&f->cpuhp, 5, true);
	hotplug_look(f->hotplug);
	assert_int_equal(f->done.result, JOB_DONE);
}

/* The guest never took them, and the client asks again. */
static void a_cancel_takes_back_no_more_than_its_job_gave(void **state)
{
	struct fixture *f = *state;
	struct text why;

	assert_int_equal(hotplug_resize(f->hotplug, 2, SHORT_MS, &why), 0);
	wait_completed(f);
	assert_int_equal(f->done.result, JOB_TIMED_OUT);
	assert_int_equal(resize(f, 2, &why), 0);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), 0);
	assert_int_equal(f->done.result, JOB_CANCELLED);
	assert_int_equal(count(f), 2);
	guest_takes(f, 4, 7);
	assert_int_equal(hotplug_view(f->hotplug).taken, 2);
}

/* The guest is busy with the first, which the client gave up; the second it has not read
 * yet. */
static void a_late_refusal_is_none_of_the_next_removal(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(resize(f, 2, &why), 0);
	begin_removal(f, 8);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), 0);
	assert_int_equal(resize(f, 2, &why), 0);
	say_ost(f, 8, OST_EJECT_REQUEST, 0x82);
	hotplug_look(f->hotplug);
	assert_true(job_running(hotplug_job(f->hotplug)));
	assert_int_equal(f->nrefused, 0);
	assert_true(cpuhp_get(&f->cpuhp, 8).remove_pending);
	begin_removal(f, 8);
	say_ost(f, 8, OST_EJECT_REQUEST, 0x82);
	hotplug_look(f->hotplug);
	assert_int_equal(f->done.result, JOB_REFUSED);
	assert_int_equal(f->nrefused, 1);
}

/* A guest that starts again owes nothing. */
static void no_answer_is_owed_across_a_reset(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(resize(f, 2, &why), 0);
	begin_removal(f, 8);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), 0);
	hotplug_reset(f->hotplug);
	boot_again(f, 11);
	assert_int_equal(resize(f, 2, &why), 0);
	begin_removal(f, 8);
	say_ost(f, 8, OST_EJECT_REQUEST, 0x82);
	hotplug_look(f->hotplug);
	assert_int_equal(f->done.result, JOB_REFUSED);
}

/* Said before the job began, and still waiting behind others. */
static void a_refusal_that_was_said_before_is_none_of_the_next_removal(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(resize(f, 2, &why), 0);
	begin_removal(f, 8);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), 0);
	for (int i = 0; i < 100; i++)
		say_ost(f, 0, 0x77, 0);
	say_ost(f, 8, OST_EJECT_REQUEST, 0x82);
	assert_int_equal(resize(f, 2, &why), 0);
	hotplug_look(f->hotplug);
	assert_true(job_running(hotplug_job(f->hotplug)));
	guest_removes(f, 8, 11);
	assert_int_equal(f->done.result, JOB_DONE);
}

/* Of three sockets the guest is on its way with CPU 8, which is asked for no longer. */
static void leave_it_on_its_way(struct fixture *f)
{
	struct text why;

	grow_to_three(f);
	assert_int_equal(resize(f, 2, &why), 0);
	begin_removal(f, 8);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), 0);
	assert_true(hotplug_view(f->hotplug).settling);
	assert_true(units_has(&f->settling, 8));
	assert_int_equal(units_count(&f->settling), 1);
}

static void the_same_number_waits_for_what_is_on_its_way(void **state)
{
	struct fixture *f = *state;
	struct text why;

	leave_it_on_its_way(f);
	assert_int_equal(resize(f, 3, &why), 0);
	assert_true(job_running(hotplug_job(f->hotplug)));
	say_ost(f, 8, OST_EJECT_REQUEST, 0x82);
	hotplug_look(f->hotplug);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_true(units_empty(&f->settling));
}

static void the_same_number_says_that_it_went_all_the_same(void **state)
{
	struct fixture *f = *state;
	struct text why;

	leave_it_on_its_way(f);
	assert_int_equal(resize(f, 3, &why), 0);
	eject(f, 8);
	hotplug_look(f->hotplug);
	assert_int_equal(f->done.result, JOB_REFUSED);
	assert_true(hotplug_job(f->hotplug)->repair);
	assert_true(units_empty(&f->settling));
}

static void the_same_number_in_less_time_says_what_it_waits_for(void **state)
{
	struct fixture *f = *state;
	struct text why;

	leave_it_on_its_way(f);
	assert_int_equal(hotplug_resize(f->hotplug, 3, SHORT_MS, &why), 0);
	wait_completed(f);
	assert_int_equal(f->done.result, JOB_TIMED_OUT);
	assert_non_null(strstr(f->done.message.s, "cpus 8: the guest is on its way"));
}

static void what_was_on_its_way_is_forgotten_by_a_reset(void **state)
{
	struct fixture *f = *state;

	leave_it_on_its_way(f);
	hotplug_reset(f->hotplug);
	hotplug_look(f->hotplug);
	assert_true(units_empty(&f->settling));
	assert_false(hotplug_view(f->hotplug).settling);
}

/* It was answered {}, and another client cancels. */
static void a_device_that_is_taken_back_is_told_of(void **state)
{
	struct fixture *f = *state;
	struct text why;

	assert_int_equal(hotplug_add(f->hotplug, 2, "blue", &why), 0);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), 0);
	assert_int_equal(f->ndeleted, 1);
	assert_int_equal(f->deleted, 2);
	assert_int_equal(f->ndeleted_by_guest, 0);
	assert_int_equal(resize(f, 2, &why), 0); /* of this no device was spoken */
	assert_int_equal(hotplug_cancel(f->hotplug, &why), 0);
	assert_int_equal(f->ndeleted, 1);
}

/* It waits for an earlier removal, which was told of. */
static void a_device_that_never_came_is_told_of(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	eject_all(f, 8, 11);
	assert_int_equal(hotplug_add(f->hotplug, 2, "blue", &why), 0);
	assert_int_equal(hotplug_job(f->hotplug)->phase, JOB_ACCEPTED);
	assert_int_equal(f->ndeleted, 1);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), 0);
	assert_int_equal(f->ndeleted, 2);
	assert_int_equal(f->ndeleted_by_guest, 1);
}

/* --- names ---------------------------------------------------------------- */

static void expect_id(struct fixture *f, uint32_t socket, const char *want)
{
	char id[SOCKETS_ID_LEN];

	sockets_id(hotplug_sockets(f->hotplug), socket, id);
	assert_string_equal(id, want);
}

static void what_fails_gives_no_name_and_takes_none(void **state)
{
	struct fixture *f = *state;
	struct text why;

	fake_fail_at = 1;
	assert_true(hotplug_add(f->hotplug, 1, "blue", &why) < 0);
	expect_id(f, 1, "socket-1");
	assert_int_equal(hotplug_add(f->hotplug, 1, "red", &why), 0);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), 0);
	fake_fail_at = 1;
	assert_true(resize(f, 3, &why) < 0);
	expect_id(f, 1, "red");
}

/* --- requests and what the guest did just before -------------------------- */

static void a_resize_counts_what_the_guest_has_given_back(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	eject_all(f, 8, 11);
	assert_int_equal(resize(f, 3, &why), 0);
	assert_int_equal(f->ndeleted_by_guest, 1);
	assert_int_equal(f->ncompleted, 0);
	assert_int_equal(hotplug_job(f->hotplug)->from, 2);
	assert_int_equal(hotplug_job(f->hotplug)->nunits, PER_SOCKET);
}

static void what_the_guest_has_given_back_is_not_removed_again(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	eject_all(f, 8, 11);
	assert_int_equal(hotplug_remove(f->hotplug, "socket-2", 1000, &why), -ENOENT);
	assert_int_equal(f->ndeleted, 1);
}

static void a_socket_that_was_given_back_can_be_added(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	eject_all(f, 8, 11);
	assert_int_equal(hotplug_add(f->hotplug, 2, "again", &why), 0);
	assert_int_equal(f->ndeleted_by_guest, 1);
}

static void what_is_prepared_is_what_will_be_made(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	eject_all(f, 8, 11);
	for (uint32_t i = 8; i <= 11; i++)
		say_ost(f, i, OST_GUEST_EJECT, OST_SUCCESS);
	assert_int_equal(hotplug_prepare(f->hotplug, 4, &why), 0);
	assert_non_null(f->vcpu[12]);
	assert_int_equal(count(f), 2);
}

/* An add of two, while the guest lets go of another: two are there, and it says so. */
static void an_end_says_how_many_there_are(void **state)
{
	struct fixture *f = *state;
	struct text why;

	assert_int_equal(resize(f, 2, &why), 0);
	guest_takes(f, 4, 7);
	assert_int_equal(f->done.count, 2);
	assert_int_equal(resize(f, 3, &why), 0);
	eject_all(f, 4, 7);
	guest_takes(f, 8, 11);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(f->done.to, 3);
	assert_int_equal(f->done.count, 2);
	assert_non_null(strstr(f->done.message.s, "there are 2 sockets, not 3"));
}

/* --- repairs -------------------------------------------------------------- */

/* The CPU that is to come back still owes its final _OST when the guest lets the others
 * go, too. */
static void a_repair_that_waits_gives_up_a_socket_that_is_gone(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(resize(f, 2, &why), 0);
	eject(f, 8);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), 0);
	assert_int_equal(hotplug_job(f->hotplug)->phase, JOB_ACCEPTED);
	eject_all(f, 9, 11);
	hotplug_look(f->hotplug);
	assert_int_equal(f->done.result, JOB_REFUSED);
	assert_non_null(strstr(f->done.message.s, "ejected cpu 11 by itself"));
	for (uint32_t i = 8; i <= 11; i++)
		say_ost(f, i, OST_GUEST_EJECT, OST_SUCCESS);
	hotplug_look(f->hotplug);
	assert_false(job_running(hotplug_job(f->hotplug)));
	assert_int_equal(cpuhp_slot_state(&f->cpuhp, 8), SLOT_ABSENT);
	assert_int_equal(count(f), 2);
	assert_int_equal(f->ndeleted, 1);
}

/* Of two sockets one is gone: the other gets its CPU back. */
static void a_repair_that_waits_goes_on_with_the_other_socket(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(resize(f, 1, &why), 0);
	eject(f, 4);
	eject(f, 8);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), 0);
	assert_int_equal(hotplug_job(f->hotplug)->nunits, 2);
	eject_all(f, 9, 11);
	say_ost(f, 4, OST_EJECT_REQUEST, OST_SUCCESS);
	hotplug_look(f->hotplug);
	assert_int_equal(hotplug_job(f->hotplug)->phase, JOB_PLUGGED);
	assert_int_equal(hotplug_job(f->hotplug)->nunits, 1);
	assert_int_equal(hotplug_job(f->hotplug)->to, 2);
	guest_takes(f, 4, 4);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(count(f), 2);
}

/* The same of what went late, while an add runs. */
static void what_went_late_stays_away_when_its_socket_is_gone(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(resize(f, 2, &why), 0);
	begin_removal(f, 8);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), 0);
	assert_int_equal(resize(f, 4, &why), 0);
	eject_all(f, 8, 11);
	guest_takes(f, 12, 15);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(f->done.count, 3);
	assert_false(job_running(hotplug_job(f->hotplug)));
	assert_int_equal(f->ndeleted_by_guest, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_own_eject_under_a_repair_is_told_once),
		TEST(a_refusal_of_what_is_gone_refuses_nothing),
		TEST(a_refusal_of_a_cpu_that_runs_refuses_nothing),
		TEST(already_enumerated_refuses_nothing_where_the_scan_may_have_found_it),
		TEST(a_cancel_has_the_guest_look_again),
		TEST(what_no_guest_has_seen_goes_back_at_once),
		TEST(what_it_has_of_a_socket_is_asked_for),
		TEST(a_cancel_that_comes_late_leaves_the_repair),
		TEST(what_came_online_and_went_offline_is_not_online),
		TEST(a_cancel_takes_back_no_more_than_its_job_gave),
		TEST(a_late_refusal_is_none_of_the_next_removal),
		TEST(no_answer_is_owed_across_a_reset),
		TEST(a_refusal_that_was_said_before_is_none_of_the_next_removal),
		TEST(the_same_number_waits_for_what_is_on_its_way),
		TEST(the_same_number_says_that_it_went_all_the_same),
		TEST(the_same_number_in_less_time_says_what_it_waits_for),
		TEST(what_was_on_its_way_is_forgotten_by_a_reset),
		TEST(a_device_that_is_taken_back_is_told_of),
		TEST(a_device_that_never_came_is_told_of),
		TEST(what_fails_gives_no_name_and_takes_none),
		TEST(a_resize_counts_what_the_guest_has_given_back),
		TEST(what_the_guest_has_given_back_is_not_removed_again),
		TEST(a_socket_that_was_given_back_can_be_added),
		TEST(what_is_prepared_is_what_will_be_made),
		TEST(an_end_says_how_many_there_are),
		TEST(a_repair_that_waits_gives_up_a_socket_that_is_gone),
		TEST(a_repair_that_waits_goes_on_with_the_other_socket),
		TEST(what_went_late_stays_away_when_its_socket_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
