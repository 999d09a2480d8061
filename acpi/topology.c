#include "acpi/topology.h"

#include <errno.h>

/* Bits that n different values need: 0 for 1, 32 at most. */
static uint32_t width(uint32_t n)
{
	uint32_t bits = 0;

	while (((uint64_t)1 << bits) < n)
		bits++;
	return bits;
}

/* In 64 bits: the two widths can add up to 33 when there is but one socket. */
static uint64_t apic_id(const struct topology *t, struct place p)
{
	return (uint64_t)p.socket << (t->core_width + t->thread_width) |
	       (uint64_t)p.core << t->thread_width | p.thread;
}

int topology_init(struct topology *t, uint32_t max_sockets, uint32_t cores,
		  uint32_t threads)
{
	struct topology new = { .max_sockets = max_sockets,
				.cores = cores,
				.threads = threads };
	struct place last;

	if (max_sockets == 0 || cores == 0 || threads == 0)
		return -EINVAL;
	if (__builtin_mul_overflow(cores, threads, &new.per_socket) ||
	    __builtin_mul_overflow(max_sockets, new.per_socket, &new.max_vcpus))
		return -EOVERFLOW;
	new.thread_width = width(threads);
	new.core_width = width(cores);
	last = (struct place){ max_sockets - 1, cores - 1, threads - 1 };
	if (apic_id(&new, last) > UINT32_MAX)
		return -EOVERFLOW;
	*t = new;
	return 0;
}

struct place topology_place(const struct topology *t, uint32_t index)
{
	return (struct place){
		.socket = index / t->per_socket,
		.core = index % t->per_socket / t->threads,
		.thread = index % t->threads,
	};
}

uint32_t topology_index(const struct topology *t, struct place p)
{
	return p.socket * t->per_socket + p.core * t->threads + p.thread;
}

uint32_t topology_apic_id(const struct topology *t, uint32_t index)
{
	return (uint32_t)apic_id(t, topology_place(t, index));
}

uint32_t topology_max_apic_id(const struct topology *t)
{
	return topology_apic_id(t, t->max_vcpus - 1);
}
