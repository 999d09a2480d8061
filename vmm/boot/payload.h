#ifndef VMM_BOOT_PAYLOAD_H
#define VMM_BOOT_PAYLOAD_H
/* payload: what the user gives to the guest, kernel, initrd and command line, and every
 * text that says that it does not fit. What a kernel looks like is for the architecture's
 * loader. Main only. */

#include <stdint.h>

#include "vmm/base/text.h"
#include "vmm/kvm/vm.h"

/* Opens a regular file that the user named; what is "kernel" or "initrd". Returns the fd,
 * with the file's bytes in *len; or -errno with *why. */
int payload_open(const char *what, const char *path, uint64_t *len, struct text *why);

/* Reads len bytes at offset of that file to gpa, which is RAM. 0; or -errno with *why. */
int payload_read(const struct vm *vm, const char *what, const char *path, int fd,
		 uint64_t gpa, uint64_t offset, uint64_t len, struct text *why);

/* Loads the initrd of this path as high as it can stand from start to end, on a multiple
 * of align; start is where the kernel ends. 0 with its place in *out, all 0 when path is
 * NULL; or -errno with *why. */
int payload_load_initrd(const struct vm *vm, const char *path, uint64_t start,
			uint64_t end, uint64_t align, struct ram_range *out,
			struct text *why);

/* The command line, at most max characters long; append may be NULL. 0 with the text in
 * *out; or -E2BIG with *why. */
int payload_cmdline(const char *append, uint64_t max, const char **out, struct text *why);

/* Memory is too small for len bytes of "ACPI tables", as what says. -ENOSPC and *why. */
int payload_no_room_for(const struct vm *vm, const char *what, uint64_t len,
			struct text *why);

/* The same for a kernel that needs len bytes from gpa on. */
int payload_no_room_for_kernel(const struct vm *vm, uint64_t gpa, uint64_t len,
			       struct text *why);

#endif
