#ifndef VMM_KVM_X86_64_CPUID_H
#define VMM_KVM_X86_64_CPUID_H
/* cpuid: what the guest's CPUID says, made out of what KVM supports. Pure. */

#include <linux/kvm.h>
#include <stdbool.h>

#include "acpi/topology.h"

/* Entries that cpuid_make() may add to the host's list. */
#define CPUID_EXTRA 13

/* What a guest's CPUID has beside its place in the topology. */
struct cpuid_choice {
	bool tsc_deadline;  /* KVM has that timer */
	bool nested;        /* the guest may be a host itself: it has VMX or SVM */
	uint32_t model[12]; /* the CPU's name, EAX to EDX of leaves 0x80000002 to 4 */
};

/* Turns c, the list of KVM_GET_SUPPORTED_CPUID with room for CPUID_EXTRA more entries,
 * into the list of the vCPU with this index: topology leaves 1, 4, 0xB, 0x1F (Intel SDM
 * 2A, CPUID), 0x80000001, 0x80000008, 0x8000001D and 0x8000001E (AMD APM 3, appendix E),
 * the CPU's name and the hypervisor leaves; and hides what makes the start of a CPU slow.
 * What a list already has for another vCPU is written over, so it may be used again. */
void cpuid_make(struct kvm_cpuid2 *c, const struct topology *t, uint32_t index,
		const struct cpuid_choice *choice);

/* Whether the list is of an AMD host, or of one that is AMD's in all but name. */
bool cpuid_is_amd(struct kvm_cpuid2 *c);

/* Whether the list of KVM_GET_SUPPORTED_CPUID has VMX or SVM. */
bool cpuid_has_nested(struct kvm_cpuid2 *c);

/* The entry of this leaf and subleaf, or NULL. */
struct kvm_cpuid_entry2 *cpuid_find(struct kvm_cpuid2 *c, uint32_t leaf,
				    uint32_t subleaf);

#endif
