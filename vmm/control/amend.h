#ifndef VMM_CONTROL_AMEND_H
#define VMM_CONTROL_AMEND_H
/* amend: changes the VM's spec as a patch says. Main only.
 *
 * Sockets change the running VM, as a resize does. Cores, threads and maxSockets are
 * stored, in the spec file where there is one, and the condition RestartRequired holds
 * for as long as they are not what runs: a reset keeps the tables that the guest was
 * started with, so only a new start takes them up. All of it is checked, and then all of
 * it done, or nothing. */

#include <stdbool.h>
#include <stdint.h>

#include "vmm/config/patch.h"
#include "vmm/config/spec.h"
#include "vmm/base/text.h"

struct machine;

/* What the spec says of the number: what is stored or, of sockets, wanted. */
uint32_t amend_spec(const struct machine *m, enum spec_cpu k);

struct amended {
	bool changed; /* the spec, or a job began */
	bool job;     /* it is hotplug_job() */
};

/* 0 and *out; or a negative errno with *why, and nothing has changed: -EINVAL for what
 * cannot be, -ERANGE for a number outside its limits, -EBUSY while a job runs and sockets
 * are to change, else what stopped the file from being written or a vCPU from being
 * made. */
int amend(struct machine *m, const struct patch *p, uint32_t timeout_ms,
	  struct amended *out, struct text *why);

#endif
