/* The kick, with its windows held open: between any two of the thread's steps it sleeps
 * for a while that differs each time, so that kicks come at each of them. */
#include <unistd.h>

static _Thread_local unsigned widen_seed = 1;

static void widen(void)
{
	widen_seed = widen_seed * 1103515245 + 12345;
	usleep(widen_seed >> 16 & 127);
}
#define WIDEN() widen()
#include "vmm/kvm/vcpu_run.c" // NOLINT(bugprone-suspicious-include): with WIDEN

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "vmm/config/spec.h"
#include "vmm/kvm/fake_kvm.h"

#define NVCPUS 4
#define ROUNDS 400

struct fixture {
	struct topology topo;
	struct vm *vm;
	struct bus bus; /* with nothing on it */
	struct vcpu_env env;
	struct vcpu *vcpu[NVCPUS];
};

static atomic_uint nended;
static enum vcpu_end expected_end;
static pthread_mutex_t detail_lock =
	PTHREAD_MUTEX_INITIALIZER; /* several may end at once */
static char last_detail[128];

static void on_ended(void *ctx, uint32_t index, enum vcpu_end end_of, const char *detail)
{
	(void)ctx;
	(void)index;
	pthread_mutex_lock(&detail_lock);
	(void)snprintf(last_detail, sizeof(last_detail), "%s", detail);
	pthread_mutex_unlock(&detail_lock);
	assert_int_equal(end_of, expected_end);
	atomic_fetch_add(&nended, 1);
}

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	struct host_limits limits;
	struct text why;
	int fd;

	assert_int_equal(topology_init(&f->topo, NVCPUS, 1, 1), 0);
	assert_int_equal(vm_open_kvm(&fd, &limits, &why), 0);
	assert_int_equal(vm_create(fd, &(struct spec){ .memory = 4 << 20 }, &f->topo,
				   &f->vm, &why),
			 0);
	f->env = (struct vcpu_env){
		.vm = f->vm, .vcpu = f->vcpu, .mmio = &f->bus, .ended = on_ended
	};
	vcpu_env_init(&f->env);
	assert_int_equal(vcpu_setup_kick(), 0);
	for (uint32_t i = 0; i < NVCPUS; i++)
		assert_int_equal(vcpu_create(&f->env, i, &f->vcpu[i]), 0);
	alarm(60); /* a lost kick hangs */
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	alarm(0);
	for (uint32_t i = 0; i < NVCPUS; i++)
		vcpu_destroy(f->vcpu[i]);
	vcpu_env_destroy(&f->env);
	vm_destroy(f->vm);
	test_free(f);
	return 0;
}

static void start_all(struct fixture *f)
{
	for (uint32_t i = 0; i < NVCPUS; i++)
		assert_int_equal(vcpu_start(f->vcpu[i]), 0);
}

static void no_stop_is_lost(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < ROUNDS; round++) {
		start_all(f);
		usleep((useconds_t)(round % 8) * 40);
		for (uint32_t i = 0; i < NVCPUS; i++)
			vcpu_stop(f->vcpu[i]);
	}
	assert_int_equal(f->env.running, 0);
}

static void a_paused_vm_runs_nothing_until_it_is_resumed(void **state)
{
	struct fixture *f = *state;

	start_all(f);
	for (int round = 0; round < ROUNDS; round++) {
		unsigned runs;

		vcpu_pause_all(&f->env);
		runs = atomic_load(&fake_runs);
		usleep((useconds_t)(round % 8) * 40);
		assert_int_equal(atomic_load(&fake_runs), runs);
		vcpu_resume_all(&f->env);
		while (atomic_load(&fake_runs) < runs + NVCPUS)
			usleep(20);
	}
}

static void a_thread_that_starts_while_paused_waits(void **state)
{
	struct fixture *f = *state;
	unsigned runs = atomic_load(&fake_runs);

	vcpu_pause_all(&f->env);
	start_all(f);
	for (uint32_t i = 0; i < NVCPUS; i++)
		assert_true(vcpu_tid(f->vcpu[i]) > 0);
	usleep(5000);
	assert_int_equal(atomic_load(&fake_runs), runs);
	vcpu_stop(f->vcpu[0]); /* also from the gate */
	vcpu_resume_all(&f->env);
	while (atomic_load(&fake_runs) < runs + NVCPUS - 1)
		usleep(20);
}

