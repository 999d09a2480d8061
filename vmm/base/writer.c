#include "vmm/base/writer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "devices/mtx.h"
#include "vmm/base/wake.h"

struct writer {
	pthread_t thread; /* constant */
	struct wake wake; /* constant; rung when *done is to be told */
	struct cnd go;    /* there is something to write, or to end */

	struct mtx lock; /* guards the fields from here on, and the files' newest */
	struct writer_file *files;
	struct writer_file
		*busy; /* whose newest was taken, until its end is told; or NULL */
	void *what;    /* of busy */
	bool done;     /* busy is written, and not told yet */
	bool ends;
	bool left; /* main has gone: the thread frees what is left, and touches no file */
	int err;   /* of busy, when it is done; with why */
	struct text why;
};

static struct writer_file *next_locked(const struct writer *w)
{
	struct writer_file *f = w->files;

	while (f != NULL && f->newest == NULL)
		f = f->next;
	return f;
}

/* Waits until there is a file to write and main has heard of the last; NULL at the
 * end. */
static struct writer_file *wait_locked(struct writer *w) HOLDS(w->lock)
{
	for (;;) {
		struct writer_file *f = w->done ? NULL : next_locked(w);

		if (f != NULL || (w->ends && !w->done))
			return f;
		cnd_wait(&w->go, &w->lock);
	}
}

static void free_writer(struct writer *w)
{
	cnd_destroy(&w->go);
	free(w);
}

/* Writes one, and says so. Whether main is there still to hear of it. */
static bool write_one(struct writer *w, struct writer_file *f)
{
	int (*write)(void *ctx, void *what, struct text *why) = f->write;
	void (*drop)(void *what) = f->drop;
	void *ctx = f->ctx, *what = w->what;
	struct text why = { "" };
	int err = write(ctx, what, &why);
	bool left;

	mtx_lock(&w->lock);
	w->err = err;
	w->why = why;
	w->done = true;
	left = w->left;
	if (!left)
		wake_ring(&w->wake);
	mtx_unlock(&w->lock);
	if (left)
		drop(what);
	return !left;
}

static void *write_files(void *arg)
{
	struct writer *w = arg;
	struct writer_file *f;

	pthread_setname_np(pthread_self(), "writer");
	do {
		mtx_lock(&w->lock);
		f = wait_locked(w);
		w->busy = f;
		if (f != NULL) {
			w->what = f->newest;
			f->newest = NULL;
		}
		mtx_unlock(&w->lock);
		if (f == NULL)
			return NULL;
	} while (write_one(w, f));
	free_writer(w);
	return NULL;
}

static void on_done(void *ctx)
{
	struct writer *w = ctx;
	struct writer_file *f;
	struct text why;
	void *what;
	int err;

	mtx_lock(&w->lock);
	f = w->done ? w->busy : NULL;
	what = w->what;
	err = w->err;
	why = w->why;
	if (f != NULL) {
		w->busy = NULL;
		w->done = false;
		cnd_wake_all(&w->go);
	}
	mtx_unlock(&w->lock);
	if (f != NULL)
		f->written(f->ctx, what, err, &why);
}

/* No signal is the thread's: they are main's, or kick a vCPU. */
static int start_thread(struct writer *w)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = -pthread_create(&w->thread, NULL, write_files, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}

int writer_new(struct event_base *base, struct writer **out)
{
	struct writer *w = calloc(1, sizeof(*w));
	int err;

	if (w == NULL)
		return -ENOMEM;
	*w = (struct writer){ .lock = MTX_INIT, .go = CND_INIT };
	err = wake_init(&w->wake, base, on_done, w);
	if (err == 0)
		err = start_thread(w);
	if (err < 0) {
		wake_destroy(&w->wake);
		free(w);
		return err;
	}
	*out = w;
	return 0;
}

void writer_add(struct writer *w, struct writer_file *f)
{
	mtx_lock(&w->lock);
	f->newest = NULL;
	f->next = w->files;
	w->files = f;
	mtx_unlock(&w->lock);
}

void writer_put(struct writer *w, struct writer_file *f, void *what)
{
	void *old;

	mtx_lock(&w->lock);
	old = f->newest;
	f->newest = what;
	cnd_wake_all(&w->go);
	mtx_unlock(&w->lock);
	if (old != NULL)
		f->drop(old);
}

bool writer_owes(struct writer *w, const struct writer_file *f)
{
	bool owes;

	mtx_lock(&w->lock);
	owes = f->newest != NULL || w->busy == f;
	mtx_unlock(&w->lock);
	return owes;
}

static bool is_idle(struct writer *w)
{
	bool idle;

	mtx_lock(&w->lock);
	idle = w->busy == NULL && next_locked(w) == NULL;
	mtx_unlock(&w->lock);
	return idle;
}

static unsigned ms_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned)((now.tv_sec - then->tv_sec) * 1000 +
			  (now.tv_nsec - then->tv_nsec) / 1000000);
}

/* What was not begun in time is dropped. Whether the thread is free to end. */
static bool end(struct writer *w)
{
	struct writer_file *f;
	bool idle;

	mtx_lock(&w->lock);
	while ((f = next_locked(w)) != NULL) {
		f->drop(f->newest);
		f->newest = NULL;
	}
	idle = w->busy == NULL;
	w->ends = true;
	w->left = !idle;
	cnd_wake_all(&w->go);
	wake_destroy(&w->wake);
	mtx_unlock(&w->lock);
	return idle;
}

void writer_flush(struct writer *w, unsigned timeout_ms)
{
	const struct timespec tick = { 0, 1000000 };
	struct timespec begun;

	clock_gettime(CLOCK_MONOTONIC, &begun);
	on_done(w);
	while (!is_idle(w) && ms_since(&begun) < timeout_ms) {
		nanosleep(&tick, NULL);
		on_done(w);
	}
}

int writer_free(struct writer *w, unsigned timeout_ms)
{
	pthread_t thread;

	if (w == NULL)
		return 0;
	thread = w->thread;
	writer_flush(w, timeout_ms);
	if (!end(w)) {
		pthread_detach(thread);
		return -ETIMEDOUT;
	}
	pthread_join(thread, NULL); /* at once: it has nothing to write */
	free_writer(w);
	return 0;
}
