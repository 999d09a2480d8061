#include "vmm/base/acceptor.h"

#include <errno.h>
#include <event2/event.h>

static const struct timeval one_second = { 1, 0 };

static void on_acceptable(evutil_socket_t unused, short what, void *arg)
{
	struct acceptor *a = arg;
	int fd = listen_accept(&a->socket);

	(void)unused, (void)what;
	if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM) {
		event_del(a->acceptable);
		event_add(a->retry, &one_second);
	}
	if (fd >= 0)
		a->client(a->ctx, fd);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	acceptor_resume(arg);
}

void acceptor_resume(struct acceptor *a)
{
	if (a->acceptable != NULL)
		event_add(a->acceptable, NULL);
}

int acceptor_open(struct acceptor *a, struct event_base *base, const char *path,
		  void (*client)(void *ctx, int fd), void *ctx)
{
	int err;

	*a = ACCEPTOR_CLOSED;
	a->client = client;
	a->ctx = ctx;
	err = listen_open(&a->socket, path);
	if (err < 0)
		return err;
	a->acceptable =
		event_new(base, a->socket.fd, EV_READ | EV_PERSIST, on_acceptable, a);
	a->retry = evtimer_new(base, on_retry, a);
	if (a->acceptable == NULL || a->retry == NULL ||
	    event_add(a->acceptable, NULL) < 0) {
		acceptor_close(a);
		return -ENOMEM;
	}
	return 0;
}

static void free_event(struct event **ev)
{
	if (*ev != NULL)
		event_free(*ev);
	*ev = NULL;
}

void acceptor_close(struct acceptor *a)
{
	free_event(&a->acceptable);
	free_event(&a->retry);
	listen_close(&a->socket);
}
