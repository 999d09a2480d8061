#include "vmm/base/newest_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int set_names(struct newest_file *f, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL
			    ? strdup(".")
			    : strndup(path, slash > path ? (size_t)(slash - path) : 1);

	f->name = strdup(slash != NULL ? slash + 1 : path);
	if (f->name == NULL || dir == NULL || asprintf(&f->old, "%s.old", f->name) < 0) {
		f->old = NULL;
		free(dir);
		return -ENOMEM;
	}
	f->dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	return f->dir_fd < 0 ? -errno : 0;
}

static int open_one(const struct newest_file *f, const char *name, int *fd)
{
	struct stat st;

	*fd = openat(f->dir_fd, name,
		     O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
		     0600);
	if (*fd < 0 || fstat(*fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EEXIST;
	return ftruncate(*fd, 0) < 0 ? -errno : 0;
}

int newest_file_open(struct newest_file *f, const char *path, uint64_t size)
{
	int err;

	*f = (struct newest_file){
		.fd = -1, .old_fd = -1, .dir_fd = -1, .half = size / 2
	};
	err = set_names(f, path);
	if (err == 0)
		err = open_one(f, f->name, &f->fd);
	if (err == 0)
		err = open_one(f, f->old, &f->old_fd);
	if (err < 0)
		newest_file_close(f);
	return err;
}

/* Where the names cannot be swapped, as somebody has moved or removed the files, they
 * stay: the one that was FILE has the half before. */
static int begin_anew(struct newest_file *f)
{
	int fd = f->old_fd;

	if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	(void)renameat2(f->dir_fd, f->old, f->dir_fd, f->name, RENAME_EXCHANGE);
	f->old_fd = f->fd;
	f->fd = fd;
	f->len = 0;
	return 0;
}

ssize_t newest_file_write(struct newest_file *f, const void *data, size_t len)
{
	ssize_t n;

	if (f->len >= f->half && begin_anew(f) < 0)
		return -1;
	n = write(f->fd, data, len < f->half - f->len ? len : (size_t)(f->half - f->len));
	f->len += n > 0 ? (uint64_t)n : 0;
	return n;
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void newest_file_close(struct newest_file *f)
{
	close_one(&f->fd);
	close_one(&f->old_fd);
	close_one(&f->dir_fd);
	free(f->name);
	free(f->old);
	f->name = f->old = NULL;
}
