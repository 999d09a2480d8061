#ifndef VMM_BOOT_AARCH64_HANDOFF_H
#define VMM_BOOT_AARCH64_HANDOFF_H
/* handoff: what EFI firmware leaves in memory for a kernel that takes ACPI: system table,
 * configuration tables and memory map (UEFI 2.10, 4.3, 4.6 and 7.2). No EFI runs: the
 * kernel finds them through its device tree (Documentation/arch/arm/uefi.rst). Pure. */

#include <stdint.h>

/* Bytes from the start of what handoff_build() writes. The system table comes first. */
#define HANDOFF_SYSTEM_LEN     120
#define HANDOFF_CONFIG         HANDOFF_SYSTEM_LEN
#define HANDOFF_CONFIG_LEN     24 /* of each of two */
#define HANDOFF_RT             (HANDOFF_CONFIG + 2 * HANDOFF_CONFIG_LEN)
#define HANDOFF_RT_LEN         8
#define HANDOFF_MAP            (HANDOFF_RT + HANDOFF_RT_LEN)
#define HANDOFF_DESCRIPTOR_LEN 40 /* of each of three */
#define HANDOFF_MAP_LEN        (3 * HANDOFF_DESCRIPTOR_LEN)
#define HANDOFF_VENDOR         (HANDOFF_MAP + HANDOFF_MAP_LEN)
#define HANDOFF_LEN            (HANDOFF_VENDOR + 2 * sizeof("hotsocket"))

#define HANDOFF_MAP_VERSION 1

/* Borders in the memory map, for kernels with pages of any size. */
#define HANDOFF_PAGE UINT64_C(0x10000)

/* Guest physical addresses; all but gpa and rsdp on borders of HANDOFF_PAGE. */
struct handoff {
	uint64_t gpa;           /* of what is built, 8-byte aligned, from reserved on */
	uint64_t rsdp;          /* the same */
	uint64_t ram, reserved; /* free memory, and its end: what stays the tables' */
	uint64_t nvs; /* their end; what the DSDT reads in memory is behind it */
	uint64_t end; /* of RAM */
};

/* Writes HANDOFF_LEN bytes. */
void handoff_build(const struct handoff *h, unsigned char *buf);

#endif
