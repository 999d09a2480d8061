#ifndef VMM_KVM_AARCH64_REG_H
#define VMM_KVM_AARCH64_REG_H
/* reg: registers of a vCPU that is not in KVM_RUN, or of one's own. */

#include <stdint.h>

#include "vmm/kvm/vcpu.h"

/* X0 to X30, and PC, as KVM numbers them. */
#define REG_X(n) (REG_CORE | (n)*UINT64_C(2))
#define REG_PC   (REG_CORE | 0x40)
#define REG_CORE (KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE)

/* 0 or -errno. */
int reg_get(const struct vcpu *v, uint64_t id, uint64_t *value);
int reg_set(const struct vcpu *v, uint64_t id, uint64_t value);

#endif
