/* Removals, see hotplug.h. */
#include "vmm/hotplug/hotplug_fixture.h"

static void a_removal_goes_through_its_phases_and_parks(void **state)
{
	static const enum job_phase want[] = { JOB_REQUESTED, JOB_OFFLINING, JOB_EJECTED,
					       JOB_PARKED };
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(resize(f, 2, &why), 0);
	assert_int_equal(f->nphases, 1);
	assert_true(cpuhp_get(&f->cpuhp, 8).remove_pending);
	assert_false(cpuhp_get(&f->cpuhp, 4).remove_pending); /* the highest goes first */
	for (uint32_t i = 8; i <= 11; i++)
		begin_removal(f, i);
	hotplug_look(f->hotplug);
	assert_int_equal(f->nphases, 2);
	for (uint32_t i = 8; i <= 11; i++)
		eject(f, i);
	hotplug_look(f->hotplug);
	assert_int_equal(f->nphases, 3);
	assert_int_equal(atomic_load(&fake_threads), PER_SOCKET);
	assert_int_equal(f->ncompleted, 0); /* the final _OST is due */
	for (uint32_t i = 8; i <= 11; i++)
		say_ost(f, i, OST_EJECT_REQUEST, OST_SUCCESS);
	hotplug_look(f->hotplug);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_memory_equal(f->phase, want, sizeof(want));
	assert_int_equal(f->ndeleted, 1);
	assert_int_equal(f->deleted, 2);
	assert_int_equal(count(f), 2);
}

static void remove_and_add_many_times_reuse_what_there_is(void **state)
{
	struct fixture *f = *state;
	unsigned fds;
	struct text why;

	grow_to_three(f);
	fds = fake_open_files();
	for (int i = 0; i < 200; i++) {
		assert_int_equal(resize(f, 1, &why), 0);
		guest_removes(f, 4, 11);
		assert_int_equal(f->done.result, JOB_DONE);
		f->nphases = 0;
		assert_int_equal(resize(f, 3, &why), 0);
		guest_takes(f, 4, 11);
		assert_int_equal(f->done.result, JOB_DONE);
		f->nphases = 0;
	}
	assert_int_equal(fake_open_files(), fds);
	assert_int_equal(atomic_load(&fake_threads), 2 * PER_SOCKET);
}

static void a_guest_without_a_final_ost_is_waited_for_only_so_long(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(resize(f, 2, &why), 0);
	for (uint32_t i = 8; i <= 11; i++)
		eject(f, i);
	hotplug_look(f->hotplug);
	assert_int_equal(f->ncompleted, 0);
	while (f->ncompleted == 0)
		event_base_loop(f->base, EVLOOP_ONCE);
	assert_int_equal(f->done.result, JOB_DONE);
}

static void
a_guest_that_does_not_let_go_ends_the_removal_and_keeps_the_socket(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(resize(f, 2, &why), 0);
	begin_removal(f, 8);
	say_ost(f, 8, OST_EJECT_REQUEST, 0x82);
	hotplug_look(f->hotplug);
	assert_int_equal(f->done.result, JOB_REFUSED);
	assert_non_null(strstr(f->done.message.s, "cpu 8: the CPU is busy"));
	assert_int_equal(f->nrefused, 1);
	assert_false(cpuhp_get(&f->cpuhp, 11).remove_pending);
	assert_int_equal(count(f), 3);
	assert_int_equal(resize(f, 2, &why), 0); /* the same again */
	guest_removes(f, 8, 11);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(count(f), 2);
}

