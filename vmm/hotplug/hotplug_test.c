#include "vmm/hotplug/hotplug_fixture.h"

static void a_job_goes_through_its_phases_as_the_guest_answers(void **state)
{
	static const enum job_phase want[] = { JOB_ACCEPTED, JOB_PLUGGED, JOB_REGISTERED,
					       JOB_ONLINE };
	struct fixture *f = *state;
	struct text why;

	assert_int_equal(resize(f, 2, &why), 0);
	assert_int_equal(f->nphases, 2);
	assert_int_equal(atomic_load(&fake_threads), PER_SOCKET);
	for (uint32_t i = 4; i <= 7; i++) {
		hotplug_look(f->hotplug);
		assert_int_equal(f->nphases, 2); /* until the last one has answered */
		answer(f, i, OST_SUCCESS);
	}
	hotplug_look(f->hotplug);
	assert_int_equal(f->nphases, 3);
	assert_int_equal(f->ncompleted, 0);
	guest_takes(f, 4, 7);
	assert_int_equal(f->ncompleted, 1);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(f->done.to, 2);
	assert_memory_equal(f->phase, want, sizeof(want));
	for (int p = 1; p <= JOB_ONLINE; p++)
		assert_true(f->done.phase_ns[p] >= f->done.phase_ns[p - 1]);
	assert_int_equal(f->nost, 8);
	assert_int_equal(count(f), 2);
}

static void each_listener_is_told_what_it_takes_in_their_order(void **state)
{
	struct fixture *f = *state;
	struct text why;

	assert_int_equal(resize(f, 2, &why), 0);
	guest_takes(f, 4, 7);
	assert_int_equal(f->nost, PER_SOCKET);
	assert_int_equal(f->nost_second, PER_SOCKET);
}

static void what_is_past_the_limit_is_refused_and_changes_nothing(void **state)
{
	static const int64_t bad[] = { INT64_MIN,       -1,         0,
				       MAX_SOCKETS + 1, UINT32_MAX, INT64_C(0x100000001),
				       INT64_MAX };
	struct fixture *f = *state;
	unsigned fds = fake_open_files();
	struct text why;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&why, 0, sizeof(why));
		assert_int_equal(resize(f, bad[i], &why), -ERANGE);
		assert_non_null(strstr(why.s, "sockets"));
		assert_non_null(strstr(why.s, "ask for"));
	}
	assert_non_null(strstr(why.s, "9223372036854775807"));
	assert_non_null(strstr(why.s, "maxSockets 4"));
	assert_int_equal(count(f), 1);
	assert_int_equal(f->nphases, 0);
	assert_null(hotplug_job(f->hotplug));
	assert_int_equal(fake_open_files(), fds);
	assert_int_equal(atomic_load(&fake_threads), 0);
}

static void one_job_at_a_time(void **state)
{
	struct fixture *f = *state;
	struct text why;

	assert_int_equal(resize(f, 2, &why), 0);
	assert_int_equal(resize(f, 3, &why), -EBUSY);
	assert_non_null(strstr(why.s, "job 1, sockets 1 to 2, is plugged"));
	assert_int_equal(hotplug_add(f->hotplug, 3, "cpu-3", &why), -EBUSY);
	assert_int_equal(count(f), 2);
	guest_takes(f, 4, 7);
	assert_int_equal(resize(f, 3, &why), 0);
}

static void asking_for_what_there_is_is_done_at_once(void **state)
{
	struct fixture *f = *state;
	struct text why;

	assert_int_equal(resize(f, 1, &why), 0);
	assert_int_equal(f->ncompleted, 1);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(f->done.nunits, 0);
}

static void a_guest_that_says_no_ends_the_job_with_its_code(void **state)
{
	struct fixture *f = *state;
	struct text why;

	assert_int_equal(resize(f, 2, &why), 0);
	answer(f, 4, OST_SUCCESS);
	answer(f, 5, 0x81);
	hotplug_look(f->hotplug);
	assert_int_equal(f->done.result, JOB_REFUSED);
	assert_non_null(strstr(f->done.message.s, "cpu 5"));
	assert_non_null(strstr(f->done.message.s, "0x81"));
}

