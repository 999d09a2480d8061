#include "vmm/base/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEN_MAX 1048576 /* of a file that is read */

/* Whether the file that is open has the name: 0; or -ESTALE, or -errno. */
static int still_at(const struct file_at *at, int fd)
{
	struct stat named, opened;

	if (fstatat(at->dir, at->name, &named, 0) < 0 || fstat(fd, &opened) < 0)
		return -errno;
	return named.st_dev == opened.st_dev && named.st_ino == opened.st_ino ? 0
									      : -ESTALE;
}

static int open_one(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

/* Whoever has the lock may replace the file between our open and our lock: look again. */
static int open_locked(const struct file_at *at, int *out)
{
	int fd, err;

	do {
		fd = open_one(at->dir, at->name);
		if (fd < 0)
			return fd;
		err = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : still_at(at, fd);
		if (err < 0)
			close(fd);
	} while (err == -ESTALE);
	if (err == 0)
		*out = fd;
	return err;
}

static void take(struct whole_file *f, int fd)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = fd;
}

/* Locks what has the name now. */
static int hold(struct whole_file *f)
{
	int fd = -1, err = f->fd >= 0 ? still_at(&f->at, f->fd) : -ESTALE;

	if (err != -ESTALE)
		return err;
	err = open_locked(&f->at, &fd);
	if (err == 0)
		take(f, fd);
	return err;
}

/* --- reading -------------------------------------------------------------- */

static int read_all(int fd, char *text, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, text + done, len - done, (off_t)done);

		if (n == 0) /* it became shorter */
			return -EIO;
		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* All of a regular file. */
static int read_fd(int fd, char **text, size_t *len)
{
	struct stat st;
	int err;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	if (st.st_size > LEN_MAX)
		return -EFBIG;
	*len = (size_t)st.st_size;
	*text = malloc(*len + 1);
	if (*text == NULL)
		return -ENOMEM;
	err = read_all(fd, *text, *len);
	if (err < 0)
		free(*text);
	return err;
}

int whole_file_read(struct whole_file *f, char **text, size_t *len)
{
	int err = hold(f);

	return err < 0 ? err : read_fd(f->fd, text, len);
}

int whole_file_load(const char *path, char **text, size_t *len)
{
	int fd = open_one(AT_FDCWD, path), err;

	if (fd < 0)
		return fd;
	err = read_fd(fd, text, len);
	close(fd);
	return err;
}

/* --- replacing ------------------------------------------------------------ */

static int write_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		text += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* The owner first: a change of owner may change the mode. Only root may give files
 * away. */
static int dress(int fd, const struct stat *like)
{
	if (fchown(fd, like->st_uid, like->st_gid) < 0 &&
	    fchown(fd, (uid_t)-1, like->st_gid) < 0 && errno != EPERM)
		return -errno;
	return fchmod(fd, like->st_mode & 07777) < 0 ? -errno : 0;
}

static int fill(int fd, const struct stat *like, const char *text, size_t len)
{
	int err = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : dress(fd, like);

	if (err == 0)
		err = write_all(fd, text, len);
	if (err == 0 && fsync(fd) < 0)
		err = -errno;
	return err;
}

/* One that a crash left is ours. */
static int make_new(const struct file_at *at, const char *new, mode_t mode)
{
	int fd;

	if (unlinkat(at->dir, new, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(at->dir, new, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		    mode);
	return fd < 0 ? -errno : fd;
}

/* A file that may not be written is not replaced either. */
static int swap(struct whole_file *f, const char *text, size_t len)
{
	struct stat like;
	int fd, err;

	if (faccessat(f->at.dir, f->at.name, W_OK, AT_EACCESS) < 0 ||
	    fstat(f->fd, &like) < 0)
		return -errno;
	fd = make_new(&f->at, f->new, 0600);
	if (fd < 0)
		return fd;
	err = fill(fd, &like, text, len);
	if (err == 0)
		err = file_at_rename(&f->at, f->new, f->at.name);
	if (err == 0) {
		take(f, fd);
	} else {
		close(fd);
		(void)unlinkat(f->at.dir, f->new, 0);
	}
	return err;
}

int whole_file_replace(struct whole_file *f, const char *text, size_t len)
{
	int err = hold(f);

	if (err < 0)
		return err;
	if (!file_at_can_sync(&f->at))
		return -EACCES;
	err = swap(f, text, len);
	if (err == 0 && fsync(f->at.dir) < 0 && errno != EINVAL)
		err = -errno; /* not every file system can */
	return err;
}

/* --- life ----------------------------------------------------------------- */

int whole_file_open(struct whole_file *f, const char *path)
{
	int err;

	*f = (struct whole_file){ .at = FILE_AT_CLOSED, .fd = -1 };
	err = file_at_open_real(&f->at, path);
	if (err == 0 && asprintf(&f->new, "%s.hotsocket-new", f->at.name) < 0) {
		f->new = NULL;
		err = -ENOMEM;
	}
	if (err == 0)
		err = hold(f);
	if (err < 0)
		whole_file_close(f);
	return err;
}

void whole_file_close(struct whole_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	free(f->new);
	f->new = NULL;
	file_at_close(&f->at);
}

/* --- one that only we write ----------------------------------------------- */

int whole_file_begin(struct whole_file *f, const char *path)
{
	int err;

	*f = (struct whole_file){ .at = FILE_AT_CLOSED, .fd = -1 };
	err = file_at_open(&f->at, path);
	if (err == 0 && asprintf(&f->new, "%s.new", f->at.name) < 0) {
		f->new = NULL;
		err = -ENOMEM;
	}
	if (err < 0)
		whole_file_close(f);
	return err;
}

int whole_file_put(struct whole_file *f, const char *text, size_t len)
{
	int fd = make_new(&f->at, f->new, 0644), err;

	if (fd < 0)
		return fd;
	err = write_all(fd, text, len);
	if (close(fd) < 0 && err == 0)
		err = -errno;
	if (err == 0)
		err = file_at_rename(&f->at, f->new, f->at.name);
	if (err < 0)
		(void)unlinkat(f->at.dir, f->new, 0);
	return err;
}

int whole_file_remove(struct whole_file *f)
{
	return file_at_unlink(&f->at);
}
