#include "vmm/kvm/aarch64/vm.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <stdio.h>
#include <unistd.h>

#include "acpi/layout.h"
#include "devices/power.h"
#include "devices/uart.h"
#include "vmm/kvm/aarch64/gic.h"
#include "vmm/kvm/aarch64/smccc.h"
#include "vmm/kvm/aarch64/vcpu_image.h"
#include "vmm/config/spec.h"
#include "vmm/kvm/arch.h"

/* The bits of guest physical addresses; 0 means 40 to KVM. */
unsigned long arch_vm_type(int kvm_fd)
{
	int most = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE);

	return most > 0 && most < VM_ADDRESS_BITS ? (unsigned long)most : 0;
}

void arch_host_limits(int kvm_fd, struct host_limits *limits)
{
	int vm_fd = ioctl(kvm_fd, KVM_CREATE_VM, arch_vm_type(kvm_fd));
	struct utsname host;

	limits->boot_only = vm_fd >= 0 && !smccc_has_filter(vm_fd);
	if (vm_fd >= 0)
		close(vm_fd);
	if (uname(&host) == 0)
		(void)snprintf(limits->kernel, sizeof(limits->kernel), "%s",
			       host.release);
}

int arch_vm_init(struct vm *vm, struct text *why)
{
	struct kvm_vcpu_init preferred;
	struct kvm_enable_cap nisv = { .cap = KVM_CAP_ARM_NISV_TO_USER };
	int err;

	vm->arch = calloc(1, sizeof(*vm->arch));
	if (vm->arch == NULL)
		return text_set(why, -ENOMEM, "no memory for the VM");
	vm->arch->gic_fd = -1;
	if (ioctl(vm->vm_fd, KVM_ARM_PREFERRED_TARGET, &preferred) < 0)
		return text_set(why, -errno, "KVM does not tell its kind of vCPU: %s",
				text_errno(errno));
	vm->arch->target = preferred.target;
	vm->arch->filters = smccc_has_filter(vm->vm_fd);
	err = vm->arch->filters ? smccc_forward_cpu_calls(vm->vm_fd) : 0;
	if (err < 0)
		return text_set(why, err, "KVM does not leave CPU_ON to hotsocket: %s",
				text_errno(-err));
	/* A host that cannot do it ends the VM where this one tells the guest. */
	(void)ioctl(vm->vm_fd, KVM_ENABLE_CAP, &nisv);
	return 0;
}

uint32_t arch_first_vcpus(const struct topology *t, uint32_t boot)
{
	(void)boot;
	return t->max_vcpus;
}

int arch_vm_complete(struct vm *vm, struct text *why)
{
	return gic_create(vm, why);
}

void arch_vm_destroy(struct vm *vm)
{
	if (vm->arch == NULL)
		return;
	if (vm->arch->gic_fd >= 0)
		close(vm->arch->gic_fd);
	vcpu_image_free(vm->arch->image);
	free(vm->arch);
	vm->arch = NULL;
}

int arch_vm_reset(struct vm *vm)
{
	return gic_reset(vm);
}

int arch_add_devices(struct vm *vm, struct bus *pio, struct bus *mmio, struct uart *uart,
		     struct power *power)
{
	(void)vm;
	(void)pio;
	(void)power;
	return bus_add(mmio, UART_BASE, UART_LEN, uart_access, uart);
}

int arch_set_irq(const struct vm *vm, uint32_t intr, bool level)
{
	struct kvm_irq_level irq = {
		.irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | intr,
		.level = level
	};

	return ioctl(vm->vm_fd, KVM_IRQ_LINE, &irq) < 0 ? -errno : 0;
}
