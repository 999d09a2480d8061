#include "acpi/topology.h"

uint64_t topology_arch_id(const struct topology *t, uint32_t index)
{
	return topology_apic_id(t, index);
}

uint32_t topology_vcpu_id(const struct topology *t, uint32_t index)
{
	return topology_apic_id(t, index);
}
