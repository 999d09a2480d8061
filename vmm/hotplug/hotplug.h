#ifndef VMM_HOTPLUG_HOTPLUG_H
#define VMM_HOTPLUG_HOTPLUG_H
/* hotplug: carries requests out. A request is checked whole, then the vCPUs are made,
 * then the guest is told, and the job lives until the guest has answered. One job at a
 * time. Main only. */

#include <stddef.h>
#include <stdint.h>

#include "vmm/hotplug/job.h"
#include "vmm/hotplug/sockets.h"
#include "vmm/config/spec.h"
#include "vmm/base/text.h"
#include "vmm/kvm/vcpu.h"

struct event_base;
struct hotplug;

#define HOTPLUG_TIMEOUT_MS  120000 /* default of a job */
#define HOTPLUG_TIMEOUT_MAX 86400000
#define HOTPLUG_QUIET_MS    30000 /* without progress, once all are registered */
#define HOTPLUG_OST_MS      2000  /* how long an ejected CPU's final _OST is waited for */

/* Whoever wants to know. All called on main; what is NULL is not. */
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
	void *ctx;
};

/* 0 or -errno. Everything given outlives it. vcpu has topo->max_vcpus entries, NULL where
 * there is no fd yet; hotplug fills them in. The nlisteners are told in their order. */
int hotplug_new(struct event_base *base, const struct spec *spec, struct cpuhp *cpuhp,
		struct vcpu_env *env, struct vcpu **vcpu,
		const struct hotplug_listener *listeners, size_t nlisteners,
		struct hotplug **out);
void hotplug_free(struct hotplug *h);

/* The sockets that are wanted: by the job that runs, or else there are. */
uint32_t hotplug_wanted(const struct hotplug *h);

/* Whether hotplug_resize() would take this number: 0; or -ERANGE, or -EBUSY, with
 * *why. */
int hotplug_check_resize(const struct hotplug *h, int64_t sockets, struct text *why);

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

/* Ends the running job: an add that the guest has not registered is taken back, a removal
 * is asked for no longer. 0; or -ENOENT without a job, -EBUSY when the guest is too
 * far. */
int hotplug_cancel(struct hotplug *h, struct text *why);

/* The machine starts again, with every vCPU at the gate: what the guest did before
 * counts, what it was asked to remove is gone, what it was given is there when it boots.
 * Jobs go on with the next hotplug_look(). */
void hotplug_reset(struct hotplug *h);

/* Looks at what the guest has done; any vCPU thread may ask for it with wake_ring(). */
void hotplug_look(void *hotplug);

/* The job that runs or ran last, or NULL. */
const struct job *hotplug_job(const struct hotplug *h);

const struct sockets *hotplug_sockets(const struct hotplug *h);

#endif
