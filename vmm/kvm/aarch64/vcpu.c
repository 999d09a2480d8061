#include "vmm/kvm/vcpu.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "vmm/kvm/aarch64/gic.h"
#include "vmm/kvm/aarch64/vcpu_power.h"
#include "vmm/kvm/aarch64/psci.h"
#include "vmm/kvm/aarch64/vm.h"
#include "vmm/kvm/arch.h"

/* Where the host leaves the start of vCPUs to us, it waits for CPU_ON without a
 * thread. */
static bool starts_off(const struct vcpu *v)
{
	return v->env->vm->arch->filters && v->index > 0;
}

int arch_vcpu_init(struct vm *vm, struct vcpu *v)
{
	(void)vm;
	v->off = starts_off(v);
	return power_init(v, v->index == 0);
}

static void set_off(struct vcpu *v) NOT_HOLDING(v->env->lock)
{
	mtx_lock(&v->env->lock);
	v->off = starts_off(v);
	mtx_unlock(&v->env->lock);
}

/* Its registers are made anew when it is switched on, which the guest can do from the
 * moment on at which it is off. */
int arch_vcpu_rearm(struct vcpu *v)
{
	int err = power_set(v, v->index == 0);

	set_off(v);
	return err;
}

int arch_vcpu_reset(struct vcpu *v)
{
	int err = power_init(v, v->index == 0);

	set_off(v);
	return err == 0 && v->ran ? gic_reset_vcpu(v) : err;
}

/* KVM says it in no other way than by CPU_ON. */
int arch_vcpu_woken(struct vcpu *v)
{
	v->waits = false;
	return 0;
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
