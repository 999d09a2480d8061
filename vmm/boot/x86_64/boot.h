#ifndef VMM_BOOT_X86_64_BOOT_H
#define VMM_BOOT_X86_64_BOOT_H
/* boot: where what is loaded stands. Everything stands in the first range of RAM:
 *
 *   0x500      GDT                       0x100000...  kernel
 *   0x6000     PVH start info            below the tables: initrd
 *   0x7000     boot_params               top, to the hole or RAM's end: ACPI tables,
 *   0x9000     page tables                the CPUs' _STA
 *   0x20000    command line
 *   0xffff0    reset stub (not in the memory map)
 */

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/text.h"
#include "vmm/boot/boot_files.h"
#include "vmm/kvm/vm.h"

struct spec;

#define BOOT_GDT         0x500
#define BOOT_PVH_INFO    0x6000
#define BOOT_PARAMS      0x7000
#define BOOT_PAGE_TABLES 0x9000
#define BOOT_CMDLINE     0x20000
#define BOOT_CMDLINE_MAX 0x10000 /* bytes, with the final 0 */
#define BOOT_LOW_END     0xa0000
#define BOOT_HIGH_START  0x100000

/* How vCPU 0 enters the kernel. */
struct x86_entry {
	uint64_t rip;
	bool long_mode; /* RSI = boot_params; else 32 bits, no paging, RBX = start info */
};

/* All of arch_load() but the vCPU and what it enters by, into memory that reads as 0. 0;
 * or -errno with *why. */
int x86_load(const struct vm *vm, const struct spec *spec, const struct boot_files *files,
	     const unsigned char *enabled, struct x86_entry *entry, unsigned char **sta,
	     struct text *why);

#endif