/* One CPU went, its sibling did not: the socket gets it back. */
static void a_half_removed_socket_is_made_whole(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(resize(f, 2, &why), 0);
	guest_removes(f, 8, 9);
	begin_removal(f, 10);
	say_ost(f, 10, OST_EJECT_REQUEST, 0x81);
	hotplug_look(f->hotplug);
	assert_int_equal(f->ncompleted, 1);
	assert_true(job_running(hotplug_job(f->hotplug)));
	assert_int_equal(hotplug_job(f->hotplug)->operation, JOB_ADD);
	guest_takes(f, 8, 9);
	assert_int_equal(f->ncompleted, 2);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(count(f), 3);
	assert_int_equal(atomic_load(&fake_threads), 2 * PER_SOCKET);
}

/* The same where nothing but time, or the user, ended the removal. */
static void expect_whole_again(struct fixture *f, enum job_result result)
{
	assert_int_equal(f->done.result, result);
	assert_true(hotplug_job(f->hotplug)->repair);
	assert_int_equal(hotplug_job(f->hotplug)->phase, JOB_PLUGGED);
	assert_true(cpuhp_get(&f->cpuhp, 8).insert_pending);
	guest_takes(f, 8, 9);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(count(f), 3);
	assert_int_equal(f->ndeleted, 0);
}

static void a_half_removed_socket_is_made_whole_after_a_timeout(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(hotplug_resize(f->hotplug, 2, SHORT_MS, &why), 0);
	guest_removes(f, 8, 9);
	wait_completed(f);
	expect_whole_again(f, JOB_TIMED_OUT);
}

static void a_half_removed_socket_is_made_whole_after_a_cancel(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(resize(f, 2, &why), 0);
	guest_removes(f, 8, 9);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), 0);
	expect_whole_again(f, JOB_CANCELLED);
}

/* Of two sockets one went and the other stays. */
static void a_socket_that_went_is_told_of_though_the_removal_failed(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(resize(f, 1, &why), 0);
	guest_removes(f, 8, 11);
	assert_int_equal(f->ndeleted, 0);
	begin_removal(f, 7);
	say_ost(f, 7, OST_EJECT_REQUEST, 0x82);
	hotplug_look(f->hotplug);
	assert_int_equal(f->done.result, JOB_REFUSED);
	assert_int_equal(f->ndeleted, 1);
	assert_int_equal(f->deleted, 2);
	assert_int_equal(count(f), 2);
}

static void a_silent_guest_ends_a_removal_in_time(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(hotplug_resize(f->hotplug, 2, SHORT_MS, &why), 0);
	while (f->ncompleted == 0)
		event_base_loop(f->base, EVLOOP_ONCE);
	assert_int_equal(f->done.result, JOB_TIMED_OUT);
	assert_non_null(strstr(f->done.message.s, "not offlining: cpus 8-11;"));
	assert_false(cpuhp_get(&f->cpuhp, 8).remove_requested);
	assert_int_equal(resize(f, 3, &why), 0); /* the opposite */
	assert_int_equal(f->done.result, JOB_DONE);
}

static void a_pending_removal_can_be_cancelled(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), -ENOENT);
	assert_int_equal(resize(f, 1, &why), 0);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), 0);
	assert_int_equal(f->done.result, JOB_CANCELLED);
	assert_false(cpuhp_get(&f->cpuhp, 8).remove_pending);
	assert_int_equal(count(f), 3);
	assert_int_equal(resize(f, 1, &why), 0);
	guest_removes(f, 4, 11);
	assert_int_equal(f->done.result, JOB_DONE);
}

/* The guest is on its way with these when the removal is cancelled. */
static void cancel_late(struct fixture *f, uint32_t first, uint32_t last)
{
	struct text why;

	for (uint32_t i = first; i <= last; i++)
		begin_removal(f, i);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), 0);
}

