#ifndef VMM_KVM_X86_64_VM_H
#define VMM_KVM_X86_64_VM_H
/* vm: what x86_64 keeps beside struct vm. */

#include <stdatomic.h>
#include <stdbool.h>

#include "devices/x86_64/ioapic.h"
#include "vmm/kvm/x86_64/cpuid.h"

struct kvm_cpuid2;
struct power_on;

struct arch_vm {
	struct kvm_cpuid2 *cpuid;   /* of the vCPU made last; main */
	struct power_on *power_on;  /* what a reset brings back; main */
	struct cpuid_choice choice; /* constant */
	bool x2apic;          /* constant: ids above 254, so vCPUs start in x2APIC mode */
	struct ioapic ioapic; /* where x2apic: KVM's own does not reach these ids */

	/* The guest has written MSR_PV_EOI: it will do so for every CPU that it runs. */
	atomic_bool announces;
};

/* A Linux guest on KVM enables this MSR on a CPU when the CPU is in its online mask, and
 * clears it on the way out (Documentation/virt/kvm/x86/msr.rst). */
#define MSR_PV_EOI 0x4b564d04
#define PV_EOI_ON  1u

/* A bit of a vCPU's sregs.apic_base. */
#define X2APIC_ON UINT64_C(0x400)

#endif
