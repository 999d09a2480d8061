#ifndef VMM_BOOT_X86_64_BOOT_H
#define VMM_BOOT_X86_64_BOOT_H
/* boot: what the x86_64 loaders share. Everything stands in the first range of RAM:
 *
 *   0x500      GDT                       0x100000...  kernel
 *   0x6000     PVH start info            below the tables: initrd
 *   0x7000     boot_params               top, to the hole or RAM's end: ACPI tables,
 *   0x9000     page tables                the CPUs' _STA
 *   0x20000    command line
 *   0xffff0    reset stub (not in the memory map)
 */

#include <stdint.h>

#include "vmm/config/spec.h"
#include "vmm/base/text.h"
#include "vmm/kvm/vm.h"

#define BOOT_GDT         0x500
#define BOOT_PVH_INFO    0x6000
#define BOOT_PARAMS      0x7000
#define BOOT_PAGE_TABLES 0x9000
#define BOOT_CMDLINE     0x20000
#define BOOT_CMDLINE_MAX 0x10000 /* bytes, with the final 0 */
#define BOOT_LOW_END     0xa0000
#define BOOT_HIGH_START  0x100000

#define BOOT_MAP_MAX 5

enum {
	BOOT_MAP_RAM = 1,
	BOOT_MAP_ACPI = 3,
	BOOT_MAP_NVS = 4
}; /* e820 and PVH types are the same */

struct boot_map_entry {
	uint64_t gpa, len;
	uint32_t type;
};

/* What is being loaded, filled in step by step. */
struct boot {
	struct vm *vm;
	const struct spec *spec;
	int kernel_fd;
	uint64_t kernel_len;

	uint64_t tables;     /* of the ACPI tables; RAM for kernel and initrd ends here */
	uint64_t sta;        /* as for tables_build() */
	uint64_t kernel_end; /* the loader's: what the kernel needs free ends here */
	struct ram_range initrd;
	unsigned map_len;
	struct boot_map_entry map[BOOT_MAP_MAX];
};

/* How vCPU 0 enters the kernel. */
struct boot_entry {
	uint64_t rip;
	bool long_mode; /* RSI = boot_params; else 32 bits, no paging, RBX = start info */
};

/* Loaders. Each returns 1 when the kernel is not of its kind; 0 when it is loaded, and
 * *entry says where to go; or -errno with *why. */
int bzimage_load(struct boot *b, struct boot_entry *entry, struct text *why);
int pvh_load(struct boot *b, struct boot_entry *entry, struct text *why);

/* Loads the initrd, if there is one, below limit and above b->kernel_end. 0; or -errno
 * with *why. */
int boot_load_initrd(struct boot *b, uint64_t limit, struct text *why);

/* Copies the command line, at most max characters long. 0; or -errno with *why. */
int boot_load_cmdline(const struct boot *b, uint64_t max, struct text *why);

#endif