/* At the gate no access is left for KVM to carry out: it would spoil the registers that a
 * reset has set. */
static void what_the_guest_asked_is_finished_before_the_gate(void **state)
{
	struct fixture *f = *state;

	atomic_store(&fake_exit_reason, KVM_EXIT_MMIO);
	start_all(f);
	for (int round = 0; round < ROUNDS; round++) {
		vcpu_pause_all(&f->env);
		assert_int_equal(atomic_load(&fake_unfinished), 0);
		vcpu_resume_all(&f->env);
		usleep((useconds_t)(round % 8) * 40);
	}
	for (uint32_t i = 0; i < NVCPUS; i++)
		vcpu_stop(f->vcpu[i]);
	atomic_store(&fake_exit_reason, 0);
}

static void a_vcpu_with_a_triple_fault_waits_for_a_reset(void **state)
{
	struct fixture *f = *state;
	unsigned runs;

	atomic_store(&nended, 0);
	expected_end = VCPU_END_TRIPLE_FAULT;
	atomic_store(&fake_exit_reason, KVM_EXIT_SHUTDOWN);
	start_all(f);
	while (atomic_load(&nended) < NVCPUS)
		usleep(20);
	atomic_store(&fake_exit_reason, 0);
	runs = atomic_load(&fake_runs);
	vcpu_pause_all(&f->env);
	vcpu_resume_all(&f->env); /* does not help */
	usleep(5000);
	assert_int_equal(atomic_load(&fake_runs), runs);
	assert_int_equal(atomic_load(&fake_threads), NVCPUS);
	vcpu_stop(f->vcpu[0]); /* not stuck for good */
	vcpu_pause_all(&f->env);
	for (uint32_t i = 0; i < NVCPUS; i++)
		assert_int_equal(vcpu_reset(f->vcpu[i]), 0);
	assert_int_equal(atomic_load(&fake_runs), runs);
	vcpu_resume_all(&f->env);
	while (atomic_load(&fake_runs) < runs + NVCPUS - 1)
		usleep(20);
	assert_int_equal(atomic_load(&nended), NVCPUS);
}

static void a_reset_says_which_call_failed(void **state)
{
	struct fixture *f = *state;
	int n = 0, err;

	assert_int_equal(vcpu_start(f->vcpu[1]), 0);
	vcpu_pause_all(&f->env);
	do {
		fake_fail_at = ++n;
		err = vcpu_reset(f->vcpu[1]);
		assert_true(err == 0 || err == -ENOSPC);
	} while (err < 0);
	fake_fail_at = 0;
	assert_true(n > 8); /* registers, state, interrupts */
	vcpu_resume_all(&f->env);
}

static void each_vcpu_has_a_thread_of_its_own_name(void **state)
{
	struct fixture *f = *state;
	char name[16];

	start_all(f);
	assert_int_equal(atomic_load(&fake_threads), NVCPUS);
	assert_true(vcpu_tid(f->vcpu[3]) > 0); /* it runs, and has named itself */
	assert_int_equal(pthread_getname_np(f->vcpu[3]->thread, name, sizeof(name)), 0);
	assert_string_equal(name, "vcpu/3");
}

static void ends_by_exit(struct fixture *f, unsigned reason, const char *detail)
{
	atomic_store(&nended, 0);
	expected_end = VCPU_END_HOST_ERROR;
	atomic_store(&fake_exit_reason, reason);
	assert_int_equal(vcpu_start(f->vcpu[0]), 0);
	while (atomic_load(&nended) == 0)
		usleep(20);
	vcpu_stop(f->vcpu[0]); /* its words are whole then */
	atomic_store(&fake_exit_reason, 0);
	assert_int_equal(atomic_load(&nended), 1);
	assert_string_equal(last_detail, detail);
}

static void an_exit_that_nobody_knows_ends_the_vm(void **state)
{
	ends_by_exit(*state, 99, "KVM exit 99 is not known");
}

#if defined(__aarch64__)
static void an_exit_that_fails_ends_the_vm(void **state)
{
	fake_fail_at = 2; /* behind the thread: the guest's registers cannot be read */
	ends_by_exit(*state, KVM_EXIT_HYPERCALL,
		     "KVM exit 3 failed: No space left on device");
}
#endif

