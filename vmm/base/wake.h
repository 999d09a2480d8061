#ifndef VMM_BASE_WAKE_H
#define VMM_BASE_WAKE_H
/* wake: how work done by another thread comes home to main's loop: an eventfd. */

struct event;
struct event_base;

struct wake {
	int fd; /* -1: not open */
	struct event *ev;
	void (*fn)(void *ctx); /* main */
	void *ctx;
};

/* Calls fn(ctx) on the loop once after one or more rings. 0; or -errno. */
int wake_init(struct wake *w, struct event_base *base, void (*fn)(void *ctx), void *ctx);

/* Any thread; never blocks. The void pointer is the wake, so that it fits a callback. */
void wake_ring(void *wake);

/* Takes one that was zeroed with fd -1, too. */
void wake_destroy(struct wake *w);

#endif
