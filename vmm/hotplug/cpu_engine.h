#ifndef VMM_HOTPLUG_CPU_ENGINE_H
#define VMM_HOTPLUG_CPU_ENGINE_H
/* cpu_engine: the jobs of CPUs, one step at a time: state and event in, state and actions
 * out. One job at a time. It looks at the guest's slots and marks them (cpuhp), and
 * touches nothing else: no thread, no timer, no clock, no listener; whoever drives it
 * does that when the step is over. Main only. */

#include <stdint.h>

#include "vmm/hotplug/actions.h"
#include "vmm/hotplug/cpu_guest.h"
#include "vmm/hotplug/sockets.h"

#define CPU_OSTS_PER_S 128  /* that answer nothing; the rest is counted in the next */
#define CPU_OST_MS     2000 /* how long an ejected CPU's final _OST is waited for */

/* All that it remembers. Plain data. */
struct cpu_jobs {
	struct job job;    /* the one that runs or ran last */
	struct units late; /* ejected after their removal was withdrawn: they come back */
	struct units owed; /* ejected; the guest has not said its final _OST */
	struct units gone; /* sockets that went, and that was told */
	/* Of the removal that runs: the guest was on its way with these for an earlier
	 * one, and its next answer is that one's. */
	struct units answering;
	/* Of one that ended: the guest is on its way with these, and may yet eject them.
	 * It is waited for so long. */
	struct units settling;
	uint64_t settled_ns;
	/* _OSTs that answer nothing: told in the second that began then, and not told. */
	uint64_t osts_ns;
	uint32_t osts_told, osts_merged;
};

struct cpu_engine {
	const struct sockets *sockets; /* constant */
	struct cpu_jobs now;
};

enum cpu_event_kind {
	CPU_LOOK,     /* time went by, or the guest runs or stops a CPU */
	CPU_EJECTED,  /* it let this CPU go, whose thread has ended; it is parked */
	CPU_OST,      /* it said something */
	CPU_BEGIN,    /* this is to be done; no job runs */
	CPU_MADE,     /* of ACTION_MAKE: the host has them */
	CPU_NOT_MADE, /* the host cannot; why */
	CPU_CANCEL,   /* the job is to end: -ENOENT without one; -EBUSY when the guest is
	                 too far, and nothing is changed */
	CPU_RESET,    /* the guest starts again, with every vCPU at the gate */
	CPU_NEVENTS
};

struct cpu_event {
	enum cpu_event_kind kind;
	uint32_t cpu;         /* of CPU_EJECTED */
	struct ost ost;       /* of CPU_OST */
	struct job_plan plan; /* of CPU_BEGIN */
	bool made;            /* of CPU_BEGIN, to add: the vCPUs run already */
	struct text why;      /* of CPU_NOT_MADE */
};

/* Takes one event. 0, or what the event says; *out is what is left to be done. */
int cpu_engine_step(struct cpu_engine *e, const struct cpu_event *ev, uint64_t now_ns,
		    struct actions *out);

/* When CPU_LOOK is due though nothing happens; UINT64_MAX: never. */
uint64_t cpu_engine_due_ns(const struct cpu_engine *e);

#endif
