#include "vmm/kvm/vcpu_run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "devices/clock.h"
#include "vmm/base/text.h"
#include "vmm/kvm/arch.h"
#include "vmm/kvm/vcpu_stats.h"

/* The kick. Main stores what it wants (paused, or the life ENDING), sets look, then
 * signals the thread. The thread clears immediate_exit, looks, and enters KVM_RUN: in
 * this order. A signal that comes before the look is seen by it; one that comes after it
 * has set immediate_exit again, and KVM_RUN returns at once. So no kick is lost, at
 * whichever instruction it comes.
 *
 * The gate clears look under env->lock, and reads there what main stored before it. So
 * the guest's exits cost no lock: only who is told to look takes it.
 */
#define KICK_SIGNAL SIGUSR1

#ifndef WIDEN /* the test of this order sleeps here */
#define WIDEN() ((void)0)
#endif

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

void vcpu_kick(struct vcpu *v)
{
	atomic_store(&v->look, true);
	pthread_kill(v->thread, KICK_SIGNAL);
}

static bool may_leave_locked(const struct vcpu *v) HOLDS(v->env->lock, RANK_VCPU)
{
	return v->life == LIFE_ENDING || (vcpu_life_held(v->life) && !v->env->paused);
}

/* Waits while the VM is paused, the vCPU is switched off, or cannot go on. Whether the
 * guest goes on; else the thread is to end. */
static bool gate(struct vcpu *v) NOT_HOLDING(FROM_VCPU)
{
	struct vcpu_env *env = v->env;
	bool on;

	mtx_lock_at(&v->env->lock, &RANK_VCPU);
	atomic_store(&v->look, false);
	vcpu_step_locked(v, LIFE_HOLD);
	while (!may_leave_locked(v))
		cnd_wait(&env->changed, &v->env->lock);
	on = v->life != LIFE_ENDING;
	if (on)
		vcpu_step_locked(v, LIFE_RELEASE);
	mtx_unlock_at(&v->env->lock, &RANK_VCPU);
	return on;
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
		vcpu_step(v, LIFE_FAULT);
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
	if (errno != EINTR && errno != EAGAIN)
		return run_failed(v, errno);
	if (vcpu_life_now(v) == LIFE_WAITING && arch_vcpu_woken(v))
		vcpu_step(v, LIFE_WAKE);
	return 0;
}

/* KVM carries an access of the guest out when it is next entered, with what we have
 * answered; a wide one asks again, but one string instruction could for ever. Told to
 * leave at once it runs nothing else. */
static int finish_access(struct vcpu *v)
{
	int err = 0;

	v->run->immediate_exit = 1;
	for (int i = 0; i < ACCESS_PARTS_MAX && err == 0; i++) {
		if (!vcpu_life_inside(vcpu_life_now(v)))
			break; /* off, or stuck: nothing of it is KVM's to finish */
		if (ioctl(v->fd, KVM_RUN, 0) < 0)
			break;
		err = handle_exit(v);
	}
	return err;
}

static void run_guest(struct vcpu *v)
{
	int err = 0;

	while (err == 0) { /* clear, look, run: in this order, or a kick is lost */
		v->run->immediate_exit = 0;
		atomic_signal_fence(memory_order_seq_cst);
		WIDEN();
		if (atomic_load(&v->look)) {
			err = finish_access(v);
			if (err == 0 && !gate(v))
				break;
			continue;
		}
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

void *vcpu_run(void *vcpu)
{
	struct vcpu *v = vcpu;
	struct vcpu_env *env = v->env;
	sigset_t set;

	atomic_store(&v->up_ns, now_ns());
	own_run = v->run;
	name_thread(v);
	mtx_lock_at(&env->lock, &RANK_VCPU);
	atomic_store(&v->tid, (int)gettid());
	cnd_wake_all(&env->changed);
	mtx_unlock_at(&env->lock, &RANK_VCPU);
	sigemptyset(&set);
	sigaddset(&set, KICK_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	run_guest(v);
	own_run = NULL;
	atomic_store(&v->last_ns, vcpu_stats_clock_ns(CLOCK_THREAD_CPUTIME_ID));
	vcpu_step(v, LIFE_END);
	return NULL;
}
