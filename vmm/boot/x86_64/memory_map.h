#ifndef VMM_BOOT_X86_64_MEMORY_MAP_H
#define VMM_BOOT_X86_64_MEMORY_MAP_H
/* memory_map: what a guest is told of its RAM; e820 and PVH have the same types. Pure. */

#include <stdint.h>

#include "vmm/kvm/vm.h"

#define MEMORY_MAP_MAX 5

enum { MEMORY_MAP_RAM = 1, MEMORY_MAP_ACPI = 3, MEMORY_MAP_NVS = 4 };

struct memory_map_entry {
	uint64_t gpa, len;
	uint32_t type;
};

struct memory_map {
	unsigned n; /* in the order of their addresses, without overlap */
	struct memory_map_entry entry[MEMORY_MAP_MAX];
};

/* The map of RAM in n ranges (1 or 2) whose first has ACPI tables from tables on, and
 * from sta to its end what they read. */
void memory_map_make(const struct ram_range *range, unsigned n, uint64_t tables,
		     uint64_t sta, struct memory_map *out);

#endif
