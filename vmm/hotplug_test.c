#include "vmm/hotplug.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "acpi/layout.h"
#include "devices/bus.h"
#include "vmm/fake_kvm.h"

#define MAX_SOCKETS 4
#define PER_SOCKET  4 /* 2 cores x 2 threads */
#define MAX_VCPUS   (MAX_SOCKETS * PER_SOCKET)
#define EVENTS_MAX  32

/* A VM with one of four sockets, and a listener that writes everything down. */
struct fixture {
	struct event_base *base;
	struct spec spec;
	struct topology topo;
	struct ged ged;
	struct cpuhp cpuhp;
	struct vm *vm;
	struct vcpu_env env;
	struct vcpu *vcpu[MAX_VCPUS];
	struct hotplug *hotplug;

	enum job_phase phase[EVENTS_MAX];
	unsigned nphases, ncompleted, nost;
	struct job done;
	unsigned nwakes;
	unsigned ndeleted, ndeleted_by_guest, nrefused;
	uint32_t deleted; /* the last one */
};

static void set_line(void *ctx, bool level)
{
	(void)ctx;
	(void)level;
}

static void on_wake(void *ctx)
{
	((struct fixture *)ctx)->nwakes++;
}

static void on_phase(void *ctx, const struct job *job, enum job_phase phase)
{
	struct fixture *f = ctx;

	(void)job;
	assert_true(f->nphases < EVENTS_MAX);
	f->phase[f->nphases++] = phase;
}

static void on_completed(void *ctx, const struct job *job)
{
	struct fixture *f = ctx;

	f->done = *job;
	f->ncompleted++;
}

static void on_ost(void *ctx, const struct ost *ost)
{
	(void)ost;
	((struct fixture *)ctx)->nost++;
}

static void on_deleted(void *ctx, uint32_t socket, bool by_guest)
{
	struct fixture *f = ctx;

	f->deleted = socket;
	f->ndeleted++;
	f->ndeleted_by_guest += by_guest;
}

static void on_refused(void *ctx, uint32_t socket)
{
	(void)socket;
	((struct fixture *)ctx)->nrefused++;
}

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	struct hotplug_listener l = { on_phase,   on_completed, on_ost,
				      on_deleted, on_refused,   f,
				      NULL };
	struct host_limits limits;
	struct text why;
	int kvm_fd;

	fake_fail_at = 0;
	f->base = event_base_new();
	f->spec = (struct spec){
		.sockets = 1, .cores = 2, .threads = 2, .max_sockets = MAX_SOCKETS
	};
	assert_int_equal(vm_open_kvm(&kvm_fd, &limits, &why), 0);
	limits.boot_only = false;
	assert_int_equal(spec_resolve(&f->spec, &limits, &f->topo, &why), 0);
	assert_int_equal(vm_create(kvm_fd, 4 << 20, &f->topo, &f->vm, &why), 0);
	ged_init(&f->ged, set_line, f);
	assert_int_equal(cpuhp_init(&f->cpuhp, &f->topo, &f->ged, true, on_wake, f), 0);
	f->env = (struct vcpu_env){ .vm = f->vm, .cpuhp = &f->cpuhp };
	vcpu_env_init(&f->env);
	assert_int_equal(vcpu_setup_kick(), 0);
	for (uint32_t i = 0; i < PER_SOCKET; i++) {
		assert_int_equal(vcpu_create(&f->env, i, &f->vcpu[i]), 0);
		cpuhp_boot(&f->cpuhp, i);
		cpuhp_runs(&f->cpuhp, i, true);
	}
	assert_int_equal(hotplug_new(f->base, &f->spec, &f->cpuhp, &f->env, f->vcpu, &l,
				     &f->hotplug),
			 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	fake_fail_at = 0;
	hotplug_free(f->hotplug);
	for (uint32_t i = 0; i < MAX_VCPUS; i++)
		vcpu_destroy(f->vcpu[i]);
	vcpu_env_destroy(&f->env);
	cpuhp_destroy(&f->cpuhp);
	vm_destroy(f->vm);
	event_base_free(f->base);
	test_free(f);
	return 0;
}

static void wr(struct fixture *f, uint64_t offset, uint32_t value)
{
	uint8_t data[4];

	bus_put(data, 4, value);
	cpuhp_access(&f->cpuhp, offset, data, 4, true);
}

static uint32_t count(const struct fixture *f)
{
	return sockets_count(hotplug_sockets(f->hotplug));
}

