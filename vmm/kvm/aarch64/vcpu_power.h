#ifndef VMM_KVM_AARCH64_VCPU_POWER_H
#define VMM_KVM_AARCH64_VCPU_POWER_H
/* power: a vCPU is switched on and off. KVM's own view of it (mp_state) is kept in step,
 * as it answers AFFINITY_INFO by that. */

#include <stdint.h>

#include "vmm/kvm/vcpu.h"

/* What KVM holds of it. It is not in KVM_RUN. 0 or -errno. */
int power_set(const struct vcpu *v, bool on);

/* The same, and to the state of KVM_ARM_VCPU_INIT: a vCPU that has not run, or at a
 * reset. For one that has run, a host without FWB takes all memory from all vCPUs, which
 * fault it in again. */
int power_init(const struct vcpu *v, bool on);

/* Ends the CPU_ON that its life is in: the vCPU starts at entry (a guest physical
 * address) with context in X0. The caller's thread. 0; or -errno, and it is off: -EPERM
 * when the host has taken it away just now. */
int power_on(struct vcpu *v, uint64_t entry, uint64_t context) NOT_HOLDING(FROM_VCPU);

/* Switches the vCPU off that asks for it. Its own thread. 0 or -errno. */
int power_off(struct vcpu *v) NOT_HOLDING(FROM_VCPU);

#endif
