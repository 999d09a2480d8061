#include "vmm/config/policy.h"

#include <inttypes.h>
#include <stdio.h>

static uint32_t or_else(uint32_t value, uint32_t otherwise)
{
	return value != 0 ? value : otherwise;
}

static uint32_t ratio_of(const struct policy *p)
{
	return or_else(p->max_hotplug_ratio, POLICY_RATIO_DEFAULT);
}

static uint32_t vcpus_of(const struct policy *p)
{
	return or_else(p->max_vcpus, POLICY_VCPUS_DEFAULT);
}

/* Two products of 32-bit numbers: neither is more than 64 bits hold. */
static uint32_t by_ratio(const struct policy *p, const struct cpu_counts *vm,
			 uint32_t sockets, enum policy_source *source)
{
	uint64_t per_socket = (uint64_t)or_else(vm->cores, 1) * or_else(vm->threads, 1);
	uint64_t max = (uint64_t)sockets * ratio_of(p);
	uint64_t cap = vcpus_of(p) / per_socket;

	*source = POLICY_RATIO;
	if (max <= cap)
		return (uint32_t)max;
	*source = cap < sockets ? POLICY_CAP_RAISED : POLICY_CAP;
	return cap < sockets ? sockets : (uint32_t)cap;
}

uint32_t policy_max_sockets(const struct policy *p, const struct cpu_counts *vm,
			    enum policy_source *source)
{
	uint32_t sockets = or_else(vm->sockets, 1);

	*source = POLICY_VM;
	if (vm->max_sockets != 0)
		return vm->max_sockets;
	if (p->max_cpu_sockets == 0)
		return by_ratio(p, vm, sockets, source);
	*source = p->max_cpu_sockets < sockets ? POLICY_HOST_RAISED : POLICY_HOST;
	return p->max_cpu_sockets < sockets ? sockets : p->max_cpu_sockets;
}

struct policy_text policy_explain(const struct policy *p, enum policy_source source)
{
	const char *who =
		p->max_hotplug_ratio != 0 ? "the host configuration" : "default";
	const char *whose = p->max_vcpus != 0 ? "host configuration's " : "";
	struct policy_text t = { "set for the VM" };
	char ratio[64];

	(void)snprintf(ratio, sizeof(ratio), "by %s %" PRIu32 " x sockets", who,
		       ratio_of(p));
	switch (source) {
	case POLICY_VM:
		break;
	case POLICY_HOST:
		(void)snprintf(t.s, sizeof(t.s),
			       "by the host configuration's maxCpuSockets");
		break;
	case POLICY_HOST_RAISED:
		(void)snprintf(t.s, sizeof(t.s),
			       "as many as sockets, which are more than the host "
			       "configuration's maxCpuSockets %" PRIu32,
			       p->max_cpu_sockets);
		break;
	case POLICY_RATIO:
		(void)snprintf(t.s, sizeof(t.s), "%s", ratio);
		break;
	case POLICY_CAP:
		(void)snprintf(t.s, sizeof(t.s),
			       "%s, within the %smaximum of %" PRIu32 " vCPUs", ratio,
			       whose, vcpus_of(p));
		break;
	case POLICY_CAP_RAISED:
		(void)snprintf(t.s, sizeof(t.s),
			       "as many as sockets, which are more than the %smaximum of "
			       "%" PRIu32 " vCPUs",
			       whose, vcpus_of(p));
		break;
	}
	return t;
}
