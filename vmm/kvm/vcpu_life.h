#ifndef VMM_KVM_VCPU_LIFE_H
#define VMM_KVM_VCPU_LIFE_H
/* vcpu_life: the life of one vCPU's thread, from made to parked and back, as a pure
 * table. No ioctl, no clock, no lock: each step is taken with vcpu_env.lock held, by the
 * thread that is named beside the event. */

#include <stdbool.h>

enum vcpu_life {
	LIFE_NEW,    /* made, never started */
	LIFE_PARKED, /* it was started, and has been stopped; the guest cannot start it */

	/* Started, but by CPU_ON: until then without a thread. */
	LIFE_OFF,      /* it waits for CPU_ON */
	LIFE_STARTING, /* a CPU_ON writes its registers */
	LIFE_READY,    /* CPU_ON is done; main is to make the thread */

	/* In the guest, or handling an exit of it. */
	LIFE_WAITING, /* the guest is not known to have started it */
	LIFE_RUNNING,

	/* Its thread is at the gate, or on the way there and done with KVM. */
	LIFE_HELD_WAITING, /* WAITING, and the VM is paused */
	LIFE_HELD,         /* RUNNING, and the VM is paused, or CPU_ON is just done */
	LIFE_RESTING,      /* off: it waits for CPU_ON */
	LIFE_WAKING,       /* a CPU_ON writes its registers */
	LIFE_STUCK,        /* it cannot go on before a reset */

	LIFE_ENDING, /* told to end, wherever it is */
	LIFE_ENDED,  /* has ended, and is not joined yet */
	LIFE_NSTATES
};

enum vcpu_life_event {
	LIFE_START,         /* main: the guest may switch it on by CPU_ON */
	LIFE_SPAWN,         /* main: it gets a thread */
	LIFE_SPAWN_FAILED,  /* main: there was none to be had */
	LIFE_WAKE,          /* its thread: the guest has started it */
	LIFE_HOLD,          /* its thread: it has come to the gate */
	LIFE_RELEASE,       /* its thread: the gate is open */
	LIFE_CPU_ON,        /* the caller's thread: begins */
	LIFE_CPU_ON_DONE,   /* the same: all is written */
	LIFE_CPU_ON_FAILED, /* the same: it is off as before */
	LIFE_CPU_OFF,       /* its thread */
	LIFE_FAULT,         /* its thread: it cannot go on */
	LIFE_STOP,          /* main: it is to have no thread */
	LIFE_END,           /* its thread: the last that it does */
	LIFE_JOIN,          /* main: the thread is joined */
	LIFE_RESET,         /* main, the VM is paused: it starts again */
	LIFE_RESET_OFF,     /* the same: it waits for CPU_ON again */
	LIFE_NEVENTS
};

/* Applies ev to *life. 0; or -EINVAL, and *life untouched, when the table has no such
 * step. */
int vcpu_life_step(enum vcpu_life *life, enum vcpu_life_event ev);

/* Whether there is a thread, which main has to join. */
bool vcpu_life_has_thread(enum vcpu_life life);

/* Whether the thread may be in KVM, or in a device for the guest: who wants to find the
 * guest at rest waits until this is so of none. */
bool vcpu_life_inside(enum vcpu_life life);

/* Whether the thread may leave the gate when the VM is not paused. */
bool vcpu_life_held(enum vcpu_life life);

/* Whether a CPU_ON is under way, which ends without waiting for anybody. */
bool vcpu_life_is_switching(enum vcpu_life life);

#endif
