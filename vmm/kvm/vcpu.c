#include "vmm/kvm/vcpu.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "devices/clock.h"
#include "vmm/kvm/arch.h"
#include "vmm/base/log.h"
#include "vmm/kvm/vcpu_stats.h"

/* The kick. Main stores its wish, then signals the thread. The thread clears
 * immediate_exit, looks at the wishes, and enters KVM_RUN: in this order. A signal that
 * comes before the look is seen by it; one that comes after it has set immediate_exit
 * again, and KVM_RUN returns at once. So no kick is lost, at whichever instruction it
 * comes.
 */
#define KICK_SIGNAL SIGUSR1

#ifndef WIDEN /* the test of this order sleeps here */
#define WIDEN() ((void)0)
#endif

#define STACK_LEN ((size_t)256 * 1024)

#define ACCESS_PARTS_MAX 16 /* an instruction's one access, in parts of 8 bytes */

static _Thread_local struct kvm_run *own_run;

static void on_kick(int sig)
{
	(void)sig;
	if (own_run != NULL)
		own_run->immediate_exit = 1;
}

int vcpu_setup_kick(void)
{
	struct sigaction sa = { .sa_handler = on_kick };
	sigset_t set;

	sigemptyset(&sa.sa_mask);
	if (sigaction(KICK_SIGNAL, &sa, NULL) < 0)
		return -errno;
	sigemptyset(&set);
	sigaddset(&set, KICK_SIGNAL);
	return -pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void vcpu_env_init(struct vcpu_env *env)
{
	env->lock = (struct mtx)MTX_INIT;
	pthread_cond_init(&env->changed, NULL);
}

void vcpu_env_destroy(struct vcpu_env *env)
{
	pthread_cond_destroy(&env->changed);
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

/* Waits while the VM is paused, the vCPU is switched off, or cannot go on. */
static void gate(struct vcpu *v) NOT_HOLDING(v->env->lock)
{
	struct vcpu_env *env = v->env;

	mtx_lock(&env->lock);
	atomic_store(&v->look, false);
	env->running--;
	pthread_cond_broadcast(&env->changed);
	while ((env->paused || v->stuck || v->off) && !atomic_load(&v->stop))
		pthread_cond_wait(&env->changed, &env->lock.m);
	env->running++;
	mtx_unlock(&env->lock);
}

static void end(struct vcpu *v, enum vcpu_end why, const char *detail)
{
	v->env->ended(v->env->ctx, v->index, why, detail);
}

static int internal_error(struct vcpu *v)
{
	char detail[128];

	if (v->run->exit_reason == KVM_EXIT_FAIL_ENTRY)
		(void)snprintf(detail, sizeof(detail),
			       "KVM cannot enter the guest, hardware reason 0x%llx",
			       (unsigned long long)
				       v->run->fail_entry.hardware_entry_failure_reason);
	else
		(void)snprintf(
			detail, sizeof(detail), "KVM internal error, suberror %u%s",
			v->run->internal.suberror,
			v->run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION
				? " (it cannot emulate an instruction of the guest)"
				: "");
	end(v, VCPU_END_INTERNAL_ERROR, detail);
	return -ECANCELED;
}

/* An exit that nobody knows, or that could not be carried out. */
static int exit_failed(struct vcpu *v, int err)
{
	char detail[96];

	(void)snprintf(detail, sizeof(detail), "KVM exit %u %s%s", v->run->exit_reason,
		       err == -ENOSYS ? "is not known" : "failed: ",
		       err == -ENOSYS ? "" : text_errno(-err));
	end(v, VCPU_END_HOST_ERROR, detail);
	return -ECANCELED;
}

/* 0 to go on; -ECANCELED when the end was told. */
static int handle_exit(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	int err;

	switch (run->exit_reason) {
	case KVM_EXIT_MMIO:
		bus_access(v->env->mmio, run->mmio.phys_addr, run->mmio.data,
			   run->mmio.len, run->mmio.is_write);
		return 0;
	case KVM_EXIT_SHUTDOWN:
		end(v, VCPU_END_TRIPLE_FAULT, "the guest had a triple fault");
		v->stuck = true;
		atomic_store(&v->look, true);
		return 0;
	case KVM_EXIT_INTERNAL_ERROR:
	case KVM_EXIT_FAIL_ENTRY:
		return internal_error(v);
	default:
		err = arch_vcpu_exit(v);
		return err < 0 ? exit_failed(v, err) : 0;
	}
}

static int run_failed(struct vcpu *v, int err)
{
	char detail[64];

	(void)snprintf(detail, sizeof(detail), "KVM_RUN failed: %s", text_errno(err));
	end(v, VCPU_END_HOST_ERROR, detail);
	return -ECANCELED;
}

static int run_once(struct vcpu *v)
{
	if (ioctl(v->fd, KVM_RUN, 0) == 0)
		return handle_exit(v);
	if (errno == EINTR || errno == EAGAIN)
		return v->waits ? arch_vcpu_woken(v) : 0;
	return run_failed(v, errno);
}

/* KVM carries an access of the guest out when it is next entered, with what we have
 * answered; a wide one asks again, but one string instruction could for ever. Told to
 * leave at once it runs nothing else. */
static int finish_access(struct vcpu *v)
{
	int err = 0;

	v->run->immediate_exit = 1;
	for (int i = 0; i < ACCESS_PARTS_MAX && err == 0 && !v->stuck; i++) {
		if (ioctl(v->fd, KVM_RUN, 0) < 0)
			break;
		err = handle_exit(v);
	}
	return err;
}

static void run_guest(struct vcpu *v)
{
	int err = 0;

	while (err == 0) {
		v->run->immediate_exit = 0;
		atomic_signal_fence(memory_order_seq_cst);
		WIDEN();
		if (atomic_load(&v->look)) {
			err = finish_access(v);
			gate(v);
			continue;
		}
		if (atomic_load(&v->stop))
			break;
		WIDEN();
		err = run_once(v);
	}
}

/* By the thread itself: another one would have to go through /proc. */
static void name_thread(const struct vcpu *v)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "vcpu/%u", v->index);
	pthread_setname_np(pthread_self(), name);
}

