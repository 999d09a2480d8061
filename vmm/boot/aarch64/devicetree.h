#ifndef VMM_BOOT_AARCH64_DEVICETREE_H
#define VMM_BOOT_AARCH64_DEVICETREE_H
/* devicetree: the flattened tree that every arm64 kernel is entered with. For ACPI it
 * holds /chosen alone, which is how Linux knows, and leads to the EFI tables; else it
 * describes the machine (Devicetree Specification 0.4, and Linux's bindings). Pure. */

#include <stddef.h>
#include <stdint.h>

#include "acpi/topology.h"

#define DEVICETREE_LEN_MAX 0x200000 /* what a kernel takes */

struct devicetree {
	const char *cmdline; /* or "" */
	uint64_t kaslr_seed;
	uint64_t initrd, initrd_len; /* length 0: none */

	/* ACPI: guest physical addresses. */
	uint64_t efi_system, efi_map;

	/* The machine; NULL: ACPI. */
	const struct topology *topo;
	uint64_t ram, ram_len;
};

/* Writes the tree to buf of room bytes, 8-byte aligned, and returns its bytes; or
 * -ENOSPC. */
int64_t devicetree_build(const struct devicetree *d, void *buf, size_t room);

#endif