static void
a_silent_guest_ends_the_job_in_time_and_the_same_request_waits_again(void **state)
{
	struct fixture *f = *state;
	struct text why;

	assert_int_equal(hotplug_resize(f->hotplug, 3, SHORT_MS, &why), 0);
	answer(f, 5, OST_SUCCESS);
	while (f->ncompleted == 0)
		event_base_loop(f->base, EVLOOP_ONCE);
	assert_int_equal(f->done.result, JOB_TIMED_OUT);
	assert_non_null(strstr(f->done.message.s, "not registered: cpus 4,6-11;"));
	wr(f, CPUHP_SELECTOR, 4);
	wr(f, CPUHP_CONTROL, CPUHP_INSERT); /* it took the event, and forgot */

	assert_int_equal(resize(f, 3, &why), 0);
	assert_true(cpuhp_get(&f->cpuhp, 4).insert_pending);
	guest_takes(f, 4, 11);
	assert_int_equal(f->ncompleted, 2);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(f->done.nunits, 8);
}

static void expect_old_kernels_named(const struct fixture *f)
{
	const char *s = f->done.message.s;

#ifdef __aarch64__
	assert_true(strstr(s, "Linux 6.11") != NULL && strstr(s, "--boot dt") != NULL);
#else
	assert_null(strstr(s, "6.11"));
#endif
}

static void a_guest_that_onlines_nothing_is_told_about_the_udev_rule(void **state)
{
	struct fixture *f = *state;
	struct text why;

	assert_int_equal(hotplug_resize(f->hotplug, 2, SHORT_MS, &why), 0);
	for (uint32_t i = 4; i <= 7; i++)
		answer(f, i, OST_SUCCESS);
	hotplug_look(f->hotplug);
	wait_completed(f);
	assert_int_equal(f->done.result, JOB_TIMED_OUT);
	assert_non_null(strstr(f->done.message.s, "registered, not online: cpus 4-7;"));
	assert_non_null(strstr(f->done.message.s, "udev"));
	expect_old_kernels_named(f);
}

/* It has the rule, then. */
static void a_guest_that_onlines_some_is_not_told_about_the_udev_rule(void **state)
{
	struct fixture *f = *state;
	struct text why;

	assert_int_equal(hotplug_resize(f->hotplug, 2, SHORT_MS, &why), 0);
	for (uint32_t i = 4; i <= 7; i++)
		answer(f, i, OST_SUCCESS);
	cpuhp_runs(&f->cpuhp, 6, true);
	hotplug_look(f->hotplug);
	wait_completed(f);
	assert_int_equal(f->done.result, JOB_TIMED_OUT);
	assert_non_null(strstr(f->done.message.s, "registered, not online: cpus 4-5,7;"));
	assert_null(strstr(f->done.message.s, "udev"));
	assert_non_null(strstr(f->done.message.s, "nosmt): its log says which"));
	expect_old_kernels_named(f);
}

static void a_socket_is_added_by_name_in_any_order(void **state)
{
	struct fixture *f = *state;
	char id[SOCKETS_ID_LEN];
	struct text why;

	assert_int_equal(hotplug_add(f->hotplug, 3, "far", &why), 0);
	guest_takes(f, 12, 15);
	assert_int_equal(f->done.result, JOB_DONE);
	sockets_id(hotplug_sockets(f->hotplug), 3, id);
	assert_string_equal(id, "far");
	assert_int_equal(hotplug_add(f->hotplug, 3, "again", &why), -EEXIST);
	assert_int_equal(hotplug_add(f->hotplug, 2, "far", &why), -EEXIST);
	assert_int_equal(hotplug_add(f->hotplug, 2, "socket-0", &why), -EEXIST);
	assert_int_equal(hotplug_add(f->hotplug, 4, "x", &why), -ERANGE);
	assert_int_equal(hotplug_add(f->hotplug, -1, "x", &why), -ERANGE);
	assert_int_equal(hotplug_add(f->hotplug, 2, "", &why), -EINVAL);
	assert_int_equal(resize(f, 3, &why), 0); /* fills the lowest gap */
	guest_takes(f, 4, 7);
	assert_int_equal(f->done.result, JOB_DONE);
}

