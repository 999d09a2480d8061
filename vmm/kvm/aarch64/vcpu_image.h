#ifndef VMM_KVM_AARCH64_VCPU_IMAGE_H
#define VMM_KVM_AARCH64_VCPU_IMAGE_H
/* vcpu_image: the registers of a vCPU as KVM_ARM_VCPU_INIT leaves them, which are the
 * same for all vCPUs of a VM but for those that say which one it is. Written back they
 * make a vCPU that has run a new one, without that ioctl. */

#include "vmm/kvm/vcpu.h"

struct vcpu_image;

/* Whether a register that KVM lists is one that a start sets: not a clock, which is the
 * whole VM's; not what says which CPU this is and what it can do; not KVM's firmware.
 * Pure. */
bool vcpu_image_holds(uint64_t id);

/* Keeps the image of the VM's first vCPU that is made; after that it does nothing. The
 * vCPU has not run. Main. 0 or -errno. */
int vcpu_image_keep(struct vm *vm, struct vcpu *v);

/* Writes the image to a vCPU that is not in KVM_RUN. Any thread. 0 or -errno. */
int vcpu_image_write(const struct vcpu *v);

void vcpu_image_free(struct vcpu_image *image);

#endif
