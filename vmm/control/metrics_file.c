#include "vmm/control/metrics_file.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>

#include "vmm/base/log.h"
#include "vmm/base/whole_file.h"
#include "vmm/config/spec.h"
#include "vmm/control/control.h"
#include "vmm/control/report_metrics.h"

struct metrics_file {
	const struct control *c;
	const char *path; /* as given */
	struct whole_file file;
	struct event *later;
	bool failed; /* the last write, which was told */
	bool ours;   /* what has the name was written by us */
};

static int replace(struct metrics_file *f)
{
	size_t len;
	char *text = report_metrics_text(f->c, &len);
	int err = text != NULL ? whole_file_put(&f->file, text, len) : -ENOMEM;

	free(text);
	f->ours = f->ours || err == 0;
	return err;
}

/* One warning, however long it lasts. */
static void on_later(evutil_socket_t fd, short what, void *arg)
{
	struct metrics_file *f = arg;
	int err = replace(f);

	(void)fd;
	(void)what;
	if (err < 0 && !f->failed)
		log_warn("%.200s: cannot write the metrics: %s; it is tried again at the "
			 "next change",
			 f->path, text_errno(-err));
	f->failed = err < 0;
}

void metrics_file_write_soon(struct metrics_file *f)
{
	const struct timeval wait = { METRICS_FILE_S, 0 };

	if (f != NULL && !evtimer_pending(f->later, NULL))
		evtimer_add(f->later, &wait);
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
	err = whole_file_begin(&f->file, f->path);
	if (err == 0)
		err = f->later != NULL ? replace(f) : -ENOMEM;
	if (err < 0) {
		metrics_file_free(f);
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
	if (f->later != NULL)
		event_free(f->later);
	if (f->ours)
		(void)whole_file_remove(&f->file);
	whole_file_close(&f->file);
	free(f);
}
