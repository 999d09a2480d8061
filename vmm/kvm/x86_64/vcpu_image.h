#ifndef VMM_KVM_X86_64_VCPU_IMAGE_H
#define VMM_KVM_X86_64_VCPU_IMAGE_H
/* reset: what vCPUs and interrupt controllers hold at power-on, kept for
 * arch_vcpu_reset() and arch_vm_reset(). It is the same for every vCPU but the first and
 * but for the APIC id, so a VM keeps it twice, however many vCPUs it has. Main only. */

struct power_on;
struct vcpu;
struct vm;

/* Makes vm->arch->power_on, with the state of interrupt controllers that are new. 0 or
 * -errno. */
int power_on_save_vm(struct vm *vm);

/* Keeps the state of a vCPU that is new and has its CPUID, where there is none like it. 0
 * or -errno. */
int power_on_save_vcpu(const struct vcpu *v);

#endif