static void *thread_main(void *arg)
{
	struct vcpu *v = arg;
	struct vcpu_env *env = v->env;
	sigset_t set;

	atomic_store(&v->up_ns, now_ns());
	own_run = v->run;
	v->waits = true;
	name_thread(v);
	mtx_lock(&env->lock);
	atomic_store(&v->tid, (int)gettid());
	pthread_cond_broadcast(&env->changed);
	mtx_unlock(&env->lock);
	sigemptyset(&set);
	sigaddset(&set, KICK_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	run_guest(v);
	own_run = NULL;
	atomic_store(&v->last_ns, vcpu_stats_clock_ns(CLOCK_THREAD_CPUTIME_ID));
	mtx_lock(&env->lock);
	env->running--;
	pthread_cond_broadcast(&env->changed);
	mtx_unlock(&env->lock);
	return NULL;
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
	err = pthread_create(&v->thread, &attr, thread_main, v);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (err != 0)
		return -err;
	return 0;
}

static int start_thread(struct vcpu *v) NOT_HOLDING(v->env->lock)
{
	struct vcpu_env *env = v->env;
	int err;

	atomic_store(&v->stop, false);
	v->stuck = false;
	mtx_lock(&env->lock);
	atomic_store(&v->look, env->paused);
	env->running++; /* until it is at the gate */
	mtx_unlock(&env->lock);
	err = spawn(v);
	v->started = err == 0;
	if (err < 0) {
		mtx_lock(&env->lock);
		env->running--;
		mtx_unlock(&env->lock);
	}
	return err;
}

/* Lets the guest switch the vCPU on. Returns whether it has to. */
static bool arm(struct vcpu *v, bool armed) NOT_HOLDING(v->env->lock)
{
	bool off;

	mtx_lock(&v->env->lock);
	v->armed = armed;
	off = v->off;
	mtx_unlock(&v->env->lock);
	return off;
}

int vcpu_start(struct vcpu *v)
{
	int err = v->ran ? arch_vcpu_rearm(v) : 0;

	if (err < 0)
		return err;
	v->ran = true;
	if (arm(v, true))
		return 0;
	err = start_thread(v);
	if (err < 0)
		arm(v, false);
	return err;
}

static bool wants_thread(struct vcpu *v) NOT_HOLDING(v->env->lock)
{
	bool wants;

	mtx_lock(&v->env->lock);
	wants = v->armed && !v->off && !v->started;
	mtx_unlock(&v->env->lock);
	return wants;
}

static void start_wanted(struct vcpu *v) NOT_HOLDING(v->env->lock)
{
	int err = start_thread(v);

	if (err == 0)
		return;
	log_warn("the host has no thread for cpu %u, which stays off: %s", v->index,
		 text_errno(-err));
	(void)cpuhp_runs(v->env->cpuhp, v->index, false);
	/* From then on the guest may try again. What fails there is no worse. */
	(void)arch_vcpu_rearm(v);
}

void vcpu_start_wanted(struct vcpu_env *env)
{
	bool wanted;

	mtx_lock(&env->lock);
	wanted = env->wanted;
	env->wanted = false;
	mtx_unlock(&env->lock);
	for (uint32_t i = 0; wanted && i < env->vm->topo->max_vcpus; i++)
		if (env->vcpu[i] != NULL && wants_thread(env->vcpu[i]))
			start_wanted(env->vcpu[i]);
}

int vcpu_tid(struct vcpu *v)
{
	struct vcpu_env *env = v->env;

	mtx_lock(&env->lock);
	while (atomic_load(&v->tid) == 0)
		pthread_cond_wait(&env->changed, &env->lock.m);
	mtx_unlock(&env->lock);
	return atomic_load(&v->tid);
}

static void kick(struct vcpu *v)
{
	atomic_store(&v->look, true);
	pthread_kill(v->thread, KICK_SIGNAL);
}

void vcpu_stop(struct vcpu *v)
{
	struct vcpu_env *env = v->env;

	arm(v, false);
	if (!v->started)
		return;
	mtx_lock(&env->lock);
	atomic_store(&v->stop, true);
	pthread_cond_broadcast(&env->changed);
	mtx_unlock(&env->lock);
	kick(v);
	pthread_join(v->thread, NULL);
	v->spent_ns += atomic_exchange(&v->last_ns, 0);
	v->started = false;
	atomic_store(&v->tid, 0);
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
	mtx_lock(&v->env->lock);
	v->waits = true;
	v->stuck = false;
	mtx_unlock(&v->env->lock);
	return arch_vcpu_reset(v);
}

void vcpu_pause_all(struct vcpu_env *env, struct vcpu *const *v, uint32_t n)
{
	mtx_lock(&env->lock);
	env->paused = true;
	mtx_unlock(&env->lock);
	for (uint32_t i = 0; i < n; i++)
		if (v[i] != NULL && v[i]->started)
			kick(v[i]);
	mtx_lock(&env->lock);
	while (env->running > 0)
		pthread_cond_wait(&env->changed, &env->lock.m);
	mtx_unlock(&env->lock);
}

void vcpu_resume_all(struct vcpu_env *env)
{
	mtx_lock(&env->lock);
	env->paused = false;
	pthread_cond_broadcast(&env->changed);
	mtx_unlock(&env->lock);
}
