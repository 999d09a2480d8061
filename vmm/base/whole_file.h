#ifndef VMM_BASE_WHOLE_FILE_H
#define VMM_BASE_WHOLE_FILE_H
/* whole_file: a small file of which one process has the use, and which is read and
 * replaced as a whole. Main only.
 *
 * To replace FILE, FILE.hotsocket-new is written, synced and renamed, and the directory
 * is synced: at each moment, a crash included, FILE is the old or the new one. Mode and
 * owner stay where the host allows it; ACLs and further hard links do not. A symbolic
 * link stays, and what it names is replaced.
 *
 * The lock is a flock on the file itself, and its successor has one before it gets the
 * name. So there is no lock file, and no lock outlives the process. Where somebody else
 * replaces the file, his is locked as soon as it is next looked at.
 *
 * The folder is opened once (file_at.h). */

#include <stddef.h>

#include "vmm/base/file_at.h"

struct whole_file {
	struct file_at at;
	char *new; /* its successor's name in the same folder */
	int fd;    /* of what has the name, locked; -1: not open */
};

/* 0; -EWOULDBLOCK when another process has it, or -errno, and there is nothing to
 * close. */
int whole_file_open(struct whole_file *f, const char *path);

/* Takes one that is closed or was never opened (at = FILE_AT_CLOSED, fd = -1), too. */
void whole_file_close(struct whole_file *f);

/* The file's bytes, to be freed. 0; -EFBIG when it is larger than 1 MiB, or as
 * whole_file_open(). */
int whole_file_read(struct whole_file *f, char **text, size_t *len);

/* The same of a file that is only read, and not locked. 0; -EFBIG, -EISDIR, -EINVAL when
 * it is no regular file, or another -errno. */
int whole_file_load(const char *path, char **text, size_t *len);

/* 0 when text is on disk; else -errno, and the file is whole: as a rule the old one, but
 * the new one when only the last step failed. */
int whole_file_replace(struct whole_file *f, const char *text, size_t len);

/* A file that only we write: it need not be there, is not locked, and is not synced, as
 * nobody wants it after a crash of the host. Its successor is FILE.new. A symbolic link
 * is replaced. 0; or -errno, and there is nothing to close. */
int whole_file_begin(struct whole_file *f, const char *path);

/* Replaces such a file, with mode 0644 less the umask. 0; or -errno, and the old one is
 * there. */
int whole_file_put(struct whole_file *f, const char *text, size_t len);

/* Removes it. 0 or -errno. */
int whole_file_remove(struct whole_file *f);

#endif
