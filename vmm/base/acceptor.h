#ifndef VMM_BASE_ACCEPTOR_H
#define VMM_BASE_ACCEPTOR_H
/* acceptor: a listening Unix socket on main's loop. Without a free descriptor, or memory,
 * it waits a second, or until it is told that there is one again: a connection that
 * cannot be taken must not make main spin. Main only. */

#include <stdbool.h>

#include "vmm/base/listen.h"

struct event;
struct event_base;

struct acceptor {
	struct listen_socket socket; /* fd -1: closed */
	struct event *acceptable, *retry;
	void (*client)(void *ctx, int fd);
	void *ctx;
};

#define ACCEPTOR_CLOSED                                                                  \
	((struct acceptor){ .socket = { .fd = -1, .at = FILE_AT_CLOSED } })

/* Calls client(ctx, fd) for each that connects and may talk; the fd, which does not
 * block, is the callee's. 0; or what listen_open() says, or -ENOMEM, and it is closed. */
int acceptor_open(struct acceptor *a, struct event_base *base, const char *path,
		  void (*client)(void *ctx, int fd), void *ctx);

/* Some descriptor was closed. */
void acceptor_resume(struct acceptor *a);

/* Removes the socket file, too, if it is still ours. Takes a closed one. */
void acceptor_close(struct acceptor *a);

static inline bool acceptor_is_open(const struct acceptor *a)
{
	return a->socket.fd >= 0;
}

#endif
