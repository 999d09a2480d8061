#include "vmm/base/file_at.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* To unlink in a folder one need not be able to read it. */
static int open_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == EACCES)
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The folder's part of a path, to be freed. */
static char *folder_of(const char *path, const char *slash)
{
	if (slash == NULL)
		return strdup(".");
	return strndup(path, slash > path ? (size_t)(slash - path) : 1);
}

int file_at_open(struct file_at *p, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	char *folder;

	*p = FILE_AT_CLOSED;
	if (*name == '\0')
		return slash != NULL ? -EISDIR : -EINVAL;
	folder = folder_of(path, slash);
	if (folder == NULL)
		return -ENOMEM;
	p->dir = open_folder(folder);
	free(folder);
	if (p->dir < 0) {
		int err = p->dir;

		*p = FILE_AT_CLOSED;
		return err;
	}
	p->name = strdup(name);
	if (p->name == NULL) {
		file_at_close(p);
		return -ENOMEM;
	}
	return 0;
}

int file_at_open_real(struct file_at *p, const char *path)
{
	char *real = realpath(path, NULL);
	int err = real != NULL ? file_at_open(p, real) : -errno;

	if (real == NULL)
		*p = FILE_AT_CLOSED;
	free(real);
	return err;
}

void file_at_close(struct file_at *p)
{
	if (p->dir >= 0)
		close(p->dir);
	free(p->name);
	*p = FILE_AT_CLOSED;
}

int file_at_stat(const struct file_at *p, struct stat *st)
{
	return fstatat(p->dir, p->name, st, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int file_at_unlink(const struct file_at *p)
{
	return unlinkat(p->dir, p->name, 0) < 0 ? -errno : 0;
}

int file_at_rename(const struct file_at *p, const char *from, const char *to)
{
	return renameat(p->dir, from, p->dir, to) < 0 ? -errno : 0;
}

bool file_at_can_sync(const struct file_at *p)
{
	return (fcntl(p->dir, F_GETFL) & O_PATH) == 0;
}
