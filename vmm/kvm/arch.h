#ifndef VMM_KVM_ARCH_H
#define VMM_KVM_ARCH_H
/* arch: what an architecture has to provide. Each function is written once in each
 * architecture's folder, and called from common code without any #ifdef. */

#include <stdbool.h>
#include <stdint.h>

#include "devices/bus.h"
#include "vmm/base/text.h"
#include "vmm/kvm/vm.h"

struct host_limits;
struct power;
struct uart;
struct vcpu;

/* Where RAM of this many bytes stands in the guest; returns the number of ranges,
 * ascending, the first of which holds everything that is loaded. */
unsigned arch_ram_layout(uint64_t len, struct ram_range range[VM_RAM_RANGES_MAX]);

/* What limits hotplug on this host beside the numbers that KVM gives. */
void arch_host_limits(int kvm_fd, struct host_limits *limits);

/* The argument of KVM_CREATE_VM. */
unsigned long arch_vm_type(int kvm_fd);

/* After KVM_CREATE_VM and the memory, before any vCPU: capabilities and the interrupt
 * controller. 0; or -errno with *why. arch_vm_destroy() takes what it left. */
int arch_vm_init(struct vm *vm, struct text *why);
void arch_vm_destroy(struct vm *vm);

/* How many vCPUs are made before the first runs, with boot that the guest boots with. */
uint32_t arch_first_vcpus(const struct topology *t, uint32_t boot);

/* After these were made, and before the guest is loaded. 0; or -errno with *why. */
int arch_vm_complete(struct vm *vm, struct text *why);

/* Makes a new vCPU ready to wait for its start by the guest, and says in v->by_cpu_on
 * whether it does that without a thread; its fd is open and its run structure mapped.
 * Main. 0 or -errno. */
int arch_vcpu_init(struct vm *vm, struct vcpu *v);

/* Brings a vCPU that was started before back to that state; it has no thread. 0 or
 * -errno. */
int arch_vcpu_rearm(struct vcpu *v);

/* The machine starts again; no vCPU is in KVM_RUN, and lines are low. The interrupt
 * controllers and what the VM knows of its guest go back to power-on; so does any vCPU,
 * also a parked one: the first is to be loaded then, the others wait for their start. 0
 * or -errno. */
int arch_vm_reset(struct vm *vm);
int arch_vcpu_reset(struct vcpu *v);

/* KVM_RUN of a vCPU whose life is WAITING said EAGAIN or EINTR: whether the guest has
 * started it. The vCPU's own thread. */
bool arch_vcpu_woken(struct vcpu *v);

/* KVM_RUN stopped for a reason that only this architecture has. The vCPU's own thread. 0;
 * or -ENOSYS when the exit is not one of ours; or -errno. */
int arch_vcpu_exit(struct vcpu *v);

/* Puts the UART, and what only this architecture has, on the right bus. 0 or -errno. */
int arch_add_devices(struct vm *vm, struct bus *pio, struct bus *mmio, struct uart *uart,
		     struct power *power);

/* Level of an interrupt line, numbered as in the ACPI tables. Any thread; does not block.
 * 0 or -errno. */
int arch_set_irq(const struct vm *vm, uint32_t intr, bool level);

#endif
