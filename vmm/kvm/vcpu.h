#ifndef VMM_KVM_VCPU_H
#define VMM_KVM_VCPU_H
/* vcpu: one vCPU, its KVM fd and its thread.
 *
 * Main creates, starts, pauses, stops and destroys; the thread only runs the guest and
 * decodes exits. A fd lives as long as the VM, which owns it; threads come and go: a
 * stopped vCPU is parked and can be started again. */

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "devices/bus.h"
#include "devices/cpuhp.h"
#include "devices/mtx.h"
#include "devices/power.h"
#include "vmm/kvm/vcpu_life.h"
#include "vmm/kvm/vm.h"

/* Why the guest cannot go on. */
enum vcpu_end {
	VCPU_END_NONE,
	VCPU_END_TRIPLE_FAULT,   /* KVM_EXIT_SHUTDOWN; a reset helps */
	VCPU_END_INTERNAL_ERROR, /* KVM_EXIT_INTERNAL_ERROR, KVM_EXIT_FAIL_ENTRY */
	VCPU_END_HOST_ERROR,     /* an ioctl failed, an exit that nobody knows */
};

/* What all vCPUs of a VM share. Constant while a thread runs, but for the gate. */
struct vcpu_env {
	struct vm *vm;
	struct vcpu *const
		*vcpu; /* vm->topo->max_vcpus of them, by index; NULL: not made */
	const struct bus *pio, *mmio;
	const struct power *power; /* of guests that ask KVM */
	struct cpuhp *cpuhp;
	/* The guest cannot go on; detail is a sentence. vCPU thread, which then ends, or
	 * waits for a reset where that helps. */
	void (*ended)(void *ctx, uint32_t index, enum vcpu_end end, const char *detail);
	void *ctx;

	struct mtx lock; /* guards the fields from here on */
	bool paused;
	bool wanted;      /* a vCPU may be READY */
	unsigned running; /* vCPUs of which vcpu_life_inside() */
	struct cnd changed;
};

struct vcpu {
	struct vcpu_env *env;
	uint32_t index;
	int fd; /* the VM's, see vm_vcpu_fd() */
	struct kvm_run *run;
	int stats_fd;          /* vcpu_stats; -1: none */
	uint64_t exits_offset; /* vcpu_stats; 0: not looked for */
	uint64_t made_ns;      /* constant: CLOCK_MONOTONIC, when it was ready */

	bool by_cpu_on; /* constant: the guest starts it by CPU_ON, which we see */

	pthread_t thread;      /* main's */
	uint64_t spent_ns;     /* main's: CPU time of the threads that were joined */
	atomic_int tid;        /* of the thread; 0 until it runs */
	atomic_ullong up_ns;   /* CLOCK_MONOTONIC, when its latest thread began; or 0 */
	atomic_ullong last_ns; /* of the thread, when it ended; 0 before */
	atomic_bool look;      /* the thread is to come to the gate */

	enum vcpu_life life; /* guarded by env->lock */
};

/* Once per process: the signal that kicks a thread out of KVM_RUN. 0 or -errno. */
int vcpu_setup_kick(void);

void vcpu_env_init(struct vcpu_env *env);
void vcpu_env_destroy(struct vcpu_env *env);

/* Takes a step of its life, which the table has: by the thread that vcpu_life.h names. */
void vcpu_step_locked(struct vcpu *v, enum vcpu_life_event ev)
	HOLDS(v->env->lock, RANK_VCPU);
void vcpu_step(struct vcpu *v, enum vcpu_life_event ev) NOT_HOLDING(FROM_VCPU);

/* What its life is at this moment. Any thread; only what the caller itself can change
 * stays so. */
enum vcpu_life vcpu_life_now(struct vcpu *v) NOT_HOLDING(FROM_VCPU);

/* Whether there is a thread, which has an id and a clock. Main. */
bool vcpu_has_thread(struct vcpu *v) NOT_HOLDING(FROM_VCPU);

/* Makes a vCPU ready; no thread. 0; or -errno with nothing left but its fd, which the
 * next try uses. */
int vcpu_create(struct vcpu_env *env, uint32_t index, struct vcpu **out);

/* Starts a vCPU that has no thread; one that was started before starts afresh. Its
 * thread, named vcpu/INDEX, begins now, or where the guest has to switch the vCPU on,
 * when it has. While the VM is paused the thread waits at the gate. 0 or -errno. */
int vcpu_start(struct vcpu *v) NOT_HOLDING(FROM_VCPU);

/* Begins the threads of those that the guest has switched on since. One that the host has
 * no thread for is switched off again. */
void vcpu_start_wanted(struct vcpu_env *env) NOT_HOLDING(FROM_VCPU);

/* Ends the thread, if there is one, and joins it; the vCPU stays, parked, and the guest
 * cannot start it. Bounded: a vCPU thread waits for nothing but the guest, which is
 * kicked. */
void vcpu_stop(struct vcpu *v) NOT_HOLDING(FROM_VCPU);

/* The host's thread id of a started vCPU, for people and for pinning. */
int vcpu_tid(struct vcpu *v) NOT_HOLDING(FROM_VCPU);

/* Stops it, and lets go of all but its fd. Takes NULL. */
void vcpu_destroy(struct vcpu *v);

/* Brings a vCPU back to power-on: the first can then be loaded, the others wait for their
 * start. It is at the gate, or parked. 0 or -errno. */
int vcpu_reset(struct vcpu *v) NOT_HOLDING(FROM_VCPU);

/* Makes all vCPUs of env wait at the gate, and returns when they do. There no instruction
 * of the guest is half done: what it asked of us it has got. */
void vcpu_pause_all(struct vcpu_env *env) NOT_HOLDING(FROM_VCPU);
void vcpu_resume_all(struct vcpu_env *env) NOT_HOLDING(FROM_VCPU);

/* Whether they are made to wait, or do so. Main. */
bool vcpu_all_paused(struct vcpu_env *env) NOT_HOLDING(FROM_VCPU);

#endif
