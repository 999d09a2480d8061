#ifndef VMM_BOOT_BOOT_FILES_H
#define VMM_BOOT_BOOT_FILES_H
/* boot_files: kernel and initrd of a VM, opened once, before anything of the VM is made,
 * and kept for each time that the guest starts. Main only. */

#include "vmm/base/text.h"
#include "vmm/boot/payload.h"

struct spec;

#define BOOT_FILES_NONE                                                                  \
	((struct boot_files){ .kernel = { .fd = -1 }, .initrd = { .fd = -1 } })

struct boot_files {
	struct payload kernel, initrd; /* their paths are the spec's */
};

/* Opens what the spec names; spec outlives it. 0; or -errno with *why, and there is
 * nothing to close. */
int boot_files_open(struct boot_files *f, const struct spec *spec, struct text *why);

/* Whether a guest of this architecture can be loaded from these files, as far as their
 * headers tell: whole, and for this architecture. Needs no VM. 0; or -errno with *why. */
int boot_files_check(const struct boot_files *f, struct text *why);

/* Takes BOOT_FILES_NONE, too. */
void boot_files_close(struct boot_files *f);

#endif
