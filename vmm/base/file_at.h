#ifndef VMM_BASE_FILE_AT_H
#define VMM_BASE_FILE_AT_H
/* file_at: a name in a folder that is kept open. What is done there goes on when the
 * folder is renamed, and opens no path; a folder that was removed is gone for good. Any
 * thread. */

#include <stdbool.h>
#include <sys/stat.h>

#define FILE_AT_CLOSED ((struct file_at){ .dir = -1 })

struct file_at {
	int dir;    /* of the folder, -1: closed; O_PATH where it may not be read */
	char *name; /* of one file in it, without a slash */
};

/* The place of this path, at which there need not be a file; its own last link is not
 * followed. 0; -EISDIR when the path ends in a slash, -EINVAL when it is empty, or
 * another -errno, and there is nothing to close. */
int file_at_open(struct file_at *p, const char *path);

/* The same of what a chain of links ends at, which must be there. */
int file_at_open_real(struct file_at *p, const char *path);

/* Takes a closed one, too. */
void file_at_close(struct file_at *p);

/* What has the name, a link as itself. 0 or -errno. */
int file_at_stat(const struct file_at *p, struct stat *st);

/* Removes what has the name. 0 or -errno. */
int file_at_unlink(const struct file_at *p);

/* Gives it another name in the folder, in place of what had that. 0 or -errno. */
int file_at_rename(const struct file_at *p, const char *from, const char *to);

/* Whether the folder can be synced: it may be read. */
bool file_at_can_sync(const struct file_at *p);

#endif