static void say_ost(struct fixture *f, uint32_t cpu, uint32_t event, uint32_t status)
{
	wr(f, CPUHP_SELECTOR, cpu);
	wr(f, CPUHP_COMMAND, CPUHP_CMD_OST_EVENT);
	wr(f, CPUHP_DATA, event);
	wr(f, CPUHP_COMMAND, CPUHP_CMD_OST_STATUS);
	wr(f, CPUHP_DATA, status);
}

/* What a guest does for one CPU, up to _OST. */
static void answer(struct fixture *f, uint32_t cpu, uint32_t status)
{
	wr(f, CPUHP_SELECTOR, cpu);
	wr(f, CPUHP_CONTROL, CPUHP_INSERT);
	say_ost(f, cpu, OST_DEVICE_CHECK, status);
}

/* What it does for a CPU that it is asked to eject. */
static void begin_removal(struct fixture *f, uint32_t cpu)
{
	wr(f, CPUHP_SELECTOR, cpu);
	wr(f, CPUHP_CONTROL, CPUHP_REMOVE);
	say_ost(f, cpu, OST_EJECT_REQUEST, OST_IN_PROGRESS);
}

static void eject(struct fixture *f, uint32_t cpu)
{
	cpuhp_runs(&f->cpuhp, cpu, false);
	wr(f, CPUHP_SELECTOR, cpu);
	wr(f, CPUHP_CONTROL, CPUHP_EJECT);
}

static void guest_removes(struct fixture *f, uint32_t first, uint32_t last)
{
	for (uint32_t i = first; i <= last; i++) {
		begin_removal(f, i);
		eject(f, i);
		say_ost(f, i, OST_EJECT_REQUEST, OST_SUCCESS);
	}
	hotplug_look(f->hotplug);
}

static void guest_takes(struct fixture *f, uint32_t first, uint32_t last)
{
	for (uint32_t i = first; i <= last; i++) {
		answer(f, i, OST_SUCCESS);
		cpuhp_runs(&f->cpuhp, i, true);
	}
	hotplug_look(f->hotplug);
}

static int resize(struct fixture *f, int64_t sockets, struct text *why)
{
	return hotplug_resize(f->hotplug, sockets, HOTPLUG_TIMEOUT_MS, why);
}

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
	assert_int_equal(f->done.sockets, 2);
	assert_memory_equal(f->phase, want, sizeof(want));
	for (int p = 1; p <= JOB_ONLINE; p++)
		assert_true(f->done.phase_ns[p] >= f->done.phase_ns[p - 1]);
	assert_int_equal(f->nost, 8);
	assert_int_equal(count(f), 2);
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
		assert_int_equal(resize(f, bad[i], &why), -EINVAL);
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
	assert_int_equal(f->done.ncpus, 0);
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

	assert_int_equal(hotplug_resize(f->hotplug, 3, 5, &why), 0);
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
	assert_int_equal(f->done.ncpus, 8);
}

