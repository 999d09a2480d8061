#include "vmm/kvm/aarch64/vcpu_power.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "vmm/kvm/aarch64/reg.h"
#include "vmm/kvm/aarch64/vm.h"

int power_set(const struct vcpu *v, bool on)
{
	struct kvm_mp_state mp = { .mp_state = on ? KVM_MP_STATE_RUNNABLE
						  : KVM_MP_STATE_STOPPED };

	return ioctl(v->fd, KVM_SET_MP_STATE, &mp) < 0 ? -errno : 0;
}

/* Always with the same features: older hosts want it so. */
int power_init(const struct vcpu *v, bool on)
{
	struct kvm_vcpu_init init = {
		.target = v->env->vm->arch->target,
		.features[0] = 1u << KVM_ARM_VCPU_PSCI_0_2 |
			       (v->index > 0 ? 1u << KVM_ARM_VCPU_POWER_OFF : 0),
	};

	return ioctl(v->fd, KVM_ARM_VCPU_INIT, &init) < 0 ? -errno : power_set(v, on);
}

int power_on_locked(struct vcpu *v, uint64_t entry, uint64_t context)
{
	struct vcpu_env *env = v->env;
	int err = power_init(v, false);

	if (err == 0)
		err = reg_set(v, REG_PC, entry);
	if (err == 0)
		err = reg_set(v, REG_X(0), context);
	if (err == 0)
		err = power_set(v, true);
	if (err < 0)
		return err;
	if (cpuhp_runs(env->cpuhp, v->index, true) < 0) {
		err = power_set(v, false);
		return err < 0 ? err : -EPERM;
	}
	v->off = false;
	env->wanted = true;
	pthread_cond_broadcast(&env->changed);
	return 0;
}

int power_off(struct vcpu *v)
{
	struct vcpu_env *env = v->env;
	int err;

	/* At once for all: who sees by KVM's AFFINITY_INFO that it is off may start
	 * it. */
	mtx_lock(&env->lock);
	err = power_set(v, false);
	if (err == 0) {
		v->off = true;
		(void)cpuhp_runs(env->cpuhp, v->index, false);
	}
	mtx_unlock(&env->lock);
	if (err < 0)
		return err;
	atomic_store(&v->look, true);
	return 0;
}
