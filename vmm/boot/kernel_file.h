#ifndef VMM_BOOT_KERNEL_FILE_H
#define VMM_BOOT_KERNEL_FILE_H
/* kernel_file: what a file is that somebody takes for a kernel. Pure. Believes nothing
 * that the file says. */

#include <stddef.h>
#include <stdint.h>

#include "vmm/base/text.h"

#define KERNEL_HEAD_LEN 4096 /* of a file, which is looked at; all of a smaller one */

/* What the guest's CPUs are. */
enum kernel_arch { KERNEL_X86_64, KERNEL_AARCH64, KERNEL_ARCHS };

/* Says what the file of this path is that no loader of this architecture takes, and what
 * would work: head has its first len bytes (KERNEL_HEAD_LEN, or all), and it has file_len
 * in all. Returns -ENOEXEC with *why. */
int kernel_refuse(const char *path, enum kernel_arch arch, const unsigned char *head,
		  size_t len, uint64_t file_len, struct text *why);

/* Whether a file of file_len bytes has all of end. 0; or -ENOEXEC with *why, which has
 * both. */
int kernel_check_end(const char *path, uint64_t file_len, uint64_t end, struct text *why);

#endif
