#ifndef VMM_HOTPLUG_HOTPLUG_FIXTURE_H
#define VMM_HOTPLUG_HOTPLUG_FIXTURE_H
/* hotplug_fixture: for tests of hotplug. A VM on a KVM that runs nothing, and what a
 * guest does, step by step. */

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "acpi/layout.h"
#include "devices/bus.h"
#include "vmm/kvm/fake_kvm.h"
#include "vmm/hotplug/check_fixture.h"
#include "vmm/hotplug/hotplug.h"
#include "vmm/hotplug/vcpu_host.h"

#define MAX_SOCKETS 4
#define PER_SOCKET  4 /* 2 cores x 2 threads */
#define MAX_VCPUS   (MAX_SOCKETS * PER_SOCKET)
#define EVENTS_MAX  32

/* A VM with one of four sockets, and a listener that writes everything down; a second
 * counts the _OSTs. */
struct fixture {
	struct event_base *base;
	struct spec spec;
	struct topology topo;
	struct ged ged;
	struct cpuhp cpuhp;
	struct vm *vm;
	struct vcpu_env env;
	struct vcpu *vcpu[MAX_VCPUS];
	struct vcpu_host vcpu_host;
	struct hotplug_host host; /* as it is without the fixture */
	struct hotplug *hotplug;
	struct hotplug_listener listeners[2];
	struct seen seen;

	enum job_phase phase[EVENTS_MAX];
	unsigned nphases, ncompleted, nost, nost_second;
	struct job done;
	unsigned nwakes; /* times that it asked to look again at once */
	unsigned ndeleted, ndeleted_by_guest, nrefused;
	uint32_t deleted; /* the last one */
	struct units settling;
};

static inline void set_line(void *ctx, bool level)
{
	(void)ctx;
	(void)level;
}

static inline void on_wake(void *ctx)
{
	(void)ctx; /* the tests look where they want to */
}

static inline void look(void *ctx)
{
	hotplug_look(((struct fixture *)ctx)->hotplug);
}

static inline int host_start(void *ctx, uint32_t cpu)
{
	struct fixture *f = ctx;
	int err = f->host.start(f->host.ctx, cpu);

	if (err == 0)
		units_put(&f->seen.threads, cpu);
	return err;
}

static inline void host_stop(void *ctx, uint32_t cpu)
{
	struct fixture *f = ctx;

	units_drop(&f->seen.threads, cpu);
	f->host.stop(f->host.ctx, cpu);
}

static inline uint64_t host_now_ns(void *ctx)
{
	const struct fixture *f = ctx;

	return f->host.now_ns(f->host.ctx);
}

/* The last that hotplug does when it looks. */
static inline void host_set_timer(void *ctx, uint64_t at_ns)
{
	struct fixture *f = ctx;

	seen_timer(&f->seen, at_ns, host_now_ns(f));
	f->nwakes += f->seen.at_once;
	f->host.set_timer(f->host.ctx, at_ns);
	hotplug_check(f->hotplug, &f->seen);
}

static inline void on_phase(void *ctx, const struct job *job, enum job_phase phase)
{
	struct fixture *f = ctx;

	seen_phase(&f->seen, job, phase);
	assert_true(f->nphases < EVENTS_MAX);
	f->phase[f->nphases++] = phase;
}

static inline void on_completed(void *ctx, const struct job *job)
{
	struct fixture *f = ctx;

	seen_completed(&f->seen, job, &f->cpuhp);
	f->done = *job;
	f->ncompleted++;
}

static inline void on_ost(void *ctx, const struct ost *ost)
{
	(void)ost;
	((struct fixture *)ctx)->nost++;
}

static inline void on_ost_second(void *ctx, const struct ost *ost)
{
	struct fixture *f = ctx;

	(void)ost;
	assert_int_equal(++f->nost_second, f->nost); /* the first was told before */
}

static inline void on_deleted(void *ctx, uint32_t socket, bool by_guest)
{
	struct fixture *f = ctx;

	seen_deleted(&f->seen, socket);
	f->deleted = socket;
	f->ndeleted++;
	f->ndeleted_by_guest += by_guest;
}

static inline void on_refused(void *ctx, uint32_t socket)
{
	(void)socket;
	((struct fixture *)ctx)->nrefused++;
}

static inline void on_settling(void *ctx, const struct units *cpus)
{
	((struct fixture *)ctx)->settling = *cpus;
}

