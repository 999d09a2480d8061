#ifndef VMM_KVM_AARCH64_PSCI_H
#define VMM_KVM_AARCH64_PSCI_H
/* psci: the guest's CPU_ON and CPU_OFF (Arm DEN 0022, 5.4 to 5.6), which KVM leaves to us
 * so that a vCPU that is not plugged cannot be started. All other functions are KVM's
 * own. */

#include <stdbool.h>
#include <stdint.h>

#include "acpi/topology.h"
#include "vmm/kvm/vcpu_life.h"

struct vcpu;

#define PSCI_CPU_OFF   0x84000002u
#define PSCI_CPU_ON_32 0x84000003u
#define PSCI_CPU_ON_64 0xc4000003u

/* Answers (5.2.2). */
#define PSCI_SUCCESS            0
#define PSCI_NOT_SUPPORTED      (-1)
#define PSCI_INVALID_PARAMETERS (-2)
#define PSCI_DENIED             (-3)
#define PSCI_ALREADY_ON         (-4)
#define PSCI_ON_PENDING         (-5)
#define PSCI_INTERNAL_FAILURE   (-6)

/* The vCPU with this MPIDR, as CPU_ON names it; or topology.max_vcpus. Pure. */
uint32_t psci_target(const struct topology *t, uint64_t mpidr);

/* What CPU_ON answers for a vCPU with this life: PSCI_SUCCESS when it may start now.
 * Pure. */
int psci_may_start(bool plugged, enum vcpu_life life);

/* Carries out the call that this vCPU has left KVM_RUN for. Its own thread. 0 or
 * -errno. */
int psci_call(struct vcpu *v);

#endif
