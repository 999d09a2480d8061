#ifndef VMM_HOTPLUG_HOTPLUG_H
#define VMM_HOTPLUG_HOTPLUG_H
/* hotplug: carries requests out. A request is checked whole, then the vCPUs are made,
 * then the guest is told, and the job lives until the guest has answered. One job at a
 * time. Main only. */

#include <stddef.h>
#include <stdint.h>

#include "vmm/base/text.h"
#include "vmm/config/spec.h"
#include "vmm/hotplug/job.h"
#include "vmm/hotplug/sockets.h"

struct hotplug;

#define HOTPLUG_TIMEOUT_MS  JOB_TIMEOUT_MS /* default of a job */
#define HOTPLUG_TIMEOUT_MAX 86400000

/* What hotplug needs of the host; vcpu_host has it. All called on main. */
struct hotplug_host {
	/* Starts this vCPU's thread, and makes the vCPU where it is not yet made. 0 or
	 * -errno. */
	int (*start)(void *ctx, uint32_t cpu);
	/* Ends its thread, if it has one: nothing of it runs then. The vCPU stays. */
	void (*stop)(void *ctx, uint32_t cpu);
	/* Has hotplug_look() called at this time, and at none that was set before;
	 * UINT64_MAX: not at all. */
	void (*set_timer)(void *ctx, uint64_t at_ns);
	/* CLOCK_MONOTONIC. */
	uint64_t (*now_ns)(void *ctx);
	void *ctx;
};

/* Whoever wants to know. All called on main, when a step is over; what is NULL is not.
 * They may ask what there is, and request nothing. */
struct hotplug_listener {
	/* The job entered this phase, or ended. */
	void (*phase)(void *ctx, const struct job *job, enum job_phase phase);
	void (*completed)(void *ctx, const struct job *job);
	/* The guest sent an _OST. */
	void (*ost)(void *ctx, const struct ost *ost);
	/* This socket is gone, by the guest's own act or by request; it still has its
	 * id. */
	void (*deleted)(void *ctx, uint32_t socket, bool by_guest);
	/* The guest does not let go of this socket. */
	void (*refused)(void *ctx, uint32_t socket);
	/* The guest may yet eject these CPUs, for a removal that is over; or it may not
	 * any more. Told after each end, too. */
	void (*settling)(void *ctx, const struct units *cpus);
	/* The guest sent one of a flood that answers nothing: the next that is told
	 * counts it as merged. */
	void (*ost_merged)(void *ctx, const struct ost *ost);
	void *ctx;
};

/* What there is at one moment, counted in sockets. */
struct hotplug_view {
	uint32_t count;            /* there are */
	uint32_t wanted;           /* by the job that runs; else the count */
	uint32_t taken;            /* the guest has */
	const struct job *running; /* or NULL */
	bool settling;             /* hotplug_settling() has any */
};

/* 0 or -errno. Everything given outlives it; *host is copied. The nlisteners are told in
 * their order. */
int hotplug_new(const struct hotplug_host *host, const struct spec *spec,
		struct cpuhp *cpuhp, const struct hotplug_listener *listeners,
		size_t nlisteners, struct hotplug **out);
void hotplug_free(struct hotplug *h);

struct hotplug_view hotplug_view(const struct hotplug *h);

/* Whether hotplug_resize() would take this number in this view: 0; or -ERANGE or -EBUSY
 * and others with *why. Pure. */
int hotplug_check_resize(const struct spec *spec, const struct hotplug_view *v,
			 int64_t sockets, struct text *why);

/* Makes what hotplug_resize() to this number, which is checked, would have to make, and
 * the guest sees none of it: so that the host's limits are met before anything is done.
 * 0, or -errno with *why. */
int hotplug_prepare(struct hotplug *h, uint32_t sockets, struct text *why);

/* Asks for this number of sockets in all. 0, and hotplug_job() is the job, which may be
 * over when there was nothing to do; or a negative errno with *why, and nothing has
 * changed: -ERANGE for a number outside 1 to maxSockets, -EBUSY while another job runs,
 * and whatever stopped a vCPU from being made. Asking for what there is finishes what is
 * unfinished. */
int hotplug_resize(struct hotplug *h, int64_t sockets, uint32_t timeout_ms,
		   struct text *why);

/* Adds one socket, named id, or removes it. As hotplug_resize(); -ERANGE for a socket
 * that is not possible, -EEXIST when it is there or the id is in use, -ENOENT when it is
 * not. */
int hotplug_add(struct hotplug *h, int64_t socket, const char *id, struct text *why);
int hotplug_remove(struct hotplug *h, const char *id, uint32_t timeout_ms,
		   struct text *why);

/* Ends the job that runs now: an add of which the guest has seen nothing is taken back, a
 * removal is asked for no longer. 0; or -ENOENT without a job, also where what the guest
 * did just now has ended it, though that may have begun another; -EBUSY when the guest is
 * too far. */
int hotplug_cancel(struct hotplug *h, struct text *why);

/* The machine starts again, with every vCPU at the gate: what the guest did before
 * counts, what it was asked to remove is gone, what it was given is there when it boots.
 * Jobs go on with the next hotplug_look(). */
void hotplug_reset(struct hotplug *h);

/* Looks at what the guest has done, and at the time; any vCPU thread may ask for it with
 * wake_ring(). */
void hotplug_look(void *hotplug);

/* The job that runs or ran last, or NULL. */
const struct job *hotplug_job(const struct hotplug *h);

/* CPUs that the guest was asked for, is asked for no longer, and may yet eject: it has
 * not said how that ends. Empty after JOB_QUIET_MS without an answer. */
const struct units *hotplug_settling(const struct hotplug *h);

const struct sockets *hotplug_sockets(const struct hotplug *h);

#endif