static inline int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	const struct hotplug_host host = { host_start, host_stop, host_set_timer,
					   host_now_ns, f };
	struct host_limits limits;
	struct text why;
	int kvm_fd;

	fake_fail_at = 0;
	f->base = event_base_new();
	f->spec = (struct spec){ .cpus = { .sockets = 1,
					   .cores = 2,
					   .threads = 2,
					   .max_sockets = MAX_SOCKETS } };
	assert_int_equal(vm_open_kvm(&kvm_fd, &limits, &why), 0);
	limits.boot_only = false;
	assert_int_equal(spec_resolve(&f->spec, &limits, &f->topo, &why), 0);
	assert_int_equal(vm_create(kvm_fd, &(struct spec){ .memory = 4 << 20 }, &f->topo,
				   &f->vm, &why),
			 0);
	ged_init(&f->ged, set_line, NULL, f);
	assert_int_equal(
		cpuhp_init(&f->cpuhp, &f->topo, &f->ged, CPUHP_ACCEPT_EJECTS, on_wake, f),
		0);
	f->env = (struct vcpu_env){ .vm = f->vm, .vcpu = f->vcpu, .cpuhp = &f->cpuhp };
	vcpu_env_init(&f->env);
	assert_int_equal(vcpu_setup_kick(), 0);
	for (uint32_t i = 0; i < PER_SOCKET; i++) {
		assert_int_equal(vcpu_create(&f->env, i, &f->vcpu[i]), 0);
		cpuhp_boot(&f->cpuhp, i);
		cpuhp_runs(&f->cpuhp, i, true);
		units_put(&f->seen.threads, i); /* as far as hotplug is concerned */
	}
	units_put(&f->seen.there, 0);
	f->listeners[0] =
		(struct hotplug_listener){ on_phase,   on_completed, on_ost, on_deleted,
					   on_refused, on_settling,  NULL,   f };
	f->listeners[1] = (struct hotplug_listener){ .ost = on_ost_second, .ctx = f };
	assert_int_equal(
		vcpu_host_init(&f->vcpu_host, f->base, &f->env, f->vcpu, look, f), 0);
	f->host = vcpu_host_calls(&f->vcpu_host);
	assert_int_equal(
		hotplug_new(&host, &f->spec, &f->cpuhp, f->listeners, 2, &f->hotplug), 0);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	fake_fail_at = 0;
	hotplug_free(f->hotplug);
	vcpu_host_destroy(&f->vcpu_host);
	for (uint32_t i = 0; i < MAX_VCPUS; i++)
		vcpu_destroy(f->vcpu[i]);
	vcpu_env_destroy(&f->env);
	cpuhp_destroy(&f->cpuhp);
	vm_destroy(f->vm);
	event_base_free(f->base);
	test_free(f);
	return 0;
}

static inline void wr(struct fixture *f, uint64_t offset, uint32_t value)
{
	uint8_t data[4];

	bus_put(data, 4, value);
	cpuhp_access(&f->cpuhp, offset, data, 4, true);
}

static inline uint32_t count(const struct fixture *f)
{
	return sockets_count(hotplug_sockets(f->hotplug));
}

static inline void say_ost(struct fixture *f, uint32_t cpu, uint32_t event,
			   uint32_t status)
{
	wr(f, CPUHP_SELECTOR, cpu);
	wr(f, CPUHP_COMMAND, CPUHP_CMD_OST_EVENT);
	wr(f, CPUHP_DATA, event);
	wr(f, CPUHP_COMMAND, CPUHP_CMD_OST_STATUS);
	wr(f, CPUHP_DATA, status);
}

/* What a guest does for one CPU, up to _OST. */
static inline void answer(struct fixture *f, uint32_t cpu, uint32_t status)
{
	wr(f, CPUHP_SELECTOR, cpu);
	wr(f, CPUHP_CONTROL, CPUHP_INSERT);
	say_ost(f, cpu, OST_DEVICE_CHECK, status);
}

/* What it does for a CPU that it is asked to eject. */
static inline void begin_removal(struct fixture *f, uint32_t cpu)
{
	wr(f, CPUHP_SELECTOR, cpu);
	wr(f, CPUHP_CONTROL, CPUHP_REMOVE);
	say_ost(f, cpu, OST_EJECT_REQUEST, OST_IN_PROGRESS);
}

static inline void eject(struct fixture *f, uint32_t cpu)
{
	cpuhp_runs(&f->cpuhp, cpu, false);
	wr(f, CPUHP_SELECTOR, cpu);
	wr(f, CPUHP_CONTROL, CPUHP_EJECT);
}

static inline void guest_removes(struct fixture *f, uint32_t first, uint32_t last)
{
	for (uint32_t i = first; i <= last; i++) {
		begin_removal(f, i);
		eject(f, i);
		say_ost(f, i, OST_EJECT_REQUEST, OST_SUCCESS);
	}
	hotplug_look(f->hotplug);
}

static inline void guest_takes(struct fixture *f, uint32_t first, uint32_t last)
{
	for (uint32_t i = first; i <= last; i++) {
		answer(f, i, OST_SUCCESS);
		cpuhp_runs(&f->cpuhp, i, true);
	}
	hotplug_look(f->hotplug);
}

static inline int resize(struct fixture *f, int64_t sockets, struct text *why)
{
	return hotplug_resize(f->hotplug, sockets, HOTPLUG_TIMEOUT_MS, why);
}

/* The state from which removals start: three sockets, all online. */
static inline void grow_to_three(struct fixture *f)
{
	struct text why;

	assert_int_equal(resize(f, 3, &why), 0);
	guest_takes(f, 4, 11);
	assert_int_equal(f->done.result, JOB_DONE);
	f->nphases = f->ncompleted = 0;
}

static inline void expect_tables(struct fixture *f, uint32_t last)
{
	for (uint32_t i = 0; i < MAX_VCPUS; i++) {
		struct cpuhp_slot s = cpuhp_get(&f->cpuhp, i);

		assert_int_equal(s.in_tables, i <= last);
		assert_int_equal(s.state, i <= last ? SLOT_PLUGGED : SLOT_ABSENT);
		assert_false(s.insert_pending || s.remove_pending || s.ost_due);
	}
}

static inline void boot_again(struct fixture *f, uint32_t last)
{
	for (uint32_t i = 0; i <= last; i++)
		cpuhp_runs(&f->cpuhp, i, true);
	hotplug_look(f->hotplug);
}

/* For a client to see the end of a job that nobody answers, on a slow machine, too. */
#define SHORT_MS 100

/* Until the job that a client asked for is over. */
static inline void wait_completed(struct fixture *f)
{
	const struct job *job = hotplug_job(f->hotplug);

	while (job_running(job) && !job->repair)
		event_base_loop(f->base, EVLOOP_ONCE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
