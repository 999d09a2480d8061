#include "vmm/boot/payload.h"
#include "vmm/config/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse_errno(const struct payload *p, int err, struct text *why)
{
	return text_set(why, err, "%s %s: %s", p->what, p->path, text_errno(-err));
}

static int look(struct payload *p, struct text *why)
{
	struct stat st;

	if (fstat(p->fd, &st) < 0)
		return refuse_errno(p, -errno, why);
	if (!S_ISREG(st.st_mode))
		return text_set(why, -EINVAL, "%s %s: %s", p->what, p->path,
				refuse_file_irregular);
	if (st.st_size == 0)
		return text_set(why, -EINVAL, refuse_file_empty, p->what, p->path);
	p->len = (uint64_t)st.st_size;
	return 0;
}

/* O_NONBLOCK: a FIFO would wait for its writer. */
int payload_open(struct payload *p, const char *what, const char *path, struct text *why)
{
	int err;

	*p = (struct payload){ .what = what, .path = path };
	p->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	err = p->fd < 0 ? refuse_errno(p, -errno, why) : look(p, why);
	if (err < 0)
		payload_close(p);
	return err;
}

void payload_close(struct payload *p)
{
	if (p->fd >= 0)
		close(p->fd);
	*p = PAYLOAD_NONE;
}

int payload_len(const struct payload *p, uint64_t *len, struct text *why)
{
	struct stat st;

	if (fstat(p->fd, &st) < 0)
		return refuse_errno(p, -errno, why);
	*len = (uint64_t)st.st_size;
	return *len < p->len ? text_set(why, -EIO, refuse_file_shrank, p->what, p->path,
					*len, p->len)
			     : 0;
}

int payload_head(const struct payload *p, void *to, size_t len, size_t *n,
		 struct text *why)
{
	for (*n = 0; *n < len;) {
		ssize_t got = pread(p->fd, (char *)to + *n, len - *n, (off_t)*n);

		if (got == 0)
			break;
		if (got < 0 && errno != EINTR)
			return refuse_errno(p, -errno, why);
		*n += got > 0 ? (size_t)got : 0;
	}
	return 0;
}

/* A file that ends too early was cut since we looked. */
int payload_load(const struct payload *p, const struct vm *vm, uint64_t gpa,
		 uint64_t offset, uint64_t len, struct text *why)
{
	int err = vm_read_file(vm, gpa, p->fd, offset, len);
	uint64_t now;

	if (err == -ENODATA && payload_len(p, &now, why) < 0)
		return -EIO;
	return err < 0 ? refuse_errno(p, err, why) : 0;
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

int payload_load_initrd(const struct payload *p, const struct vm *vm, uint64_t start,
			uint64_t end, uint64_t align, struct ram_range *out,
			struct text *why)
{
	uint64_t len = 0, gpa;
	int err;

	*out = (struct ram_range){ 0, 0 };
	if (p->fd < 0)
		return 0;
	err = payload_len(p, &len, why);
	if (err < 0)
		return err;
	gpa = len < end ? (end - len) / align * align : 0;
	err = gpa < start ? no_room_for_initrd(vm, start, end, len, why)
			  : payload_load(p, vm, gpa, 0, len, why);
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
