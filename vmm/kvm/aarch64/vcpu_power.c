#include "vmm/kvm/aarch64/vcpu_power.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "vmm/kvm/aarch64/reg.h"
#include "vmm/kvm/aarch64/vcpu_image.h"
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

/* The registers of its first start, where it has run since, and what the caller gives.
 * Nobody else touches them: the vCPU has no thread, or that is done with KVM. */
static int write_start(struct vcpu *v, uint64_t entry, uint64_t context)
{
	int err = atomic_load(&v->up_ns) != 0 ? vcpu_image_write(v) : 0;

	if (err == 0)
		err = reg_set(v, REG_PC, entry);
	return err < 0 ? err : reg_set(v, REG_X(0), context);
}

/* At once for all: KVM's state, by which it answers AFFINITY_INFO, CPU_ON, the slot. */
static int enter_on_locked(struct vcpu *v) HOLDS(v->env->lock, RANK_VCPU)
{
	int err = power_set(v, true);

	if (err < 0 || cpuhp_runs(v->env->cpuhp, v->index, true) == 0)
		return err;
	err = power_set(v, false);
	return err < 0 ? err : -EPERM;
}

int power_on(struct vcpu *v, uint64_t entry, uint64_t context)
{
	struct vcpu_env *env = v->env;
	int err = write_start(v, entry, context);

	mtx_lock_at(&v->env->lock, &RANK_VCPU);
	if (err == 0)
		err = enter_on_locked(v);
	vcpu_step_locked(v, err == 0 ? LIFE_CPU_ON_DONE : LIFE_CPU_ON_FAILED);
	env->wanted = true;
	mtx_unlock_at(&v->env->lock, &RANK_VCPU);
	return err;
}

int power_off(struct vcpu *v)
{
	struct vcpu_env *env = v->env;
	int err;

	/* At once for all: who sees by KVM's AFFINITY_INFO that it is off may start
	 * it. */
	mtx_lock_at(&v->env->lock, &RANK_VCPU);
	err = power_set(v, false);
	if (err == 0) {
		vcpu_step_locked(v, LIFE_CPU_OFF);
		(void)cpuhp_runs(env->cpuhp, v->index, false);
	}
	mtx_unlock_at(&v->env->lock, &RANK_VCPU);
	if (err < 0)
		return err;
	atomic_store(&v->look, true);
	return 0;
}