static void a_guest_that_onlines_nothing_is_told_about_the_udev_rule(void **state)
{
	struct fixture *f = *state;
	struct text why;

	assert_int_equal(hotplug_resize(f->hotplug, 2, 5, &why), 0);
	for (uint32_t i = 4; i <= 7; i++)
		answer(f, i, OST_SUCCESS);
	cpuhp_runs(&f->cpuhp, 6, true);
	hotplug_look(f->hotplug);
	while (f->ncompleted == 0)
		event_base_loop(f->base, EVLOOP_ONCE);
	assert_int_equal(f->done.result, JOB_TIMED_OUT);
	assert_non_null(strstr(f->done.message.s, "registered, not online: cpus 4-5,7;"));
	assert_non_null(strstr(f->done.message.s, "udev"));
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

/* The state from which removals start: three sockets, all online. */
static void grow_to_three(struct fixture *f)
{
	struct text why;

	assert_int_equal(resize(f, 3, &why), 0);
	guest_takes(f, 4, 11);
	assert_int_equal(f->done.result, JOB_DONE);
	f->nphases = f->ncompleted = 0;
}

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

static void remove_and_add_a_thousand_times_reuse_what_there_is(void **state)
{
	struct fixture *f = *state;
	unsigned fds;
	struct text why;

	grow_to_three(f);
	fds = fake_open_files();
	for (int i = 0; i < 1000; i++) {
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

static void a_silent_guest_ends_a_removal_in_time(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(hotplug_resize(f->hotplug, 2, 5, &why), 0);
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

/* The guest had taken the event when it was withdrawn, and ejects all the same. */
static void what_goes_after_a_cancel_comes_back(void **state)
{
	struct fixture *f = *state;
	struct text why;

	grow_to_three(f);
	assert_int_equal(resize(f, 2, &why), 0);
	for (uint32_t i = 8; i <= 11; i++)
		begin_removal(f, i);
	assert_int_equal(hotplug_cancel(f->hotplug, &why), 0);
	assert_int_equal(f->done.result, JOB_CANCELLED);
	eject(f, 8);
	say_ost(f, 8, OST_EJECT_REQUEST, OST_SUCCESS);
	hotplug_look(f->hotplug);
	assert_int_equal(hotplug_job(f->hotplug)->ncpus, 1);
	for (uint32_t i = 9; i <= 11; i++) {
		eject(f, i);
		say_ost(f, i, OST_EJECT_REQUEST, OST_SUCCESS);
	}
	guest_takes(f, 8, 8);
	assert_int_equal(hotplug_job(f->hotplug)->ncpus, 3);
	guest_takes(f, 9, 11);
	assert_int_equal(f->ndeleted, 0);
	assert_int_equal(f->done.operation, JOB_ADD);
	assert_int_equal(f->done.result, JOB_DONE);
	assert_int_equal(count(f), 3);
	assert_int_equal(atomic_load(&fake_threads), 2 * PER_SOCKET);
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
	assert_int_equal(f->cpuhp.pending, 0);

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

static void expect_tables(struct fixture *f, uint32_t last)
{
	for (uint32_t i = 0; i < MAX_VCPUS; i++) {
		struct cpuhp_slot s = cpuhp_get(&f->cpuhp, i);

		assert_int_equal(s.in_tables, i <= last);
		assert_int_equal(s.state, i <= last ? SLOT_PLUGGED : SLOT_ABSENT);
		assert_false(s.insert_pending || s.remove_pending || s.ost_due);
	}
}

static void boot_again(struct fixture *f, uint32_t last)
{
	for (uint32_t i = 0; i <= last; i++)
		cpuhp_runs(&f->cpuhp, i, true);
	hotplug_look(f->hotplug);
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
	vcpu_pause_all(&f->env, f->vcpu, MAX_VCPUS);
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
	vcpu_pause_all(&f->env, f->vcpu, MAX_VCPUS);
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

/* It waits for an _OST that the guest will never send now. It comes as an event: the tables
 * are made before. */
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

/* Lets the Nth call of a request fail. Returns whether there was an Nth call. What was made
 * stays, parked: KVM gives an id once, and the next request uses it. */
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_job_goes_through_its_phases_as_the_guest_answers),
		TEST(what_is_past_the_limit_is_refused_and_changes_nothing),
		TEST(one_job_at_a_time),
		TEST(asking_for_what_there_is_is_done_at_once),
		TEST(a_guest_that_says_no_ends_the_job_with_its_code),
		TEST(a_silent_guest_ends_the_job_in_time_and_the_same_request_waits_again),
		TEST(a_guest_that_onlines_nothing_is_told_about_the_udev_rule),
		TEST(a_socket_is_added_by_name_in_any_order),
		TEST(a_flood_of_osts_takes_turns),
		TEST(a_removal_goes_through_its_phases_and_parks),
		TEST(remove_and_add_a_thousand_times_reuse_what_there_is),
		TEST(a_guest_without_a_final_ost_is_waited_for_only_so_long),
		TEST(a_guest_that_does_not_let_go_ends_the_removal_and_keeps_the_socket),
		TEST(a_half_removed_socket_is_made_whole),
		TEST(a_silent_guest_ends_a_removal_in_time),
		TEST(a_pending_removal_can_be_cancelled),
		TEST(what_goes_after_a_cancel_comes_back),
		TEST(an_add_can_be_cancelled_until_the_guest_has_registered_it),
		TEST(what_the_guest_ejects_by_itself_is_gone_and_reported),
		TEST(an_add_waits_for_the_final_ost_of_a_removal),
		TEST(sockets_are_removed_by_name_but_for_the_boot_cpu_s),
		TEST(an_add_goes_on_across_a_reset_and_needs_no_ost),
		TEST(a_removal_ends_with_a_reset),
		TEST(an_add_that_waited_is_plugged_after_a_reset),
		cmocka_unit_test(
			whichever_call_fails_the_request_is_undone_and_the_next_succeeds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
