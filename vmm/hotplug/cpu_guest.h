#ifndef VMM_HOTPLUG_CPU_GUEST_H
#define VMM_HOTPLUG_CPU_GUEST_H
/* cpu_guest: what the slots show of the guest, in the words of jobs. Asks and changes
 * nothing. Main only. */

#include <stdbool.h>
#include <stdint.h>

#include "devices/cpuhp.h"
#include "vmm/hotplug/job.h"

/* A job_reached_fn; the guest is the cpuhp. */
uint64_t cpu_reached_ns(void *cpuhp, uint32_t cpu, enum job_phase p);

/* Whether the guest is not quite done with the removal of one of these. Plugging it now
 * would lose it. */
bool cpu_removal_lasts(struct cpuhp *hp, const struct units *cpus);

/* Whether the guest refuses the operation by what it said of this CPU. What it says is a
 * hint: it may have been said before it came so far, and what the slot shows to be so
 * cannot be refused any more. Of a CPU that it may have found by itself, "failure" can
 * mean that it has it already. Pure. */
bool cpu_refuses(const struct ost *ost, enum job_operation op,
		 const struct cpuhp_slot *slot);

#endif
