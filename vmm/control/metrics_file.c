#include "vmm/control/metrics_file.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>

#include "vmm/base/log.h"
#include "vmm/base/whole_file.h"
#include "vmm/base/writer.h"
#include "vmm/config/spec.h"
#include "vmm/control/control.h"
#include "vmm/control/report_metrics.h"

struct metrics_file {
	const struct control *c;
	const char *path;       /* as given */
	struct whole_file file; /* the writer's thread, once there is a first one */
	struct writer_file writes;
	struct event *later;
	bool failed; /* the last write, which was told */
};

/* All of a file, for the writer. */
struct text_of_file {
	size_t len;
	char *text;
};

static void drop(void *what)
{
	struct text_of_file *t = what;

	free(t->text);
	free(t);
}

static struct text_of_file *gather(const struct metrics_file *f)
{
	struct text_of_file *t = malloc(sizeof(*t));

	if (t != NULL)
		t->text = report_metrics_text(f->c, &t->len);
	if (t != NULL && t->text != NULL)
		return t;
	free(t);
	return NULL;
}

static int put(struct metrics_file *f, const struct text_of_file *t)
{
	return t != NULL ? whole_file_put(&f->file, t->text, t->len) : -ENOMEM;
}

/* The writer's thread. */
static int write_text(void *ctx, void *what, struct text *why)
{
	int err = put(ctx, what);

	return err < 0 ? text_set(why, err, "%s", text_errno(-err)) : 0;
}

/* One warning, however long it lasts. */
static void on_written(void *ctx, void *what, int err, const struct text *why)
{
	struct metrics_file *f = ctx;

	drop(what);
	if (err < 0 && !f->failed)
		log_warn("%.200s: cannot write the metrics: %s; it is tried again at the "
			 "next change",
			 f->path, why->s);
	f->failed = err < 0;
}

static void on_later(evutil_socket_t fd, short what, void *arg)
{
	struct metrics_file *f = arg;
	struct text_of_file *t = gather(f);

	(void)fd;
	(void)what;
	if (t != NULL)
		writer_put(f->c->writer, &f->writes, t);
}

/* The first one, before there is a guest: it fails the start. */
static int write_first(struct metrics_file *f)
{
	struct text_of_file *t = gather(f);
	int err = put(f, t);

	if (t != NULL)
		drop(t);
	if (err == 0)
		writer_add(f->c->writer, &f->writes);
	else
		whole_file_close(&f->file);
	return err;
}

void metrics_file_write_soon(struct metrics_file *f)
{
	const struct timeval wait = { METRICS_FILE_S, 0 };

	if (f != NULL && !evtimer_pending(f->later, NULL))
		evtimer_add(f->later, &wait);
}

static void free_parts(struct metrics_file *f)
{
	if (f->later != NULL)
		event_free(f->later);
	free(f);
}

int metrics_file_new(const struct control *c, struct event_base *base,
		     struct metrics_file **out, struct text *why)
{
	struct metrics_file *f;
	int err;

	*out = NULL;
	if (c->spec->metrics_file == NULL)
		return 0;
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return text_set(why, -ENOMEM, "no memory for the VM");
	f->c = c;
	f->path = c->spec->metrics_file;
	f->later = evtimer_new(base, on_later, f);
	f->writes = (struct writer_file){ write_text, on_written, drop, f, NULL, NULL };
	err = f->later != NULL ? whole_file_begin(&f->file, f->path) : -ENOMEM;
	if (err == 0)
		err = write_first(f);
	if (err < 0) {
		free_parts(f);
		return text_set(why, err, "--metrics-file %.200s: cannot write it: %s",
				c->spec->metrics_file, text_errno(-err));
	}
	*out = f;
	return 0;
}

void metrics_file_free(struct metrics_file *f)
{
	if (f == NULL)
		return;
	(void)whole_file_remove(&f->file);
	whole_file_close(&f->file);
	free_parts(f);
}
