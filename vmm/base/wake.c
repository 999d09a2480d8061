#include "vmm/base/wake.h"

#include <errno.h>
#include <event2/event.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct wake *w = arg;
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof(count)) == sizeof(count))
		w->fn(w->ctx);
}

int wake_init(struct wake *w, struct event_base *base, void (*fn)(void *ctx), void *ctx)
{
	int err;

	*w = (struct wake){ .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
			    .fn = fn,
			    .ctx = ctx };
	if (w->fd < 0)
		return -errno;
	w->ev = event_new(base, w->fd, EV_READ | EV_PERSIST, on_readable, w);
	if (w->ev != NULL && event_add(w->ev, NULL) == 0)
		return 0;
	err = -ENOMEM;
	wake_destroy(w);
	return err;
}

void wake_ring(void *wake)
{
	const struct wake *w = wake;
	const uint64_t one = 1;

	if (write(w->fd, &one, sizeof(one)) < 0)
		return; /* EAGAIN: the counter is full, so main will wake anyhow */
}

void wake_destroy(struct wake *w)
{
	if (w->ev != NULL)
		event_free(w->ev);
	if (w->fd >= 0)
		close(w->fd);
	*w = (struct wake){ .fd = -1 };
}
