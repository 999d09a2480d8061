#ifndef VMM_BOOT_PAYLOAD_H
#define VMM_BOOT_PAYLOAD_H
/* payload: one file that the user gives to the guest, kernel or initrd, open from the
 * start on: a guest that starts again gets what is in it by then, whatever has its name.
 * Also the command line, and every text that says that something does not fit. What a
 * kernel looks like is for the architecture's loader. Main only. */

#include <stddef.h>
#include <stdint.h>

#include "vmm/base/text.h"
#include "vmm/kvm/vm.h"

#define PAYLOAD_NONE ((struct payload){ .fd = -1 })

struct payload {
	const char *what; /* "kernel" or "initrd" */
	const char *path; /* as given, for texts; the caller's, who keeps it */
	int fd;           /* -1: there is none */
	uint64_t len;     /* bytes when it was opened */
};

/* Opens a regular file that is not empty. 0; or -errno with *why, and *p is none. */
int payload_open(struct payload *p, const char *what, const char *path, struct text *why);

/* Takes none, too. */
void payload_close(struct payload *p);

/* The bytes that it has now. 0; or -EIO with *why when they are fewer than they were:
 * then it was cut, and who knows what is left. */
int payload_len(const struct payload *p, uint64_t *len, struct text *why);

/* Reads what is there, up to len bytes, from its begin. 0 with their number in *n; or
 * -errno with *why. */
int payload_head(const struct payload *p, void *to, size_t len, size_t *n,
		 struct text *why);

/* Reads len bytes at offset to gpa, which is RAM. 0; or -errno with *why. */
int payload_load(const struct payload *p, const struct vm *vm, uint64_t gpa,
		 uint64_t offset, uint64_t len, struct text *why);

/* Loads an initrd as high as it can stand from start to end, on a multiple of align;
 * start is where the kernel ends. 0 with its place in *out, all 0 when there is none; or
 * -errno with *why. */
int payload_load_initrd(const struct payload *p, const struct vm *vm, uint64_t start,
			uint64_t end, uint64_t align, struct ram_range *out,
			struct text *why);

/* The command line, at most max characters long; append may be NULL. 0 with the text in
 * *out; or -E2BIG with *why. Pure. */
int payload_cmdline(const char *append, uint64_t max, const char **out, struct text *why);

/* Memory is too small for len bytes of "ACPI tables", as what says. -ENOSPC and *why. */
int payload_no_room_for(const struct vm *vm, const char *what, uint64_t len,
			struct text *why);

/* The same for a kernel that needs len bytes from gpa on. */
int payload_no_room_for_kernel(const struct vm *vm, uint64_t gpa, uint64_t len,
			       struct text *why);

#endif
