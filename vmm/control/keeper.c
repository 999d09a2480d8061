#include "vmm/control/keeper.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "vmm/base/log.h"
#include "vmm/base/writer.h"
#include "vmm/config/spec.h"
#include "vmm/config/spec_file.h"
#include "vmm/control/announce.h"
#include "vmm/control/control.h"
#include "vmm/control/record.h"
#include "vmm/machine/machine.h"

#define RETRY_MIN_S  1 /* after a write that failed, and twice as long each time */
#define RETRY_MAX_S  60
#define LAST_WORD_MS 2000 /* for the disk, when the VM ends */

struct keeper {
	struct control *c;
	struct writer_file file;
	struct event *soon;
	bool due;         /* the file may say something else than what the VM has */
	unsigned retry_s; /* until the next try; 0: the last write did not fail */

	/* The last write that failed: one warning each, however many steps the job
	 * takes, and however often it is tried. */
	uint32_t failed_sockets, failed_job;
};

static uint32_t job_id(const struct keeper *k)
{
	const struct job *job = hotplug_job(machine_hotplug(k->c->machine));

	return job != NULL ? job->id : 0;
}

static uint32_t count(const struct keeper *k)
{
	return sockets_count(hotplug_sockets(machine_hotplug(k->c->machine)));
}

static void say_failed(struct keeper *k, uint32_t sockets, const struct text *why)
{
	const char *name = spec_file_name(k->c->spec->from.file);

	if (sockets == k->failed_sockets && job_id(k) == k->failed_job)
		return;
	k->failed_sockets = sockets;
	k->failed_job = job_id(k);
	log_warn("%.200s: cannot write that the VM has %" PRIu32
		 " sockets: %s; it is tried again",
		 name, sockets, why->s);
	announce_spec_write_failed(k->c, name, why->s);
	record_event(k->c->record, EVENT_SPEC_WRITE_FAILED,
		     "%.200s: cannot write how many sockets the VM has: %s", name,
		     why->s);
}

static void look_in(struct keeper *k, unsigned s)
{
	const struct timeval then = { (time_t)s, 0 };

	event_add(k->soon, &then);
}

/* The writer's thread: what is a number of sockets. */
static int write_sockets(void *ctx, void *what, struct text *why)
{
	const struct keeper *k = ctx;
	const uint32_t *sockets = what;

	return spec_file_keep_sockets(k->c->spec->from.file, *sockets, why);
}

static void on_written(void *ctx, void *what, int err, const struct text *why)
{
	struct keeper *k = ctx;
	uint32_t sockets = *(uint32_t *)what;

	free(what);
	if (err == 0) {
		k->due = k->due && sockets != count(k);
		k->retry_s = 0;
		k->failed_sockets = 0;
		return;
	}
	say_failed(k, sockets, why);
	k->retry_s = k->retry_s == 0                ? RETRY_MIN_S
		     : k->retry_s < RETRY_MAX_S / 2 ? k->retry_s * 2
						    : RETRY_MAX_S;
	look_in(k, k->retry_s);
}

/* The file is looked at, too: it is written where the two differ. */
static void write_back(struct keeper *k)
{
	uint32_t *sockets = malloc(sizeof(*sockets));

	if (sockets == NULL) {
		look_in(k, RETRY_MIN_S);
		return;
	}
	*sockets = count(k);
	writer_put(k->c->writer, &k->file, sockets);
}

static void on_soon(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	write_back(arg);
}

static void look_soon(struct keeper *k)
{
	k->due = true;
	look_in(k, 0);
}

static void on_phase(void *ctx, const struct job *job, enum job_phase phase)
{
	(void)job;
	(void)phase;
	look_soon(ctx);
}

static void on_completed(void *ctx, const struct job *job)
{
	(void)job;
	look_soon(ctx);
}

static void on_deleted(void *ctx, uint32_t socket, bool by_guest)
{
	(void)socket;
	(void)by_guest;
	look_soon(ctx);
}

struct hotplug_listener keeper_hotplug_listener(struct keeper *k)
{
	if (k == NULL)
		return (struct hotplug_listener){ 0 };
	return (struct hotplug_listener){ .phase = on_phase,
					  .completed = on_completed,
					  .deleted = on_deleted,
					  .ctx = k };
}

static void on_ended(void *ctx, bool by_guest, const char *reason)
{
	struct keeper *k = ctx;

	(void)by_guest;
	(void)reason;
	if (k->due)
		write_back(k);
	writer_flush(k->c->writer, LAST_WORD_MS);
}

struct machine_listener keeper_machine_listener(struct keeper *k)
{
	if (k == NULL)
		return (struct machine_listener){ 0 };
	return (struct machine_listener){ .ended = on_ended, .ctx = k };
}

int keeper_new(struct control *c, struct event_base *base, struct keeper **out)
{
	struct keeper *k;

	*out = NULL;
	if (c->spec->from.file == NULL)
		return 0;
	k = calloc(1, sizeof(*k));
	if (k == NULL)
		return -ENOMEM;
	k->c = c;
	k->file = (struct writer_file){ write_sockets, on_written, free, k, NULL, NULL };
	k->soon = evtimer_new(base, on_soon, k);
	if (k->soon == NULL) {
		free(k);
		return -ENOMEM;
	}
	writer_add(c->writer, &k->file);
	*out = k;
	return 0;
}

void keeper_free(struct keeper *k)
{
	if (k == NULL)
		return;
	event_free(k->soon);
	free(k);
}
