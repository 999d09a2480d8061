#ifndef VMM_KVM_AARCH64_GIC_H
#define VMM_KVM_AARCH64_GIC_H
/* gic: the GICv3 that KVM has for us (Documentation/virt/kvm/devices/arm-vgic-v3.rst).
 * Its redistributors are given out in the order in which the vCPUs were made, and once it
 * is made no vCPU can be added: all possible ones come first. Main only. */

#include "vmm/base/text.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/vm.h"

/* After all vCPUs were made; keeps what a reset brings back. 0; or -errno with *why. */
int gic_create(struct vm *vm, struct text *why);

/* What all vCPUs share goes back to power-on, and what is one vCPU's own. No vCPU is in
 * KVM_RUN, and lines are low. 0 or -errno. */
int gic_reset(const struct vm *vm);
int gic_reset_vcpu(const struct vcpu *v);

#endif
