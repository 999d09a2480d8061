#include "vmm/boot/payload.h"
#include "vmm/config/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* O_NONBLOCK: a FIFO would wait for its writer. */
int payload_open(const char *what, const char *path, uint64_t *len, struct text *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), err = errno;
	struct stat st;

	if (fd < 0)
		return text_set(why, -err, "%s %s: %s", what, path, text_errno(err));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return text_set(why, -EINVAL, "%s %s: %s", what, path,
				refuse_file_irregular);
	}
	*len = (uint64_t)st.st_size;
	return fd;
}

int payload_read(const struct vm *vm, const char *what, const char *path, int fd,
		 uint64_t gpa, uint64_t offset, uint64_t len, struct text *why)
{
	int err = vm_read_file(vm, gpa, fd, offset, len);

	return err < 0 ? text_set(why, err, "%s %s: %s", what, path, text_errno(-err))
		       : 0;
}

int payload_no_room_for(const struct vm *vm, const char *what, uint64_t len,
			struct text *why)
{
	return text_set(why, -ENOSPC, refuse_tables_no_room, vm->ram_len >> 20, what,
			vm->topo->max_vcpus, len >> 10);
}

int payload_no_room_for_kernel(const struct vm *vm, uint64_t gpa, uint64_t len,
			       struct text *why)
{
	return text_set(why, -ENOSPC, refuse_kernel_no_room, vm->ram_len >> 20,
			(len >> 20) + 1, gpa >> 20);
}

/* More memory helps only where it is that which ends the initrd's room. */
static int no_room_for_initrd(const struct vm *vm, uint64_t kernel_end, uint64_t end,
			      uint64_t len, struct text *why)
{
	uint64_t need = kernel_end - vm->range[0].gpa + len + (1 << 21);

	if (need <= vm->ram_len && end > kernel_end)
		return text_set(why, -EFBIG, refuse_initrd_high, (len >> 20) + 1,
				(end - kernel_end) >> 20);
	return text_set(why, -ENOSPC, refuse_initrd_no_room, vm->ram_len >> 20,
			need >> 20);
}

int payload_load_initrd(const struct vm *vm, const char *path, uint64_t start,
			uint64_t end, uint64_t align, struct ram_range *out,
			struct text *why)
{
	uint64_t len = 0, gpa;
	int fd, err;

	*out = (struct ram_range){ 0, 0 };
	if (path == NULL)
		return 0;
	fd = payload_open("initrd", path, &len, why);
	if (fd < 0)
		return fd;
	gpa = len < end ? (end - len) / align * align : 0;
	err = gpa < start ? no_room_for_initrd(vm, start, end, len, why)
			  : payload_read(vm, "initrd", path, fd, gpa, 0, len, why);
	close(fd);
	if (err == 0)
		*out = (struct ram_range){ gpa, len };
	return err;
}

int payload_cmdline(const char *append, uint64_t max, const char **out, struct text *why)
{
	const char *s = append != NULL ? append : "";
	size_t len = strlen(s);

	if (len > max)
		return text_set(why, -E2BIG, refuse_append_long, len, max);
	*out = s;
	return 0;
}
