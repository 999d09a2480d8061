#ifndef VMM_BOOT_AARCH64_IMAGE_H
#define VMM_BOOT_AARCH64_IMAGE_H
/* image: the header of an arm64 Linux Image (Documentation/arch/arm64/booting.rst, "Call
 * the kernel image"). Pure. Believes nothing that the file says. */

#include <stddef.h>
#include <stdint.h>

#include "vmm/base/text.h"

#define IMAGE_ALIGN UINT64_C(0x200000)

struct image {
	uint64_t offset; /* of the kernel from a multiple of IMAGE_ALIGN */
	uint64_t len;    /* bytes that must be free from there on: file and BSS */
};

/* Reads the first head_len bytes (KERNEL_HEAD_LEN, or all of a smaller file) of the file
 * of this path, which has file_len bytes. offset + len does not overflow. 0; or -ENOEXEC
 * with *why: that it is cut short or broken, or what it is instead, and what would
 * work. */
int image_parse(const char *path, const unsigned char *head, size_t head_len,
		uint64_t file_len, struct image *out, struct text *why);

#endif
