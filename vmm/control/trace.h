#ifndef VMM_CONTROL_TRACE_H
#define VMM_CONTROL_TRACE_H
/* trace: where the time of an add went, from the stamps that the slots, the vCPUs and the
 * job keep anyway. Main only. */

#include <stddef.h>
#include <stdint.h>

#include "vmm/hotplug/job.h"
#include "vmm/kvm/vcpu.h"

#define TRACE_STEPS 9

struct trace_step {
	const char *name; /* static: "line-raised" */
	uint64_t ns; /* CLOCK_MONOTONIC, when the last of the job's vCPUs was there */
};

/* The steps of an add in the order of time; how many there are. A step that not every
 * vCPU took since the request was read is left out: an fd may be there from an earlier
 * add. vcpu has an entry for each possible vCPU. None of a removal. */
size_t trace_add(const struct job *j, struct cpuhp *hp, struct vcpu *const *vcpu,
		 struct trace_step out[TRACE_STEPS]);

#endif