/* Main must come back to its clients, however fast the guest writes. */
static void expect_id(struct fixture *f, uint32_t socket, const char *want)
{
	char id[SOCKETS_ID_LEN];

	sockets_id(hotplug_sockets(f->hotplug), socket, id);
	assert_string_equal(id, want);
}

static void no_two_sockets_have_one_name(void **state)
{
	struct fixture *f = *state;
	struct text why;

	assert_int_equal(hotplug_add(f->hotplug, 1, "socket-2", &why), -EEXIST);
	assert_int_equal(hotplug_add(f->hotplug, 1, "blue", &why), 0);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), 0);
	assert_int_equal(hotplug_add(f->hotplug, 2, "blue", &why), 0);
	guest_takes(f, 8, 11);
	assert_int_equal(resize(f, 3, &why), 0);
	guest_takes(f, 4, 7);
	expect_id(f, 1, "socket-1");
	expect_id(f, 2, "blue");
	assert_int_equal(hotplug_remove(f->hotplug, "blue", 1000, &why), 0);
	guest_removes(f, 8, 11);
	assert_int_equal(f->deleted, 2);
	assert_int_equal(hotplug_add(f->hotplug, 3, "blue", &why),
			 0); /* it is free again */
	guest_takes(f, 12, 15);
	expect_id(f, 3, "blue");
}

static void a_flood_of_osts_takes_turns(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 100; i++)
		say_ost(f, 0, 0x77, 0);
	f->nwakes = 0;
	hotplug_look(f->hotplug);
	assert_int_equal(f->nost, 64);
	assert_int_equal(f->nwakes, 1);
	hotplug_look(f->hotplug);
	assert_int_equal(f->nost, 100);
	assert_int_equal(f->nwakes, 1);
}

static void an_add_goes_on_across_a_reset_and_needs_no_ost(void **state)
{
	struct fixture *f = *state;
	struct text why;

	assert_int_equal(resize(f, 2, &why), 0);
	for (uint32_t i = 4; i <= 7; i++)
		answer(f, i, OST_SUCCESS);
	cpuhp_runs(&f->cpuhp, 4, true); /* not yet looked at: it happened before */
	cpuhp_runs(&f->cpuhp, 5, true);
	vcpu_pause_all(&f->env);
	hotplug_reset(f->hotplug);
	assert_int_equal(hotplug_job(f->hotplug)->phase, JOB_REGISTERED);
	expect_tables(f, 7);
	hotplug_look(f->hotplug);
	vcpu_resume_all(&f->env);
	assert_int_equal(f->ncompleted, 0);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), -EBUSY);
	cpuhp_runs(&f->cpuhp, 6, true);
	cpuhp_runs(&f->cpuhp, 7, true);
	hotplug_look(f->hotplug);
	assert_int_equal(f->ncompleted, 0); /* 4 and 5 must run again */
	boot_again(f, 7);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(f->nphases, 4);
	assert_int_equal(atomic_load(&fake_threads), PER_SOCKET);
}

/* Some CPUs were asked, some began, some are ejected and some of these parked. */
static void a_removal_ends_with_a_reset(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(resize(f, 1, &why), 0);
	eject(f, 11);
	hotplug_look(f->hotplug);
	eject(f, 10);
	begin_removal(f, 9);
	vcpu_pause_all(&f->env);
	hotplug_reset(f->hotplug);
	expect_tables(f, 3);
	assert_int_equal(atomic_load(&fake_threads), 0);
	hotplug_look(f->hotplug);
	vcpu_resume_all(&f->env);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(f->nphases, 4);
	assert_int_equal(f->ndeleted, 2);
	assert_int_equal(f->ndeleted_by_guest, 0);
	assert_int_equal(count(f), 1);
	boot_again(f, 3);
	assert_int_equal(resize(f, 3, &why), 0);
	guest_takes(f, 4, 11);
	assert_int_equal(f->done.result, JOB_DONE);
}

