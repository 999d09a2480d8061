#include "vmm/control/keeper.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "vmm/base/log.h"
#include "vmm/config/spec.h"
#include "vmm/config/spec_file.h"
#include "vmm/control/announce.h"
#include "vmm/control/control.h"
#include "vmm/control/record.h"
#include "vmm/machine/machine.h"

struct keeper {
	struct control *c;
	struct event *soon;
	bool due; /* the file may say something else than what the VM has */

	/* The last write that failed: one warning each, however many steps the job
	 * takes. */
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

static void write_back(struct keeper *k)
{
	struct spec_file *file = k->c->spec->from.file;
	uint32_t sockets = count(k);
	struct text why;

	k->due = spec_file_keep_sockets(file, sockets, &why) < 0;
	k->failed_sockets = k->due ? sockets : 0;
	k->failed_job = job_id(k);
	if (!k->due)
		return;
	log_warn("%.200s: cannot write that the VM has %" PRIu32
		 " sockets: %s; it is tried again at the next change",
		 spec_file_name(file), sockets, why.s);
	announce_spec_write_failed(k->c, spec_file_name(file), why.s);
	record_event(k->c->record, EVENT_SPEC_WRITE_FAILED,
		     "%.200s: cannot write how many sockets the VM has: %s",
		     spec_file_name(file), why.s);
}

static void on_soon(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;

	(void)fd;
	(void)what;
	if (count(k) != k->failed_sockets || job_id(k) != k->failed_job)
		write_back(k);
}

static void look_soon(struct keeper *k)
{
	const struct timeval now = { 0, 0 };

	k->due = true;
	event_add(k->soon, &now);
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
	k->soon = evtimer_new(base, on_soon, k);
	if (k->soon == NULL) {
		free(k);
		return -ENOMEM;
	}
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
