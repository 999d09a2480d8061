#ifndef VMM_BOOT_ARCH_BOOT_H
#define VMM_BOOT_ARCH_BOOT_H
/* arch_boot: how a guest is loaded; each architecture's folder does it in its way. Main
 * only. */

#include "vmm/base/text.h"
#include "vmm/config/option.h"

struct boot_files;
struct payload;
struct spec;
struct vcpu;
struct vm;

/* Whether this architecture has what the spec asks for; nothing is made yet. 0; or
 * -EINVAL with *why, and in *which the option that asks for what it has not. */
int arch_check(const struct spec *spec, enum option_id *which, struct text *why);

/* Whether the headers of this file are those of a kernel that arch_load() takes, and the
 * file has all that they speak of. Whether it fits into memory depends on the VM. 0; or
 * -errno with *why. */
int arch_check_kernel(const struct payload *kernel, struct text *why);

/* Loads kernel, initrd, command line and ACPI tables, and sets vCPU 0 to enter them.
 * enabled as in tables_build(). No thread runs. 0, and in *sta what cpuhp_show() is to
 * keep; or -errno with *why. */
int arch_load(struct vm *vm, struct vcpu *vcpu0, const struct spec *spec,
	      const struct boot_files *files, const unsigned char *enabled,
	      unsigned char **sta, struct text *why);

#endif
