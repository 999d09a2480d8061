#include "vmm/control/record.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "devices/clock.h"

/* How a job that was not done is told. */
static const enum event_reason ends[METRICS_NRESULTS] = {
	[JOB_FAILED] = EVENT_HOTPLUG_FAILED,
	[JOB_REFUSED] = EVENT_GUEST_REFUSED,
	[JOB_TIMED_OUT] = EVENT_TIMED_OUT,
	[JOB_CANCELLED] = EVENT_CANCELLED,
};

void record_changed(const struct record *r)
{
	r->changed(r->changed_ctx);
}

void record_event(struct record *r, enum event_reason reason, const char *fmt, ...)
{
	char message[TEXT_LEN];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	events_add(&r->events, reason, message, wall_ns());
	record_changed(r);
}

static void set(struct record *r, enum condition_type t, bool holds, const char *reason,
		const char *message)
{
	conditions_set(&r->conditions, t, holds, reason, message, wall_ns());
	record_changed(r);
}

/* --- hotplug
 * ------------------------------------------------------------------------------ */

/* "sockets 2 to 4 (cpus 2-3)" */
static void describe(const struct job *job, struct text *t)
{
	static const char *const before[] = { "", " (cpu ", " (cpus " };
	char cpus[128];

	units_name(&job->units, cpus, sizeof(cpus));
	text_set(t, 0, "sockets %" PRIu32 " to %" PRIu32 "%s%s%s", job->from, job->to,
		 before[job->nunits < 2 ? job->nunits : 2], cpus,
		 job->nunits > 0 ? ")" : "");
}

static void on_phase(void *ctx, const struct job *job, enum job_phase phase)
{
	struct record *r = ctx;
	struct text t;

	metrics_count_phase(&r->metrics, job, phase);
	if (phase != JOB_ACCEPTED && phase != JOB_REQUESTED)
		return;
	describe(job, &t);
	set(r, CONDITION_HOT_VCPU_CHANGE, true,
	    job->operation == JOB_ADD ? "AddingSockets" : "RemovingSockets", t.s);
}

static enum event_reason reason_of(const struct job *job)
{
	if (job->result != JOB_DONE)
		return ends[job->result];
	if (job->repair)
		return EVENT_SOCKETS_RESTORED;
	return job->operation == JOB_ADD ? EVENT_SOCKETS_ADDED : EVENT_SOCKETS_REMOVED;
}

/* A repair that works leaves the condition as the change was that made it necessary. */
static void keep_end(struct record *r, const struct job *job, const char *what)
{
	bool done = job->result == JOB_DONE;

	if (!job->repair || !done) {
		r->last_reason = done ? "Completed" : event_reason_name(reason_of(job));
		text_set(&r->last_message, 0, "%s", done ? what : job->message.s);
	}
	set(r, CONDITION_HOT_VCPU_CHANGE, false, r->last_reason, r->last_message.s);
}

static void on_completed(void *ctx, const struct job *job)
{
	struct record *r = ctx;
	struct text what;

	metrics_count_job(&r->metrics, job);
	describe(job, &what);
	if (job->message.s[0] != '\0')
		record_event(r, reason_of(job), "%s: %s", what.s, job->message.s);
	else if (job->nunits > 0)
		record_event(r, reason_of(job), "%s", what.s);
	keep_end(r, job, what.s);
}

static void on_ost(void *ctx, const struct ost *ost)
{
	struct record *r = ctx;

	metrics_count_ost(&r->metrics, ost);
	record_changed(r);
}

static void on_deleted(void *ctx, uint32_t socket, bool by_guest)
{
	struct record *r = ctx;

	if (!by_guest)
		return;
	r->metrics.guest_ejects++;
	record_event(r, EVENT_GUEST_EJECTED,
		     "the guest ejected socket %" PRIu32 " by itself", socket);
}

/* --- the VM
 * ------------------------------------------------------------------------------- */

struct hotplug_listener record_listener(struct record *r)
{
	return (struct hotplug_listener){ .phase = on_phase,
					  .completed = on_completed,
					  .ost = on_ost,
					  .deleted = on_deleted,
					  .ctx = r };
}

void record_init(struct record *r, void (*changed)(void *ctx), void *ctx)
{
	r->changed = changed;
	r->changed_ctx = ctx;
	r->started_ns = wall_ns();
	conditions_init(&r->conditions, r->started_ns);
}

void record_started(struct record *r, uint32_t sockets, uint32_t max_sockets)
{
	set(r, CONDITION_READY, true, "Running", "");
	record_event(r, EVENT_STARTED,
		     "the VM runs with %" PRIu32 " of %" PRIu32 " sockets", sockets,
		     max_sockets);
}

void record_paused(struct record *r, bool paused)
{
	set(r, CONDITION_READY, !paused, paused ? "Paused" : "Running",
	    paused ? "paused by request; cont lets it run on" : "");
	record_event(r, paused ? EVENT_PAUSED : EVENT_RESUMED, "%s by request",
		     paused ? "paused" : "runs on");
}

void record_reset(struct record *r, bool by_guest, const char *reason)
{
	r->metrics.resets++;
	record_event(r, EVENT_RESET, "the guest starts again, by %s (%s)",
		     by_guest ? "itself" : "request", reason);
}

void record_refusal(struct record *r, const char *command, int err, const char *text)
{
	r->metrics.refusals[metrics_refusal(err)]++;
	record_event(r, EVENT_HOTPLUG_REFUSED, "%s refused: %s", command, text);
}

void record_restart_required(struct record *r, const char *why)
{
	if (why != NULL)
		record_event(r, EVENT_RESTART_REQUIRED, "%s", why);
	set(r, CONDITION_RESTART_REQUIRED, why != NULL,
	    why != NULL ? "StoredChange" : "UpToDate", why != NULL ? why : "");
}
