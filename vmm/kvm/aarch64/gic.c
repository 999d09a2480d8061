#include "vmm/kvm/aarch64/gic.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "acpi/layout.h"
#include "vmm/kvm/aarch64/vm.h"

#define INTRS        96 /* SGIs, PPIs, and 64 SPIs */
#define FIRST_SPI    32
#define SGI_FRAME    0x10000 /* of a redistributor */
#define REGION_COUNT 52      /* bit of KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION */

/* Offsets of a bit per interrupt, the same in GICD and in the SGI frame (Arm IHI 0069,
 * 12.9). */
#define GICD_CTLR       0
#define GICX_ICENABLER  0x180
#define GICX_ISPENDR    0x200 /* for us it sets the bits as they are */
#define GICX_ICACTIVER  0x380
#define GICX_IPRIORITYR 0x400 /* a byte per interrupt */

/* As KVM wants a system register's name: op0, op1, CRn, CRm, op2. */
#define SYS_REG(op0, op1, n, m, op2)                                                     \
	((op0) << 14 | (op1) << 11 | (n) << 7 | (m) << 3 | (op2))

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
	uint32_t intrs = INTRS;
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
	return 0;
}

static int put(const struct vm *vm, uint32_t group, uint64_t attr, uint32_t value)
{
	return set_attr(vm->arch->gic_fd, group, attr, &value);
}

/* These interrupts are neither enabled, pending nor active. */
static int silence(const struct vm *vm, uint32_t group, uint64_t first, uint32_t from,
		   uint32_t to)
{
	int err = 0;

	for (uint64_t at = from / 8; err == 0 && at < to / 8; at += 4) {
		err = put(vm, group, first + GICX_ICENABLER + at, UINT32_MAX);
		if (err == 0)
			err = put(vm, group, first + GICX_ISPENDR + at, 0);
		if (err == 0)
			err = put(vm, group, first + GICX_ICACTIVER + at, UINT32_MAX);
	}
	for (uint64_t at = from; err == 0 && at < to; at += 4)
		err = put(vm, group, first + GICX_IPRIORITYR + at, 0);
	return err;
}

int gic_reset(const struct vm *vm)
{
	int err = put(vm, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, GICD_CTLR, 0);

	return err < 0 ? err
		       : silence(vm, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0, FIRST_SPI, INTRS);
}

/* KVM_ARM_VCPU_INIT leaves them alone. */
int gic_reset_vcpu(const struct vcpu *v)
{
	static const uint32_t regs[] = {
		SYS_REG(3, 0, 4, 6, 0),   /* ICC_PMR_EL1 */
		SYS_REG(3, 0, 12, 12, 6), /* ICC_IGRPEN0_EL1 */
		SYS_REG(3, 0, 12, 12, 7), /* ICC_IGRPEN1_EL1 */
		SYS_REG(3, 0, 12, 8, 4),  /* ICC_AP0R0_EL1 */
		SYS_REG(3, 0, 12, 9, 0),  /* ICC_AP1R0_EL1 */
	};
	const struct vm *vm = v->env->vm;
	uint64_t whose = topology_arch_id(vm->topo, v->index) << 32, zero = 0;
	int err = silence(vm, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, whose | SGI_FRAME, 0,
			  FIRST_SPI);

	for (unsigned i = 0; err == 0 && i < sizeof(regs) / sizeof(regs[0]); i++)
		err = set_attr(vm->arch->gic_fd, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
			       whose | regs[i], &zero);
	return err;
}