/* The guest had taken the event when it was withdrawn, and ejects all the same. */
static void what_goes_after_a_cancel_comes_back(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(resize(f, 2, &why), 0);
	cancel_late(f, 8, 11);
	assert_int_equal(f->done.result, JOB_CANCELLED);
	eject(f, 8);
	say_ost(f, 8, OST_EJECT_REQUEST, OST_SUCCESS);
	hotplug_look(f->hotplug);
	assert_int_equal(hotplug_job(f->hotplug)->nunits, 1);
	for (uint32_t i = 9; i <= 11; i++) {
		eject(f, i);
		say_ost(f, i, OST_EJECT_REQUEST, OST_SUCCESS);
	}
	guest_takes(f, 8, 8);
	assert_int_equal(hotplug_job(f->hotplug)->nunits, 3);
	guest_takes(f, 9, 11);
	assert_int_equal(f->ndeleted, 0);
	assert_int_equal(f->done.operation, JOB_ADD);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(count(f), 3);
	assert_int_equal(atomic_load(&fake_threads), 2 * PER_SOCKET);
}

static void eject_late(struct fixture *f, uint32_t first, uint32_t last)
{
	for (uint32_t i = first; i <= last; i++) {
		eject(f, i);
		say_ost(f, i, OST_EJECT_REQUEST, OST_SUCCESS);
	}
	hotplug_look(f->hotplug);
}

/* It comes back when the add that runs meanwhile is over, also where that fails. */
static void what_goes_late_beside_an_add_comes_back_after_it(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(resize(f, 2, &why), 0);
	cancel_late(f, 8, 11);
	assert_int_equal(hotplug_resize(f->hotplug, 4, SHORT_MS, &why), 0);
	eject_late(f, 8, 11);
	wait_completed(f);
	assert_int_equal(f->done.result, JOB_TIMED_OUT);
	assert_true(hotplug_job(f->hotplug)->repair);
	assert_int_equal(hotplug_job(f->hotplug)->from, 3); /* 0, 1 and 3 */
	assert_int_equal(hotplug_job(f->hotplug)->to, 4);
	guest_takes(f, 8, 11);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(f->ndeleted, 0);
}

/* The add waits for CPUs to be online that the guest is about to eject. */
static void what_goes_late_ends_the_add_that_wants_it(void **state)
{
	struct fixture *f = *state;
	struct text why;

	assert_int_equal(hotplug_resize(f->hotplug, 2, SHORT_MS, &why), 0);
	for (uint32_t i = 4; i <= 7; i++)
		answer(f, i, OST_SUCCESS);
	wait_completed(f); /* registered, not online */
	assert_int_equal(resize(f, 1, &why), 0);
	cancel_late(f, 4, 7);
	assert_int_equal(resize(f, 2, &why), 0);
	eject_late(f, 4, 7);
	assert_int_equal(f->done.result, JOB_REFUSED);
	assert_non_null(strstr(f->done.message.s,
			       "ejected cpu 4 after its removal was taken back"));
	assert_true(hotplug_job(f->hotplug)->repair);
	assert_int_equal(hotplug_job(f->hotplug)->nunits, 4);
	guest_takes(f, 4, 7);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(f->ndeleted, 0);
}

/* Then it is gone. */
static void what_does_not_come_back_is_told_of(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(resize(f, 2, &why), 0);
	cancel_late(f, 8, 11);
	eject_late(f, 8, 11);
	assert_int_equal(hotplug_view(f->hotplug).wanted, 3);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), 0);
	assert_int_equal(count(f), 2);
	assert_int_equal(f->ndeleted, 1);
	assert_int_equal(f->deleted, 2);
}

static void an_add_can_be_cancelled_until_the_guest_has_registered_it(void **state)
{
	struct fixture *f = *state;
	struct text why;

	assert_int_equal(resize(f, 2, &why), 0);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), 0);
	assert_int_equal(f->done.result, JOB_CANCELLED);
	assert_int_equal(count(f), 1);
	assert_int_equal(atomic_load(&fake_threads), 0);
	assert_int_equal(f->cpuhp.acpi.pending, PER_SOCKET); /* to look again */

	assert_int_equal(resize(f, 2, &why), 0);
	answer(f, 6, OST_SUCCESS);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), -EBUSY);
	assert_non_null(strstr(why.s, "ask for 1 sockets"));
	guest_takes(f, 4, 7);
	assert_int_equal(f->done.result, JOB_DONE);
}

