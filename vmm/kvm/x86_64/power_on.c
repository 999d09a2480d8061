#include "vmm/kvm/x86_64/power_on.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "vmm/base/log.h"
#include "vmm/kvm/arch.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/x86_64/cpuid.h"
#include "vmm/kvm/x86_64/msrs.h"
#include "vmm/kvm/x86_64/vcpu_image.h"
#include "vmm/kvm/x86_64/vm.h"

#define NCHIPS 3 /* PIC, PIC, IOAPIC */

#define MSR_MISC_ENABLE 0x1a0
#define FAST_STRINGS    UINT64_C(1) /* firmware's to set: else Linux copies by loops */

struct power_on {
	struct kvm_msrs *msrs;       /* which of them an image has */
	struct vcpu_image *image[2]; /* of the first, which boots; and of any other */
	struct kvm_irqchip chip[NCHIPS];
};

/* How many of the chips are KVM's. */
static uint32_t nchips(const struct vm *vm)
{
	return vm->arch->x2apic ? 0 : NCHIPS;
}

int power_on_save_vm(struct vm *vm)
{
	struct power_on *p = calloc(1, sizeof(*p));

	vm->arch->power_on = p;
	if (p == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < nchips(vm); i++) {
		p->chip[i].chip_id = i;
		if (ioctl(vm->vm_fd, KVM_GET_IRQCHIP, &p->chip[i]) < 0)
			return -errno;
	}
	return msrs_list(vm->kvm_fd, cpuid_is_amd(vm->arch->cpuid), &p->msrs);
}

void power_on_destroy(struct power_on *p)
{
	if (p == NULL)
		return;
	free(p->image[0]);
	free(p->image[1]);
	free(p->msrs);
	free(p);
}

static struct vcpu_image **image_of(const struct vcpu *v)
{
	return &v->env->vm->arch->power_on->image[v->index > 0];
}

/* A host without this register is none that misses the bit. */
static int set_fast_strings(const struct vcpu *v)
{
	uint64_t enabled;
	int err = msr_get(v->fd, MSR_MISC_ENABLE, &enabled);

	if (err == 0 && !(enabled & FAST_STRINGS))
		err = msr_set(v->fd, MSR_MISC_ENABLE, enabled | FAST_STRINGS);
	return err == -EIO ? 0 : err;
}

int power_on_save_vcpu(const struct vcpu *v)
{
	struct power_on *p = v->env->vm->arch->power_on;
	struct vcpu_image **kept = image_of(v), *other = p->image[v->index == 0], *image;
	int err = set_fast_strings(v);

	if (err < 0 || *kept != NULL)
		return err;
	/* What one has shown that this host does not take, the other's lacks, too. */
	image = other != NULL ? vcpu_image_copy(other) : vcpu_image_new(p->msrs);
	if (image == NULL)
		return -ENOMEM;
	err = vcpu_image_save(v->fd, image);
	if (err == 0 && other == NULL)
		err = vcpu_image_try(v->fd, image);
	if (err < 0) {
		free(image);
		return err;
	}
	*kept = image;
	return 0;
}

int arch_vcpu_reset(struct vcpu *v)
{
	struct vcpu_image *image = *image_of(v);
	uint32_t refused;
	int err;

	vcpu_image_set_apic_id(image, topology_apic_id(v->env->vm->topo, v->index));
	err = vcpu_image_load(v->fd, image, &refused);
	if (refused != 0)
		log_warn("KVM does not give cpu %u back what MSR 0x%x is at power-on",
			 v->index, refused);
	return err;
}

int arch_vm_reset(struct vm *vm)
{
	struct power_on *p = vm->arch->power_on;

	for (uint32_t i = 0; i < nchips(vm); i++)
		if (ioctl(vm->vm_fd, KVM_SET_IRQCHIP, &p->chip[i]) < 0)
			return -errno;
	if (vm->arch->x2apic)
		ioapic_reset(&vm->arch->ioapic);
	atomic_store(&vm->arch->announces, false);
	return 0;
}
