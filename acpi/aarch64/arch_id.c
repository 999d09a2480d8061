#include "acpi/topology.h"

/* As KVM makes it of a vCPU's id. Aff0 stays below 16: an SGI names its targets by a mask
 * of 16 bits (Arm IHI 0069, ICC_SGI1R_EL1). */
uint64_t topology_arch_id(const struct topology *t, uint32_t index)
{
	(void)t;
	return (index & 0xf) | (index >> 4 & 0xff) << 8 | (index >> 12 & 0xff) << 16;
}

uint32_t topology_vcpu_id(const struct topology *t, uint32_t index)
{
	(void)t;
	return index;
}
