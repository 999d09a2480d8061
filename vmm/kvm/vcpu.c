#include "vmm/kvm/vcpu.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "devices/clock.h"
#include "vmm/kvm/arch.h"
#include "vmm/base/log.h"
#include "vmm/kvm/vcpu_run.h"
#include "vmm/kvm/vcpu_stats.h"

/* Threads. Main makes, starts, pauses, resets and stops vCPUs. Each vCPU has at most one
 * thread of its own, which runs the guest and carries out its exits (vcpu_run.c). What a
 * vCPU is stands in its life (vcpu_life.h), which has one lock, env->lock; each event of
 * it is one thread's. An exit takes no lock here: a thread takes env->lock when it is
 * told to look, and where the guest starts or stops a vCPU.
 *
 * Locks are taken in this order, which clang checks (devices/mtx.h):
 *
 *   env->lock -> acpihp -> ged -> ioapic   CPU_ON and CPU_OFF step the slot; an event of
 *                                          a slot raises the GED's line
 *   uart -> ioapic                         its line
 *   ioapic.telling -> ioapic               KVM is told which vectors to tell us of
 *
 * Under a lock nobody waits but by cnd_wait(), and nobody logs or writes a file; main is
 * woken by an eventfd. An ioctl happens under a lock where its order is what the lock is
 * for, and only there:
 *
 *   KVM_IRQ_LINE, KVM_SIGNAL_MSI    under the lock of the device (and those above it):
 *                                   levels reach KVM in the order in which they were set
 *   KVM_SET_GSI_ROUTING             under ioapic.telling: the newest list comes last
 *   KVM_SET_MP_STATE                under env->lock, at CPU_ON and CPU_OFF: KVM's own
 *                                   AFFINITY_INFO, CPU_ON's answer and the slot agree
 *
 * None of these waits for a vCPU, as that one is not in KVM_RUN. Registers are written
 * without a lock: the vCPU is STARTING or WAKING meanwhile, and who would stop it waits.
 */

#define STACK_LEN ((size_t)256 * 1024)

void vcpu_env_init(struct vcpu_env *env)
{
	env->lock = (struct mtx)MTX_INIT;
	env->changed = (struct cnd)CND_INIT;
}

void vcpu_env_destroy(struct vcpu_env *env)
{
	cnd_destroy(&env->changed);
}

/* Main waits for the last thread to leave and for a CPU_ON to end, threads at the gate
 * for what lets them go. */
static bool is_awaited(const struct vcpu_env *env, enum vcpu_life from, enum vcpu_life to)
{
	return (vcpu_life_inside(from) && env->running == 0) ||
	       vcpu_life_is_switching(from) || to == LIFE_ENDING;
}

void vcpu_step_locked(struct vcpu *v, enum vcpu_life_event ev)
{
	struct vcpu_env *env = v->env;
	enum vcpu_life from = v->life;
	int err = vcpu_life_step(&v->life, ev);

	assert(err == 0);
	(void)err;
	if (vcpu_life_inside(from))
		env->running--;
	if (vcpu_life_inside(v->life))
		env->running++;
	if (is_awaited(env, from, v->life))
		cnd_wake_all(&env->changed);
}

void vcpu_step(struct vcpu *v, enum vcpu_life_event ev)
{
	mtx_lock_at(&v->env->lock, &RANK_VCPU);
	vcpu_step_locked(v, ev);
	mtx_unlock_at(&v->env->lock, &RANK_VCPU);
}

enum vcpu_life vcpu_life_now(struct vcpu *v)
{
	enum vcpu_life life;

	mtx_lock_at(&v->env->lock, &RANK_VCPU);
	life = v->life;
	mtx_unlock_at(&v->env->lock, &RANK_VCPU);
	return life;
}

bool vcpu_has_thread(struct vcpu *v)
{
	return vcpu_life_has_thread(vcpu_life_now(v));
}

int vcpu_create(struct vcpu_env *env, uint32_t index, struct vcpu **out)
{
	struct vm *vm = env->vm;
	struct vcpu *v = malloc(sizeof(*v));
	int err;

	if (v == NULL)
		return -ENOMEM;
	*v = (struct vcpu){
		.env = env, .index = index, .run = MAP_FAILED, .stats_fd = -1
	};
	v->fd = vm_vcpu_fd(vm, index);
	if (v->fd < 0) {
		err = v->fd;
		goto fail;
	}
	v->run = mmap(NULL, vm->run_len, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (v->run == MAP_FAILED) {
		err = -errno;
		goto fail;
	}
	v->stats_fd = vcpu_stats_open(v->fd); /* only to look at: it may fail */
	err = arch_vcpu_init(vm, v);
	if (err < 0)
		goto fail;
	v->made_ns = now_ns();
	*out = v;
	return 0;
fail:
	vcpu_destroy(v);
	return err;
}

static int spawn(struct vcpu *v)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int err = pthread_attr_init(&attr);

	if (err != 0)
		return -err;
	pthread_attr_setstacksize(&attr, STACK_LEN);
	sigfillset(&all); /* signals are main's; the thread inherits this */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&v->thread, &attr, vcpu_run, v);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (err != 0)
		return -err;
	return 0;
}

/* The thread is inside until it comes to the gate, which it does first of all while the
 * VM is paused. */
