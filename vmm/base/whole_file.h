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
 * replaces the file, his is locked as soon as it is next looked at. */

#include <stddef.h>

struct whole_file {
	char *path, *new, *dir; /* absolute, without links: it, its successor, both's */
	int fd;                 /* of what has the name, locked; -1: not open */
};

/* 0; -EWOULDBLOCK when another process has it, or -errno, and there is nothing to
 * close. */
int whole_file_open(struct whole_file *f, const char *path);

/* Takes one that was zeroed with fd -1, too. */
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

#endif
