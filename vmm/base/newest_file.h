#ifndef VMM_BASE_NEWEST_FILE_H
#define VMM_BASE_NEWEST_FILE_H
/* newest_file: a file that is only written, and keeps the newest of what was. When FILE
 * has half of the size it becomes FILE.old, in the place of the one before, and FILE
 * begins anew: together they never have more. Both are opened once, and swap names by one
 * rename: so FILE is always there, and nothing is opened by path later. One thread. */

#include <stdint.h>
#include <sys/types.h>

#define NEWEST_FILE_MIN 8192 /* bytes; the least size that makes sense */

struct newest_file {
	int fd, old_fd;   /* of FILE and FILE.old; -1: not open */
	int dir_fd;       /* both are in it */
	char *name, *old; /* without the folder */
	uint64_t half;    /* bytes that each may have */
	uint64_t len;     /* of FILE */
};

/* Makes FILE, empty, mode 0600, and takes a FILE.old for its own; size is NEWEST_FILE_MIN
 * or more. 0; or -errno, -EEXIST where FILE.old is no regular file. */
int newest_file_open(struct newest_file *f, const char *path, uint64_t size);

/* As write(): the bytes that are written, fewer than len where FILE is full; or -1 and
 * errno. */
ssize_t newest_file_write(struct newest_file *f, const void *data, size_t len);

/* Takes one that was zeroed with all fds -1, too. */
void newest_file_close(struct newest_file *f);

#endif
