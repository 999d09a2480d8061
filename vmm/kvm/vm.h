#ifndef VMM_KVM_VM_H
#define VMM_KVM_VM_H
/* vm: the KVM VM and the guest's memory. Main creates and destroys it; the memory may
 * be used from any thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acpi/topology.h"
#include "vmm/base/text.h"

#define VM_RAM_RANGES_MAX 2

struct host_limits;
struct spec;

struct ram_range {
	uint64_t gpa, len; /* bytes */
};

struct vm {
	int kvm_fd, vm_fd;
	size_t run_len; /* bytes of a vCPU's struct kvm_run mapping */
	const struct topology *topo;
	int *vcpu_fd; /* topo->max_vcpus of them, by index; -1: not made yet */

	unsigned char *ram; /* all ranges one after the other, private, 2 MiB aligned */
	uint64_t ram_len;
	unsigned nranges;
	struct ram_range range[VM_RAM_RANGES_MAX];

	bool nested; /* the guest may be a host itself; x86_64 */

	struct arch_vm *arch; /* what only the architecture knows; owned */
};

/* Opens /dev/kvm and reads what it can do. 0, with the open fd in *kvm_fd; or -errno with
 * *why. */
int vm_open_kvm(int *kvm_fd, struct host_limits *limits, struct text *why);

/* Makes the VM that the spec asks for: memory, interrupt controller, everything but
 * vCPUs. Takes kvm_fd over, also on failure. 0; or -errno with *why and nothing left
 * behind. topo outlives the VM. */
int vm_create(int kvm_fd, const struct spec *spec, const struct topology *topo,
	      struct vm **out, struct text *why);

/* All vCPUs must be destroyed. Takes NULL and half-made VMs. */
void vm_destroy(struct vm *vm);

/* The fd of a vCPU, made by the first call. The VM owns it to its end, whatever becomes
 * of the vCPU: KVM gives an id once, also where the fd was closed. The fd; or -errno.
 * Main only. */
int vm_vcpu_fd(struct vm *vm, uint32_t index);

/* Host address of len bytes of guest memory at gpa, or NULL when they are not all RAM of
 * one range. The only way to reach guest memory. */
void *vm_ram(const struct vm *vm, uint64_t gpa, uint64_t len);

/* Reads len bytes of the file at offset straight into guest memory. 0; -EFAULT when that
 * is not RAM; -ENODATA when the file is shorter; or -errno. */
int vm_read_file(const struct vm *vm, uint64_t gpa, int fd, uint64_t offset,
		 uint64_t len);

/* All guest memory reads as 0 again, and the host has it back. No vCPU runs. 0 or
 * -errno. */
int vm_clear_ram(const struct vm *vm);

#endif
