#ifndef VMM_HOTPLUG_HOTPLUG_JOB_H
#define VMM_HOTPLUG_HOTPLUG_JOB_H
/* hotplug_run: how the running job goes on. Shared by hotplug.c, which checks requests
 * and starts jobs, and hotplug_run.c, which brings them to their end; nobody else
 * includes it. Main only. */

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "vmm/hotplug/hotplug.h"

/* The sets of vCPUs are kept apart: a request that is refused must not touch the job. */
struct hotplug {
	const struct spec *spec;
	struct cpuhp *cpuhp;
	struct vcpu_env *env;
	struct vcpu **vcpu;
	const struct hotplug_listener *listeners;
	size_t nlisteners;
	struct event *timer;

	struct sockets sockets;
	struct job job;
	bool repairs;       /* while a job is started: it is a repair */
	uint32_t *job_cpus; /* what job.cpu points at */
	uint32_t *cpus;     /* of a request that is being checked */
	bool *came_late;    /* by CPU: ejected after its removal was withdrawn */
	bool any_late;
};

/* Makes the ncpus vCPUs in h->cpus the running job's, which enters its first phase. */
void hotplug_start_job(struct hotplug *h, enum job_operation op, uint32_t to,
		       uint32_t ncpus, uint32_t timeout_ms);

/* The same for an add whose vCPUs are made. The guest is told first, and then the
 * listeners: the one has more to do. start_ns: when the request was read. */
void hotplug_start_add(struct hotplug *h, uint32_t to, uint32_t ncpus,
		       uint32_t timeout_ms, uint64_t start_ns);

/* Makes these vCPUs and starts their threads: all of them, or none. An fd that was made
 * stays, parked: KVM gives an id once, and the next request uses it. 0; or -errno with
 * *why. */
int hotplug_make_vcpus(struct hotplug *h, const uint32_t *cpu, uint32_t n,
		       struct text *why);

/* Whether the guest is not quite done with the removal of one of these vCPUs. Plugging it
 * now would lose it. */
bool hotplug_removal_lasts(struct hotplug *h, const uint32_t *cpu, uint32_t n);

void hotplug_enter_phase(struct hotplug *h, enum job_phase p, uint64_t ns);

/* Ends the job. What a removal has left half done is made whole by another job. */
void hotplug_complete(struct hotplug *h, enum job_result result);

/* The job's timer; arg is the hotplug. */
void hotplug_on_timer(evutil_socket_t fd, short what, void *arg);

#endif
