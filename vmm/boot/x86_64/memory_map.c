#include "vmm/boot/x86_64/memory_map.h"

#include "vmm/boot/x86_64/boot.h"

static void put(struct memory_map *m, uint64_t gpa, uint64_t end, uint32_t type)
{
	if (end > gpa)
		m->entry[m->n++] = (struct memory_map_entry){ gpa, end - gpa, type };
}

void memory_map_make(const struct ram_range *range, unsigned n, uint64_t tables,
		     uint64_t sta, struct memory_map *out)
{
	out->n = 0;
	put(out, 0, BOOT_LOW_END, MEMORY_MAP_RAM);
	put(out, BOOT_HIGH_START, tables, MEMORY_MAP_RAM);
	put(out, tables, sta, MEMORY_MAP_ACPI);
	put(out, sta, range[0].gpa + range[0].len, MEMORY_MAP_NVS);
	if (n > 1)
		put(out, range[1].gpa, range[1].gpa + range[1].len, MEMORY_MAP_RAM);
}
