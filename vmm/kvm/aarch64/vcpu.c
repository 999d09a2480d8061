#include "vmm/kvm/vcpu.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "vmm/kvm/aarch64/gic.h"
#include "vmm/kvm/aarch64/vcpu_image.h"
#include "vmm/kvm/aarch64/vcpu_power.h"
#include "vmm/kvm/aarch64/psci.h"
#include "vmm/kvm/aarch64/vm.h"
#include "vmm/kvm/arch.h"

int arch_vcpu_init(struct vm *vm, struct vcpu *v)
{
	int err = power_init(v, v->index == 0);

	v->by_cpu_on = vm->arch->filters && v->index > 0;
	return err < 0 ? err : vcpu_image_keep(vm, v);
}

/* Its registers are those of its first start again when it is switched on. */
int arch_vcpu_rearm(struct vcpu *v)
{
	return power_set(v, v->index == 0);
}

/* Here KVM_ARM_VCPU_INIT is right: no vCPU runs, and where a host's caches need it, it
 * has KVM clean what main has written for a guest that starts with its caches off. */
int arch_vcpu_reset(struct vcpu *v)
{
	int err = power_init(v, v->index == 0);

	return err == 0 && vcpu_life_now(v) != LIFE_NEW ? gic_reset_vcpu(v) : err;
}

/* KVM says it in no other way than by CPU_ON. */
bool arch_vcpu_woken(struct vcpu *v)
{
	(void)v;
	return true;
}

/* KVM has switched all vCPUs off. */
static int system_event(const struct vcpu *v)
{
	const struct power *power = v->env->power;

	switch (v->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		power->wish(power->ctx, POWER_OFF);
		return 0;
	case KVM_SYSTEM_EVENT_RESET:
		power->wish(power->ctx, POWER_RESET);
		return 0;
	default:
		return -ENOSYS;
	}
}

/* The guest has used an instruction outside of its RAM that KVM cannot take apart: it
 * gets the abort that a bus without anything there would give. */
static int abort_access(const struct vcpu *v)
{
	struct kvm_vcpu_events e = { .exception.ext_dabt_pending = 1 };

	return ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e) < 0 ? -errno : 0;
}

int arch_vcpu_exit(struct vcpu *v)
{
	switch (v->run->exit_reason) {
	case KVM_EXIT_HYPERCALL:
		return psci_call(v);
	case KVM_EXIT_SYSTEM_EVENT:
		return system_event(v);
	case KVM_EXIT_ARM_NISV:
		return abort_access(v);
	default:
		return -ENOSYS;
	}
}
