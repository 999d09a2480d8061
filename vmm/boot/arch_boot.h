#ifndef VMM_BOOT_ARCH_BOOT_H
#define VMM_BOOT_ARCH_BOOT_H
/* arch_boot: how a guest is loaded; each architecture's folder does it in its way. Main. */

#include "vmm/base/text.h"

struct spec;
struct vcpu;
struct vm;

/* Whether this architecture has what the spec asks for; nothing is made yet. 0; or
 * -EINVAL with *why. */
int arch_check(const struct spec *spec, struct text *why);

/* Loads kernel, initrd, command line and ACPI tables, and sets vCPU 0 to enter them.
 * enabled as in tables_build(). No thread runs yet. 0, and in *sta what cpuhp_show() is
 * to keep; or -errno with *why. */
int arch_load(struct vm *vm, struct vcpu *boot, const struct spec *spec,
	      const unsigned char *enabled, unsigned char **sta, struct text *why);

#endif
