#ifndef VMM_HOTPLUG_ACTIONS_H
#define VMM_HOTPLUG_ACTIONS_H
/* actions: what a step of an engine leaves to be done, in this order, when the step is
 * over: an engine calls nobody. Each holds what it needs by value: the job may be another
 * one by then. Pure. */

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "devices/cpuhp.h"
#include "vmm/hotplug/job.h"

#define ACTIONS_MAX 24 /* more than any step has; see cpu_engine.c */

enum action_kind {
	ACTION_MAKE, /* the host makes `units`; its answer is the next event */
	ACTION_STOP, /* it stops `units`, which the guest has no longer */

	/* The listeners are told (struct hotplug_listener has what each means). */
	ACTION_TELL_PHASE,
	ACTION_TELL_COMPLETED,
	ACTION_TELL_OST,
	ACTION_COUNT_OST,
	ACTION_TELL_DELETED,  /* units: sockets */
	ACTION_TELL_REFUSED,  /* units: sockets */
	ACTION_TELL_SETTLING, /* units: CPUs, or none any more */
	ACTION_NKINDS
};

struct action {
	enum action_kind kind;
	struct job job;       /* as it was then */
	enum job_phase phase; /* of ACTION_TELL_PHASE */
	struct ost ost;
	struct units units;
	bool by_guest;
};

struct actions {
	unsigned n;
	struct action action[ACTIONS_MAX];
};

/* One more, of this kind and for this job; the caller fills in the rest. */
static inline struct action *actions_add(struct actions *a, enum action_kind kind,
					 const struct job *job)
{
	struct action *new = &a->action[a->n++];

	assert(a->n <= ACTIONS_MAX);
	*new = (struct action){ .kind = kind, .job = *job };
	return new;
}

#endif
