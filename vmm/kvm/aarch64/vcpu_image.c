#include "vmm/kvm/aarch64/vcpu_image.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "vmm/kvm/aarch64/vm.h"
#include "vmm/kvm/arch.h"

#define REGS_MAX 4096 /* KVM has some 300 */

#define FIELD(id, name)                                                                  \
	(((id)&KVM_REG_ARM64_SYSREG_##name##_MASK) >> KVM_REG_ARM64_SYSREG_##name##_SHIFT)
#define CSSELR_EL1 ARM64_SYS_REG(3, 2, 0, 0, 0)

/* The timers, of which the counters are: CRn and op1. */
#define CRN_TIMER 14
#define OP1_EL0   3

struct reg {
	uint64_t id;
	unsigned char value[16]; /* of which the id says the size */
};

struct vcpu_image {
	uint32_t n;
	struct reg reg[];
};

/* KVM names the virtual timer's compare value and count the wrong way round. */
static bool is_timer_of_start(uint64_t id)
{
	switch (id) {
	case KVM_REG_ARM_TIMER_CTL:
	case KVM_REG_ARM_TIMER_CVAL:
	case KVM_REG_ARM_PTIMER_CTL:
	case KVM_REG_ARM_PTIMER_CVAL:
		return true;
	default:
		return false;
	}
}

static bool sys_reg_of_start(uint64_t id)
{
	if (FIELD(id, CRN) == CRN_TIMER && FIELD(id, OP1) == OP1_EL0)
		return is_timer_of_start(id);
	if (FIELD(id, OP0) == 3 && FIELD(id, CRN) == 0)
		return id == CSSELR_EL1; /* all others identify */
	return true;
}

bool vcpu_image_holds(uint64_t id)
{
	uint64_t size = (id & KVM_REG_SIZE_MASK) >> KVM_REG_SIZE_SHIFT;

	if (size > 4) /* 2^4 bytes: no more than 128 bits without SVE */
		return false;
	switch (id & KVM_REG_ARM_COPROC_MASK) {
	case KVM_REG_ARM_CORE:
		return true;
	case KVM_REG_ARM64_SYSREG:
		return sys_reg_of_start(id);
	default:
		return false; /* firmware, CCSIDR, what nobody knows */
	}
}

static int one_reg(const struct vcpu *v, unsigned long request, struct reg *reg)
{
	struct kvm_one_reg r = { .id = reg->id, .addr = (uintptr_t)reg->value };

	return ioctl(v->fd, request, &r) < 0 ? -errno : 0;
}

/* How many registers there are: KVM says it in refusing a list of none. */
static int count(const struct vcpu *v, uint64_t *n)
{
	struct kvm_reg_list none = { .n = 0 };

	if (ioctl(v->fd, KVM_GET_REG_LIST, &none) < 0 && errno != E2BIG)
		return -errno;
	*n = none.n;
	return none.n <= REGS_MAX ? 0 : -E2BIG;
}

/* What KVM does not have, or does not take back, no guest can change. */
static bool is_refusal(int err)
{
	return err == -ENOENT || err == -EINVAL || err == -EPERM;
}

static int keep_regs(const struct vcpu *v, const __u64 *id, uint64_t n,
		     struct vcpu_image *image)
{
	int err = 0;

	for (uint64_t i = 0; i < n && (err == 0 || is_refusal(err)); i++) {
		struct reg *reg = &image->reg[image->n];

		if (!vcpu_image_holds(id[i]))
			continue;
		reg->id = id[i];
		err = one_reg(v, KVM_GET_ONE_REG, reg);
		if (err == 0)
			err = one_reg(v, KVM_SET_ONE_REG, reg);
		if (err == 0)
			image->n++;
	}
	return is_refusal(err) ? 0 : err;
}

/* Hosts have the second timer, and do not list it. */
static const __u64 unlisted[] = { KVM_REG_ARM_PTIMER_CTL, KVM_REG_ARM_PTIMER_CVAL };
#define NUNLISTED (sizeof(unlisted) / sizeof(unlisted[0]))

static int make_image(const struct vcpu *v, struct kvm_reg_list *list,
		      struct vcpu_image **out)
{
	struct vcpu_image *image;
	int err;

	if (ioctl(v->fd, KVM_GET_REG_LIST, list) < 0)
		return -errno;
	image = calloc(1, sizeof(*image) + (list->n + NUNLISTED) * sizeof(image->reg[0]));
	if (image == NULL)
		return -ENOMEM;
	err = keep_regs(v, list->reg, list->n, image);
	if (err == 0)
		err = keep_regs(v, unlisted, NUNLISTED, image);
	if (err == 0)
		*out = image;
	else
		free(image);
	return err;
}

int vcpu_image_keep(struct vm *vm, struct vcpu *v)
{
	struct kvm_reg_list *list;
	uint64_t n = 0;
	int err;

	if (vm->arch->image != NULL)
		return 0;
	err = count(v, &n);
	if (err < 0)
		return err;
	list = calloc(1, sizeof(*list) + n * sizeof(list->reg[0]));
	if (list == NULL)
		return -ENOMEM;
	list->n = n;
	err = make_image(v, list, &vm->arch->image);
	free(list);
	return err;
}

int vcpu_image_write(const struct vcpu *v)
{
	struct vcpu_image *image = v->env->vm->arch->image;
	int err = 0;

	for (uint32_t i = 0; i < image->n && err == 0; i++)
		err = one_reg(v, KVM_SET_ONE_REG, &image->reg[i]);
	return err;
}

void vcpu_image_free(struct vcpu_image *image)
{
	free(image);
}
