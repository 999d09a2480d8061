#include "vmm/hotplug/cpu_guest.h"

/* When a vCPU that is gone went through this phase of a removal. It may have gone before
 * the job began, and then has no times. */
static uint64_t removed_ns(const struct cpuhp_slot *s, enum job_phase p)
{
	uint64_t ns = p == JOB_OFFLINING ? s->offlining_ns
		      : p == JOB_EJECTED ? s->ejected_ns
					 : s->gone_ns;

	return ns > 0 ? ns : 1;
}

uint64_t cpu_reached_ns(void *cpuhp, uint32_t cpu, enum job_phase p)
{
	struct cpuhp_slot s = cpuhp_get(cpuhp, cpu);

	if (p >= JOB_REQUESTED && s.state == SLOT_ABSENT && !s.ost_due)
		return removed_ns(&s, p);
	switch (p) {
	case JOB_REGISTERED:
		return s.registered_ns;
	case JOB_ONLINE:
		return s.state == SLOT_ONLINE ? s.online_ns : 0;
	case JOB_OFFLINING:
		return s.offlining_ns;
	case JOB_EJECTED:
		return s.ejected_ns;
	default:
		return 0; /* entered by the host, or not yet gone */
	}
}

bool cpu_removal_lasts(struct cpuhp *hp, const struct units *cpus)
{
	UNITS_EACH (cpu, cpus) {
		struct cpuhp_slot s = cpuhp_get(hp, cpu);

		if (s.state == SLOT_EJECTED || (s.state == SLOT_ABSENT && s.ost_due))
			return true;
	}
	return false;
}

static bool may_mean_has_it(const struct ost *ost, const struct cpuhp_slot *slot)
{
	return ost->event == OST_DEVICE_CHECK && ost->status == OST_FAILURE &&
	       (slot->may_know || slot->in_tables);
}

bool cpu_refuses(const struct ost *ost, enum job_operation op,
		 const struct cpuhp_slot *slot)
{
	static const uint32_t about[JOB_NOPERATIONS] = {
		[JOB_ADD] = OST_DEVICE_CHECK,
		[JOB_REMOVE] = OST_EJECT_REQUEST,
	};
	static const bool open[JOB_NOPERATIONS][SLOT_NSTATES] = {
		[JOB_ADD] = { [SLOT_PLUGGED] = true },
		[JOB_REMOVE] = { [SLOT_PLUGGED] = true,
				 [SLOT_REGISTERED] = true,
				 [SLOT_ONLINE] = true,
				 [SLOT_OFFLINE] = true },
	};

	return ost->event == about[op] && ost->status != OST_SUCCESS &&
	       ost->status != OST_IN_PROGRESS && open[op][slot->state] &&
	       !may_mean_has_it(ost, slot);
}
