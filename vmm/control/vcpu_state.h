#ifndef VMM_CONTROL_VCPU_STATE_H
#define VMM_CONTROL_VCPU_STATE_H
/* vcpu_state: the state of a vCPU that people and programs are told. The host's intent
 * comes first, then what the guest did. Pure. */

#include "devices/cpuhp.h"

enum vcpu_state {
	VCPU_ABSENT,
	VCPU_PLUGGED,
	VCPU_REGISTERED,
	VCPU_ONLINE,
	VCPU_OFFLINE,
	VCPU_EJECTED,
	VCPU_REMOVING, /* the guest is asked to let it go */
	VCPU_PARKED,   /* it was there, and can come again */
	VCPU_NSTATES
};

enum vcpu_state vcpu_state(const struct cpuhp_slot *s);

/* A static string. */
const char *vcpu_state_name(enum vcpu_state st);

#endif
