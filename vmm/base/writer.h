#ifndef VMM_BASE_WRITER_H
#define VMM_BASE_WRITER_H
/* writer: a thread that writes files, so that main never waits for a disk. It writes one
 * thing at a time, each file's newest: what was not begun when a newer one came is
 * dropped. How a write ended comes home to main's loop. Everything here is main's but
 * write(). */

#include <stdbool.h>

#include "vmm/base/text.h"

struct event_base;
struct writer;

/* One file. Whoever writes to it embeds this, fills in the first part, and keeps it as
 * long as the writer. */
struct writer_file {
	/* The writer's thread, which has *what meanwhile: 0, or -errno with *why. */
	int (*write)(void *ctx, void *what, struct text *why);
	/* Main, once for each what that was begun, in their order; frees what, too. */
	void (*written)(void *ctx, void *what, int err, const struct text *why);
	/* Main: what is not written, as a newer one came or the writer ends. */
	void (*drop)(void *what);
	void *ctx;

	/* The writer's own. */
	struct writer_file *next;
	void *newest; /* not begun; NULL: nothing is to be written */
};

/* Starts the thread. 0; or -errno. */
int writer_new(struct event_base *base, struct writer **out);

/* Before the first writer_put() of it. */
void writer_add(struct writer *w, struct writer_file *f);

/* Has this written; takes what over. */
void writer_put(struct writer *w, struct writer_file *f, void *what);

/* Whether something of the file is not written yet, or its end not told. */
bool writer_owes(struct writer *w, const struct writer_file *f);

/* Waits up to timeout_ms until all is written and told. For the end, when nothing else is
 * to be done. */
void writer_flush(struct writer *w, unsigned timeout_ms);

/* As writer_flush(); then frees all. 0;
 * or -ETIMEDOUT where the disk hangs: the thread frees the rest when it comes back, and
 * drops what it has. Takes NULL. */
int writer_free(struct writer *w, unsigned timeout_ms);

#endif