/* It waits for an _OST that the guest will never send now. It comes as an event: the
 * tables are made before. */
static void an_add_that_waited_is_plugged_after_a_reset(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	for (uint32_t i = 8; i <= 11; i++)
		eject(f, i);
	hotplug_look(f->hotplug);
	assert_int_equal(resize(f, 3, &why), 0);
	hotplug_reset(f->hotplug);
	expect_tables(f, 7);
	hotplug_look(f->hotplug);
	assert_int_equal(hotplug_job(f->hotplug)->phase, JOB_PLUGGED);
	assert_true(cpuhp_get(&f->cpuhp, 8).insert_pending);
	boot_again(f, 7);
	guest_takes(f, 8, 11);
	assert_int_equal(f->done.result, JOB_DONE);
}

static void check_undone(struct fixture *f, const struct text *why)
{
	assert_non_null(strstr(why->s, "nothing was changed"));
	assert_int_equal(atomic_load(&fake_threads), 0);
	assert_int_equal(count(f), 1);
	for (uint32_t i = PER_SOCKET; i < MAX_VCPUS; i++)
		assert_int_equal(cpuhp_get(&f->cpuhp, i).state, SLOT_ABSENT);
	assert_int_equal(f->nphases, 0);
	assert_null(hotplug_job(f->hotplug));
}

/* Lets the Nth call of a request fail. Returns whether there was an Nth call. What was
 * made stays, parked: KVM gives an id once, and the next request uses it. */
static bool fail_and_try_again(struct fixture *f, int n)
{
	struct text why;
	bool failed, was_made;

	fake_fail_at = n;
	failed = resize(f, 3, &why) < 0;
	was_made = fake_fail_at == 0;
	fake_fail_at = 0;
	if (failed) { /* else it was one that a vCPU can do without */
		check_undone(f, &why);
		assert_int_equal(resize(f, 3, &why), 0);
	}
	guest_takes(f, 4, 11);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(atomic_load(&fake_threads), 2 * PER_SOCKET);
	return was_made;
}

static void whichever_call_fails_the_request_is_undone_and_the_next_succeeds(void **state)
{
	unsigned fds = fake_open_files();
	int n = 0;
	bool failed = true;

	(void)state;
	while (failed) {
		void *f;

		setup(&f);
		failed = fail_and_try_again(f, ++n);
		teardown(&f);
		assert_int_equal(fake_open_files(), fds);
	}
	assert_true(n >
		    2 * PER_SOCKET * 5); /* fd, mmap, CPUID, LAPIC, thread, ... of each */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_job_goes_through_its_phases_as_the_guest_answers),
		TEST(each_listener_is_told_what_it_takes_in_their_order),
		TEST(what_is_past_the_limit_is_refused_and_changes_nothing),
		TEST(one_job_at_a_time),
		TEST(asking_for_what_there_is_is_done_at_once),
		TEST(a_guest_that_says_no_ends_the_job_with_its_code),
		TEST(a_silent_guest_ends_the_job_in_time_and_the_same_request_waits_again),
		TEST(a_guest_that_onlines_nothing_is_told_about_the_udev_rule),
		TEST(a_guest_that_onlines_some_is_not_told_about_the_udev_rule),
		TEST(a_socket_is_added_by_name_in_any_order),
		TEST(no_two_sockets_have_one_name),
		TEST(a_flood_of_osts_takes_turns),
		TEST(an_add_goes_on_across_a_reset_and_needs_no_ost),
		TEST(a_removal_ends_with_a_reset),
		TEST(an_add_that_waited_is_plugged_after_a_reset),
		cmocka_unit_test(
			whichever_call_fails_the_request_is_undone_and_the_next_succeeds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