static int start_thread(struct vcpu *v) NOT_HOLDING(FROM_VCPU)
{
	struct vcpu_env *env = v->env;

	mtx_lock_at(&v->env->lock, &RANK_VCPU);
	vcpu_step_locked(v, LIFE_SPAWN);
	atomic_store(&v->look, env->paused);
	mtx_unlock_at(&v->env->lock, &RANK_VCPU);
	return spawn(v);
}

int vcpu_start(struct vcpu *v)
{
	int err = vcpu_life_now(v) == LIFE_NEW ? 0 : arch_vcpu_rearm(v);

	if (err < 0)
		return err;
	if (v->by_cpu_on) {
		vcpu_step(v, LIFE_START);
		return 0;
	}
	err = start_thread(v);
	if (err < 0)
		vcpu_step(v, LIFE_SPAWN_FAILED);
	return err;
}

/* From then on the guest may try again. */
static void switch_off_again(struct vcpu *v) NOT_HOLDING(FROM_VCPU)
{
	struct vcpu_env *env = v->env;

	(void)cpuhp_runs(env->cpuhp, v->index, false);
	(void)arch_vcpu_rearm(v); /* what fails there is no worse */
	mtx_lock_at(&v->env->lock, &RANK_VCPU);
	vcpu_step_locked(v, LIFE_SPAWN_FAILED);
	vcpu_step_locked(v, LIFE_START);
	mtx_unlock_at(&v->env->lock, &RANK_VCPU);
}

static void start_wanted(struct vcpu *v) NOT_HOLDING(FROM_VCPU)
{
	int err = start_thread(v);

	if (err == 0)
		return;
	log_warn("the host has no thread for cpu %u, which stays off: %s", v->index,
		 text_errno(-err));
	switch_off_again(v);
}

void vcpu_start_wanted(struct vcpu_env *env)
{
	bool wanted;

	mtx_lock_at(&env->lock, &RANK_VCPU);
	wanted = env->wanted;
	env->wanted = false;
	mtx_unlock_at(&env->lock, &RANK_VCPU);
	for (uint32_t i = 0; wanted && i < env->vm->topo->max_vcpus; i++)
		if (env->vcpu[i] != NULL && vcpu_life_now(env->vcpu[i]) == LIFE_READY)
			start_wanted(env->vcpu[i]);
}

int vcpu_tid(struct vcpu *v)
{
	struct vcpu_env *env = v->env;

	mtx_lock_at(&env->lock, &RANK_VCPU);
	while (atomic_load(&v->tid) == 0)
		cnd_wait(&env->changed, &env->lock);
	mtx_unlock_at(&env->lock, &RANK_VCPU);
	return atomic_load(&v->tid);
}

/* Whether there is a thread, which ends now; where a CPU_ON is under way, after that. */
static bool tell_to_end(struct vcpu *v) NOT_HOLDING(FROM_VCPU)
{
	struct vcpu_env *env = v->env;
	bool has_thread;

	mtx_lock_at(&v->env->lock, &RANK_VCPU);
	while (vcpu_life_is_switching(v->life))
		cnd_wait(&env->changed, &v->env->lock);
	vcpu_step_locked(v, LIFE_STOP);
	has_thread = vcpu_life_has_thread(v->life);
	mtx_unlock_at(&v->env->lock, &RANK_VCPU);
	return has_thread;
}

void vcpu_stop(struct vcpu *v)
{
	if (!tell_to_end(v))
		return;
	vcpu_kick(v);
	pthread_join(v->thread, NULL);
	v->spent_ns += atomic_exchange(&v->last_ns, 0);
	atomic_store(&v->tid, 0);
	vcpu_step(v, LIFE_JOIN);
}

void vcpu_destroy(struct vcpu *v)
{
	if (v == NULL)
		return;
	vcpu_stop(v);
	if (v->run != MAP_FAILED)
		munmap(v->run, v->env->vm->run_len);
	if (v->stats_fd >= 0)
		close(v->stats_fd);
	free(v);
}

int vcpu_reset(struct vcpu *v)
{
	int err = arch_vcpu_reset(v);

	vcpu_step(v, v->by_cpu_on ? LIFE_RESET_OFF : LIFE_RESET);
	return err;
}

void vcpu_pause_all(struct vcpu_env *env)
{
	mtx_lock_at(&env->lock, &RANK_VCPU);
	env->paused = true;
	mtx_unlock_at(&env->lock, &RANK_VCPU);
	for (uint32_t i = 0; i < env->vm->topo->max_vcpus; i++)
		if (env->vcpu[i] != NULL && vcpu_has_thread(env->vcpu[i]))
			vcpu_kick(env->vcpu[i]);
	mtx_lock_at(&env->lock, &RANK_VCPU);
	while (env->running > 0)
		cnd_wait(&env->changed, &env->lock);
	mtx_unlock_at(&env->lock, &RANK_VCPU);
}

void vcpu_resume_all(struct vcpu_env *env)
{
	mtx_lock_at(&env->lock, &RANK_VCPU);
	env->paused = false;
	cnd_wake_all(&env->changed);
	mtx_unlock_at(&env->lock, &RANK_VCPU);
}

bool vcpu_all_paused(struct vcpu_env *env)
{
	bool paused;

	mtx_lock_at(&env->lock, &RANK_VCPU);
	paused = env->paused;
	mtx_unlock_at(&env->lock, &RANK_VCPU);
	return paused;
}