static void what_the_guest_ejects_by_itself_is_gone_and_reported(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	for (uint32_t i = 8; i <= 11; i++) {
		assert_int_equal(f->ndeleted, 0); /* until its last CPU went */
		eject(f, i);
		hotplug_look(f->hotplug);
	}
	assert_int_equal(f->ndeleted_by_guest, 1);
	assert_int_equal(count(f), 2);
	eject(f, 5);
	hotplug_look(f->hotplug);
	assert_int_equal(count(f), 2);
	say_ost(f, 5, OST_GUEST_EJECT, OST_SUCCESS);
	assert_int_equal(resize(f, 2, &why), 0); /* gives the socket its CPU back */
	guest_takes(f, 5, 5);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(atomic_load(&fake_threads), PER_SOCKET);
}

/* An add of CPUs whose removal the guest has not quite finished waits for it. */
static void an_add_waits_for_the_final_ost_of_a_removal(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	for (uint32_t i = 8; i <= 11; i++)
		eject(f, i);
	hotplug_look(f->hotplug);
	assert_int_equal(resize(f, 3, &why), 0);
	assert_int_equal(hotplug_job(f->hotplug)->phase, JOB_ACCEPTED);
	assert_int_equal(cpuhp_get(&f->cpuhp, 8).state, SLOT_ABSENT);
	for (uint32_t i = 8; i <= 11; i++)
		say_ost(f, i, OST_GUEST_EJECT, OST_SUCCESS);
	hotplug_look(f->hotplug);
	assert_int_equal(hotplug_job(f->hotplug)->phase, JOB_PLUGGED);
	guest_takes(f, 8, 11);
	assert_int_equal(f->done.result, JOB_DONE);
}

static void sockets_are_removed_by_name_but_for_the_boot_cpu_s(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(hotplug_remove(f->hotplug, "socket-0", 1000, &why), -EINVAL);
	assert_int_equal(hotplug_remove(f->hotplug, "socket-3", 1000, &why), -ENOENT);
	assert_int_equal(hotplug_remove(f->hotplug, "socket-1", 1000, &why), 0);
	assert_int_equal(hotplug_remove(f->hotplug, "socket-1", 1000, &why), -EBUSY);
	assert_non_null(strstr(why.s, "already in the process of unplug"));
	guest_removes(f, 4, 7);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(f->deleted, 1);
	assert_int_equal(hotplug_remove(f->hotplug, "socket-1", 1000, &why), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_removal_goes_through_its_phases_and_parks),
		TEST(remove_and_add_many_times_reuse_what_there_is),
		TEST(a_guest_without_a_final_ost_is_waited_for_only_so_long),
		TEST(a_guest_that_does_not_let_go_ends_the_removal_and_keeps_the_socket),
		TEST(a_half_removed_socket_is_made_whole),
		TEST(a_half_removed_socket_is_made_whole_after_a_timeout),
		TEST(a_half_removed_socket_is_made_whole_after_a_cancel),
		TEST(a_socket_that_went_is_told_of_though_the_removal_failed),
		TEST(a_silent_guest_ends_a_removal_in_time),
		TEST(a_pending_removal_can_be_cancelled),
		TEST(what_goes_after_a_cancel_comes_back),
		TEST(what_goes_late_beside_an_add_comes_back_after_it),
		TEST(what_goes_late_ends_the_add_that_wants_it),
		TEST(what_does_not_come_back_is_told_of),
		TEST(an_add_can_be_cancelled_until_the_guest_has_registered_it),
		TEST(what_the_guest_ejects_by_itself_is_gone_and_reported),
		TEST(an_add_waits_for_the_final_ost_of_a_removal),
		TEST(sockets_are_removed_by_name_but_for_the_boot_cpu_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
