#include "vmm/control/vcpu_state.h"

_Static_assert((int)VCPU_ABSENT == (int)SLOT_ABSENT &&
		       (int)VCPU_EJECTED == (int)SLOT_EJECTED &&
		       (int)VCPU_REMOVING == (int)SLOT_NSTATES,
	       "the states of a slot come first");

enum vcpu_state vcpu_state(const struct cpuhp_slot *s)
{
	if (s->remove_requested)
		return VCPU_REMOVING;
	if (s->state == SLOT_ABSENT && s->ejected)
		return VCPU_PARKED;
	return (enum vcpu_state)s->state;
}

const char *vcpu_state_name(enum vcpu_state st)
{
	if (st == VCPU_REMOVING)
		return "removing";
	if (st == VCPU_PARKED)
		return "parked";
	return slot_state_name((enum slot_state)st);
}
