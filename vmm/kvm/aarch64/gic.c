#include "vmm/kvm/aarch64/gic.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "acpi/layout.h"
#include "vmm/kvm/aarch64/gic_image.h"
#include "vmm/kvm/aarch64/vm.h"

#define REGION_COUNT 52 /* bit of KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION */

static int set_attr(int fd, uint32_t group, uint64_t attr, const void *value)
{
	struct kvm_device_attr a = { .group = group,
				     .attr = attr,
				     .addr = (uintptr_t)value };

	return ioctl(fd, KVM_SET_DEVICE_ATTR, &a) < 0 ? -errno : 0;
}

static int set_up(const struct vm *vm, int fd)
{
	uint64_t dist = GICD_BASE;
	uint64_t redist = (uint64_t)vm->topo->max_vcpus << REGION_COUNT | GICR_BASE;
	uint32_t intrs = GIC_INTRS;
	int err = set_attr(fd, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST,
			   &dist);

	if (err == 0)
		err = set_attr(fd, KVM_DEV_ARM_VGIC_GRP_ADDR,
			       KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, &redist);
	if (err == 0)
		err = set_attr(fd, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &intrs);
	if (err == 0)
		err = set_attr(fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT,
			       NULL);
	return err;
}

static uint64_t mpidr_of(const struct vm *vm, uint32_t index)
{
	return topology_arch_id(vm->topo, index);
}

/* At power-on all vCPUs' are the same. What KVM does not take back now it would not at a
 * reset. */
static int keep_power_on(struct arch_vm *arch, uint64_t mpidr)
{
	int err = gic_save(arch->gic_fd, &arch->gic);

	if (err == 0)
		err = gic_save_vcpu(arch->gic_fd, mpidr, &arch->gic_vcpu);
	if (err == 0)
		err = gic_load(arch->gic_fd, &arch->gic);
	return err < 0 ? err : gic_load_vcpu(arch->gic_fd, mpidr, &arch->gic_vcpu);
}

int gic_create(struct vm *vm, struct text *why)
{
	struct kvm_create_device dev = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	int err = ioctl(vm->vm_fd, KVM_CREATE_DEVICE, &dev) < 0 ? -errno : 0;

	if (err < 0)
		return text_set(why, err, "KVM cannot make a GICv3%s: %s",
				err == -ENODEV ? "; hotsocket needs a host with one" : "",
				text_errno(-err));
	vm->arch->gic_fd = (int)dev.fd;
	err = set_up(vm, vm->arch->gic_fd);
	if (err < 0)
		return text_set(why, err, "KVM cannot set its GICv3 up: %s",
				text_errno(-err));
	err = keep_power_on(vm->arch, mpidr_of(vm, 0));
	if (err < 0)
		return text_set(why, err, "KVM cannot reset its GICv3: %s",
				text_errno(-err));
	return 0;
}

int gic_reset(const struct vm *vm)
{
	return gic_load(vm->arch->gic_fd, &vm->arch->gic);
}

/* KVM_ARM_VCPU_INIT leaves it alone. */
int gic_reset_vcpu(const struct vcpu *v)
{
	const struct vm *vm = v->env->vm;

	return gic_load_vcpu(vm->arch->gic_fd, mpidr_of(vm, v->index),
			     &vm->arch->gic_vcpu);
}
