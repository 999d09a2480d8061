#ifndef VMM_BOOT_AARCH64_BOOT_H
#define VMM_BOOT_AARCH64_BOOT_H
/* boot: where what is loaded stands in RAM:
 *
 *   start           kernel with its BSS, from its own offset on
 *   below the tree  initrd
 *   below tables    device tree, as large as a kernel takes one
 *   below top       tables of ACPI, and behind them those of EFI; not with --boot dt
 *   top             the CPUs' _STA; the same
 *
 * All but the kernel begin on 64 KiB, and share no page of that size: kernels have pages
 * of 4, 16 or 64 KiB. */

#include <stdint.h>

#include "vmm/config/spec.h"
#include "vmm/base/text.h"
#include "vmm/boot/boot_files.h"
#include "vmm/kvm/vm.h"

/* How the first vCPU enters the kernel: MMU off, as KVM makes it. */
struct arm64_entry {
	uint64_t pc, tree; /* guest physical; tree is for X0 */
	uint64_t sta;      /* as for tables_build(); 0 with --boot dt */
};

/* All of arch_load() but the vCPU: into memory that reads as 0. 0; or -errno with
 * *why. */
int arm64_load(const struct vm *vm, const struct spec *spec,
	       const struct boot_files *files, const unsigned char *enabled,
	       struct arm64_entry *entry, struct text *why);

#endif
