#ifndef VMM_KVM_AARCH64_VM_H
#define VMM_KVM_AARCH64_VM_H
/* vm: what aarch64 keeps beside struct vm. Constant once the guest runs. */

#include <stdbool.h>
#include <stdint.h>

#include "vmm/kvm/aarch64/gic_image.h"

#define VM_ADDRESS_BITS                                                                  \
	40 /* of the guest's physical addresses, where the host has as many */

struct arch_vm {
	uint32_t target;                /* of KVM_ARM_VCPU_INIT */
	bool filters;                   /* CPU_ON and CPU_OFF come to us */
	int gic_fd;                     /* of the vGIC; -1: not made */
	struct gic_image gic;           /* at power-on */
	struct gic_vcpu_image gic_vcpu; /* of any vCPU, at power-on */
	struct vcpu_image *image; /* of vCPUs' registers at power-on; NULL: not made */
};

#endif
