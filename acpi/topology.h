#ifndef ACPI_TOPOLOGY_H
#define ACPI_TOPOLOGY_H
/* topology: where a vCPU stands, and what the hardware calls it. Pure: no KVM, no I/O.
 *
 * A vCPU's index is its place in socket-major order: socket * cores * threads +
 * core * threads + thread. The index is what the register block selects, what _UID says
 * and what every other module means by "cpu". */

#include <stdint.h>

struct topology {
	uint32_t max_sockets; /* possible sockets, at least 1 */
	uint32_t cores;       /* per socket, at least 1 */
	uint32_t threads;     /* per core, at least 1 */

	/* From here on derived by topology_init(). */
	uint32_t per_socket;   /* vCPUs of one socket: cores * threads */
	uint32_t max_vcpus;    /* possible vCPUs: max_sockets * per_socket */
	uint32_t thread_width; /* bits of an APIC id that name the thread */
	uint32_t core_width;   /* bits above them that name the core */
};

struct place {
	uint32_t socket, core, thread; /* each counts from 0 inside the one before it */
};

/* Fills *t. 0; or -EINVAL when a count is 0; or -EOVERFLOW when the number of possible
 * vCPUs or the highest APIC id does not fit in 32 bits. *t is untouched on error. */
int topology_init(struct topology *t, uint32_t max_sockets, uint32_t cores,
		  uint32_t threads);

/* Place of the vCPU with this index, which must be below max_vcpus. */
struct place topology_place(const struct topology *t, uint32_t index);

/* Index of the vCPU at this place, which must be inside the topology. */
uint32_t topology_index(const struct topology *t, struct place p);

/* APIC id: socket, core and thread in bit fields of core_width and thread_width bits, so
 * the ids have holes where cores or threads is no power of two (Intel SDM 3A, 9.9.1). */
uint32_t topology_apic_id(const struct topology *t, uint32_t index);

/* Largest id that topology_apic_id() gives. */
uint32_t topology_max_apic_id(const struct topology *t);

/* What a vCPU is called, by architecture. */

/* In the hotplug block and for users: the APIC id; or the affinity fields of
 * MPIDR_EL1. */
uint64_t topology_arch_id(const struct topology *t, uint32_t index);

/* By the hypervisor, and they rise with the index: the APIC id; or the index, of which
 * KVM makes the MPIDR. */
uint32_t topology_vcpu_id(const struct topology *t, uint32_t index);

#endif
