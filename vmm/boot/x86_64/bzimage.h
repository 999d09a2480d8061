#ifndef VMM_BOOT_X86_64_BZIMAGE_H
#define VMM_BOOT_X86_64_BZIMAGE_H
/* bzimage: a Linux bzImage by the 64-bit protocol (Documentation/arch/x86/boot.rst,
 * "64-bit Boot Protocol"): its setup code is never run. Pure. Believes nothing that the
 * file says. */

#include <asm/bootparam.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/text.h"
#include "vmm/boot/x86_64/memory_map.h"

struct bzimage {
	uint64_t setup_len;    /* of the file, before what is loaded */
	uint64_t len;          /* of the file from there on; not 0 */
	uint64_t gpa;          /* where it is loaded: BOOT_HIGH_START or more */
	uint64_t need;         /* bytes that must be free from there on: len or more */
	uint64_t entry;        /* where a CPU in 64-bit mode enters it */
	uint64_t initrd_limit; /* an initrd ends here or below */
	uint64_t cmdline_max;  /* characters */
	struct setup_header header; /* as boot_params is to have it */
};

/* Reads the first head_len bytes (KERNEL_HEAD_LEN, or all of a smaller file) of the file
 * of this path, which has file_len bytes. gpa + need does not overflow. 0; 1 when it is
 * no bzImage; or -ENOEXEC with *why: too old, cut short or broken. */
int bzimage_parse(const char *path, const unsigned char *head, size_t head_len,
		  uint64_t file_len, struct bzimage *out, struct text *why);

/* Fills in what the kernel is told; cmdline and rsdp are guest physical. */
void bzimage_params(const struct bzimage *b, const struct memory_map *map,
		    const struct ram_range *initrd, uint64_t cmdline, uint64_t rsdp,
		    struct boot_params *out);

#endif