/* The guest switches it on. */
static void switch_on(struct vcpu *v)
{
	vcpu_step(v, LIFE_CPU_ON);
	vcpu_step(v, LIFE_CPU_ON_DONE);
	mtx_lock_at(&v->env->lock, &RANK_VCPU);
	v->env->wanted = true;
	mtx_unlock_at(&v->env->lock, &RANK_VCPU);
}

static void a_vcpu_that_is_off_has_no_thread_until_it_is_switched_on(void **state)
{
	struct fixture *f = *state;
	unsigned runs;

	f->vcpu[2]->by_cpu_on = f->vcpu[3]->by_cpu_on = true;
	assert_int_equal(vcpu_start(f->vcpu[2]), 0);
	vcpu_start_wanted(&f->env);
	assert_false(vcpu_has_thread(f->vcpu[2]));
	switch_on(f->vcpu[2]);
	runs = atomic_load(&fake_runs);
	vcpu_start_wanted(&f->env);
	assert_true(vcpu_has_thread(f->vcpu[2]));
	assert_false(vcpu_has_thread(f->vcpu[3])); /* main has not started it */
	assert_int_equal(atomic_load(&fake_threads), 1);
	while (atomic_load(&fake_runs) == runs)
		usleep(20);
}

static void a_vcpu_that_was_stopped_cannot_be_switched_on(void **state)
{
	struct fixture *f = *state;

	f->vcpu[1]->by_cpu_on = true;
	assert_int_equal(vcpu_start(f->vcpu[1]), 0);
	switch_on(f->vcpu[1]);
	vcpu_stop(f->vcpu[1]);
	assert_int_equal(vcpu_life_now(f->vcpu[1]), LIFE_PARKED);
	vcpu_start_wanted(&f->env);
	assert_false(vcpu_has_thread(f->vcpu[1]));
}

static void a_vcpu_that_goes_off_waits_at_the_gate(void **state)
{
	struct fixture *f = *state;
	unsigned runs;

	assert_int_equal(vcpu_start(f->vcpu[1]), 0);
	while (atomic_load(&fake_runs) == 0)
		usleep(20);
	vcpu_step(f->vcpu[1], LIFE_CPU_OFF);
	vcpu_kick(f->vcpu[1]);
	usleep(2000);
	runs = atomic_load(&fake_runs);
	vcpu_pause_all(&f->env);
	vcpu_resume_all(&f->env);
	usleep(2000);
	assert_int_equal(atomic_load(&fake_runs), runs);
	assert_int_equal(f->env.running, 0);
	switch_on(f->vcpu[1]); /* wakes it */
	while (atomic_load(&fake_runs) == runs)
		usleep(20);
}

static void *finish_cpu_on(void *vcpu)
{
	struct vcpu *v = vcpu;

	usleep(5000);
	assert_int_equal(v->life, LIFE_STARTING); /* whoever stops it waits */
	vcpu_step(v, LIFE_CPU_ON_DONE);
	return NULL;
}

static void a_stop_waits_until_a_cpu_on_has_written_its_registers(void **state)
{
	struct fixture *f = *state;
	pthread_t t;

	f->vcpu[1]->by_cpu_on = true;
	assert_int_equal(vcpu_start(f->vcpu[1]), 0);
	vcpu_step(f->vcpu[1], LIFE_CPU_ON);
	assert_int_equal(pthread_create(&t, NULL, finish_cpu_on, f->vcpu[1]), 0);
	vcpu_stop(f->vcpu[1]);
	assert_int_equal(vcpu_life_now(f->vcpu[1]), LIFE_PARKED);
	assert_int_equal(pthread_join(t, NULL), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_stop_is_lost),
		TEST(a_paused_vm_runs_nothing_until_it_is_resumed),
		TEST(a_thread_that_starts_while_paused_waits),
		TEST(each_vcpu_has_a_thread_of_its_own_name),
		TEST(what_the_guest_asked_is_finished_before_the_gate),
		TEST(a_vcpu_with_a_triple_fault_waits_for_a_reset),
		TEST(a_reset_says_which_call_failed),
		TEST(an_exit_that_nobody_knows_ends_the_vm),
#if defined(__aarch64__)
		TEST(an_exit_that_fails_ends_the_vm),
#endif
		TEST(a_vcpu_that_is_off_has_no_thread_until_it_is_switched_on),
		TEST(a_vcpu_that_was_stopped_cannot_be_switched_on),
		TEST(a_vcpu_that_goes_off_waits_at_the_gate),
		TEST(a_stop_waits_until_a_cpu_on_has_written_its_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
