#ifndef VMM_KVM_X86_64_POWER_ON_H
#define VMM_KVM_X86_64_POWER_ON_H
/* power_on: what vCPUs and interrupt controllers hold at power-on, kept for
 * arch_vcpu_reset() and arch_vm_reset(). It is the same for every vCPU but the first and
 * but for the APIC id, so a VM keeps two images, however many vCPUs it has. Main only. */

struct power_on;
struct vcpu;
struct vm;

/* Makes vm->arch->power_on, with the state of interrupt controllers that are new;
 * vm->arch->cpuid is there. 0 or -errno. */
int power_on_save_vm(struct vm *vm);
void power_on_destroy(struct power_on *p);

/* Gives a new vCPU, which has its CPUID, what is the VMM's to set at power-on, and keeps
 * its state, where there is none like it. What this host does not take back is found here
 * and left out. 0 or -errno. */
int power_on_save_vcpu(const struct vcpu *v);

#endif
