#ifndef VMM_CONFIG_POLICY_H
#define VMM_CONFIG_POLICY_H
/* policy: how many sockets a VM may have when it does not say so, after KubeVirt's rules.
 * Pure.
 *
 * The VM's own maxSockets; else the host configuration's maxCpuSockets, or sockets where
 * that is more; else sockets x maxHotplugRatio, lowered so that maxSockets x cores x
 * threads stays within maxVcpus, but never below sockets. What KVM can do is not asked
 * here. */

#include <stdint.h>

#define POLICY_RATIO_DEFAULT 4
#define POLICY_VCPUS_DEFAULT 512

/* The host configuration; 0: it does not say, and the default stands. */
struct policy {
	uint32_t max_cpu_sockets;   /* there is no default */
	uint32_t max_hotplug_ratio; /* POLICY_RATIO_DEFAULT */
	uint32_t max_vcpus;         /* POLICY_VCPUS_DEFAULT */
};

/* What a VM asks for; 0 counts as 1, and in max_sockets: it does not say. */
struct cpu_counts {
	uint32_t sockets, cores, threads, max_sockets;
};

enum policy_source {
	POLICY_VM,          /* the VM's own */
	POLICY_HOST,        /* maxCpuSockets */
	POLICY_HOST_RAISED, /* sockets, which are more than maxCpuSockets */
	POLICY_RATIO,       /* sockets x maxHotplugRatio */
	POLICY_CAP,         /* the same, lowered to maxVcpus */
	POLICY_CAP_RAISED,  /* sockets, which are more than maxVcpus allows */
};

/* maxSockets, which is 1 or more, and where it comes from. Only the VM's own may be below
 * its sockets. */
uint32_t policy_max_sockets(const struct policy *p, const struct cpu_counts *vm,
			    enum policy_source *source);

/* The same source for people, with the numbers that led to it: "by default 4 x
 * sockets". */
struct policy_text {
	char s[128];
};
struct policy_text policy_explain(const struct policy *p, enum policy_source source);

#endif
