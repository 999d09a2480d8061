#ifndef VMM_KVM_AARCH64_SMCCC_H
#define VMM_KVM_AARCH64_SMCCC_H
/* smccc: KVM's filter of the guest's calls by HVC and SMC. It can be set until the first
 * vCPU runs, and then stands (Documentation/virt/kvm/devices/vm.rst,
 * KVM_ARM_VM_SMCCC_CTRL). */

#include <stdbool.h>

/* Whether KVM has it; Linux 6.4 and later. */
bool smccc_has_filter(int vm_fd);

/* PSCI's CPU_ON and CPU_OFF come to us. 0 or -errno. */
int smccc_forward_cpu_calls(int vm_fd);

#endif
