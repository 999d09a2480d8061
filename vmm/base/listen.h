#ifndef VMM_BASE_LISTEN_H
#define VMM_BASE_LISTEN_H
/* listen: a Unix socket that only its owner and root can talk to. */

#include <sys/types.h>
#include <sys/un.h>

#include "vmm/base/file_at.h"

struct listen_socket {
	int fd;            /* non-blocking; -1 when closed */
	struct file_at at; /* of the socket file, which goes at the end */
	dev_t dev;         /* the socket file as we made it */
	ino_t ino;
};

/* Listens on path. The file has mode 0600 (less the umask) from its first moment. A stale
 * socket file is replaced; of several who do that at once one gets the path. 0; or -errno
 * with nothing left behind: -EADDRINUSE when
 * somebody answers there, -EEXIST when the path is no socket, -ENAMETOOLONG, -EINVAL when
 * empty. */
int listen_open(struct listen_socket *l, const char *path);

/* What to do about an error of listen_open(): "" or, with the "; " in front of it, a
 * remedy for the user. */
const char *listen_remedy(int err);

/* A new client's fd (non-blocking, close-on-exec) or -errno: -EAGAIN when nobody waits,
 * -EPERM when it was neither root nor our effective user, who has been shut out. */
int listen_accept(const struct listen_socket *l);

/* Closes, and removes the socket file if it is still ours. Again: no effect. */
void listen_close(struct listen_socket *l);

#endif
