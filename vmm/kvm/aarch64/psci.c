#include "vmm/kvm/aarch64/psci.h"

#include <errno.h>

#include "vmm/kvm/aarch64/vcpu_power.h"
#include "vmm/kvm/aarch64/reg.h"

uint32_t psci_target(const struct topology *t, uint64_t mpidr)
{
	/* The inverse of topology_arch_id(), which decides whether it was one. */
	uint64_t index =
		(mpidr & 0xf) | (mpidr >> 8 & 0xff) << 4 | (mpidr >> 16 & 0xff) << 12;

	if (index >= t->max_vcpus || topology_arch_id(t, (uint32_t)index) != mpidr)
		return t->max_vcpus;
	return (uint32_t)index;
}

/* Until a CPU_ON is done, KVM's AFFINITY_INFO says OFF, and another one is not needed;
 * from then on it is on, whenever its thread begins. */
int psci_may_start(bool plugged, enum vcpu_life life)
{
	if (!plugged)
		return PSCI_DENIED;
	switch (life) {
	case LIFE_NEW: /* the host has not started it, or takes it away */
	case LIFE_PARKED:
	case LIFE_ENDING:
	case LIFE_ENDED:
		return PSCI_DENIED;
	case LIFE_OFF:
	case LIFE_RESTING:
		return PSCI_SUCCESS;
	case LIFE_STARTING:
	case LIFE_WAKING:
		return PSCI_ON_PENDING;
	default:
		return PSCI_ALREADY_ON;
	}
}

static bool is_plugged(const struct vcpu *v)
{
	return slot_enabled(cpuhp_get(v->env->cpuhp, v->index).state);
}

/* Of two that start the same vCPU one does. */
static int begin(struct vcpu *v) NOT_HOLDING(FROM_VCPU)
{
	int answer;

	mtx_lock_at(&v->env->lock, &RANK_VCPU);
	answer = psci_may_start(is_plugged(v), v->life);
	if (answer == PSCI_SUCCESS)
		vcpu_step_locked(v, LIFE_CPU_ON);
	mtx_unlock_at(&v->env->lock, &RANK_VCPU);
	return answer;
}

static int cpu_on(const struct vcpu_env *env, uint64_t mpidr, uint64_t entry,
		  uint64_t context)
{
	uint32_t index = psci_target(env->vm->topo, mpidr);
	struct vcpu *v;
	int answer, err;

	if (index == env->vm->topo->max_vcpus)
		return PSCI_INVALID_PARAMETERS;
	v = env->vcpu[index];
	answer = begin(v);
	if (answer != PSCI_SUCCESS)
		return answer;
	err = power_on(v, entry, context);
	if (err == -EPERM)
		return PSCI_DENIED;
	return err < 0 ? PSCI_INTERNAL_FAILURE : PSCI_SUCCESS;
}

/* The arguments, of which a 32-bit call has the low halves. */
static int get_args(const struct vcpu *v, bool wide, uint64_t arg[3])
{
	int err = 0;

	for (unsigned i = 0; i < 3 && err == 0; i++) {
		err = reg_get(v, REG_X(1 + i), &arg[i]);
		if (!wide)
			arg[i] &= UINT32_MAX;
	}
	return err;
}

int psci_call(struct vcpu *v)
{
	uint64_t arg[3], function = v->run->hypercall.nr;
	int answer = PSCI_NOT_SUPPORTED, err;

	if (function == PSCI_CPU_OFF)
		return power_off(v);
	err = get_args(v, function == PSCI_CPU_ON_64, arg);
	if (err < 0)
		return err;
	if (function == PSCI_CPU_ON_64 || function == PSCI_CPU_ON_32)
		answer = cpu_on(v->env, arg[0], arg[1], arg[2]);
	return reg_set(v, REG_X(0), (uint64_t)answer);
}
