#include "vmm/control/record.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "devices/clock.h"
#include "vmm/hotplug/cpu_text.h"

/* How a job that was not done is told. */
static const enum event_reason ends[METRICS_NRESULTS] = {
	[JOB_FAILED] = EVENT_HOTPLUG_FAILED,
	[JOB_REFUSED] = EVENT_GUEST_REFUSED,
	[JOB_TIMED_OUT] = EVENT_TIMED_OUT,
	[JOB_CANCELLED] = EVENT_CANCELLED,
};

static void tell_changed(const struct record *r)
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
	tell_changed(r);
}

static void set(struct record *r, enum condition_type t, bool holds, const char *reason,
		const char *message)
{
	conditions_set(&r->conditions, t, holds, reason, message, wall_ns());
	tell_changed(r);
}

/* --- hotplug -------------------------------------------------------------- */

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
	r->running = true;
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

/* How the last change ended; or that the guest is still at it. */
static void show_end(struct record *r)
{
	struct text t;

	if (r->running)
		return;
	if (units_empty(&r->settling)) {
		set(r, CONDITION_HOT_VCPU_CHANGE, false, r->last_reason,
		    r->last_message.s);
		return;
	}
	cpu_text_settling(&r->settling, &t);
	set(r, CONDITION_HOT_VCPU_CHANGE, true, "Settling", t.s);
}

static void on_settling(void *ctx, const struct units *cpus)
{
	struct record *r = ctx;

	r->settling = *cpus;
	show_end(r);
}

/* A repair that works leaves the condition as the change was that made it necessary. */
static void keep_end(struct record *r, const struct job *job, const char *what)
{
	bool done = job->result == JOB_DONE;

	if (!job->repair || !done) {
		r->last_reason = done ? "Completed" : event_reason_name(reason_of(job));
		text_set(&r->last_message, 0, "%s", done ? what : job->message.s);
	}
	r->running = false;
	show_end(r);
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
	tell_changed(r);
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

/* --- the VM --------------------------------------------------------------- */

struct hotplug_listener record_hotplug_listener(struct record *r)
{
	return (struct hotplug_listener){ .phase = on_phase,
					  .completed = on_completed,
					  .ost = on_ost,
					  .deleted = on_deleted,
					  .settling = on_settling,
					  .ost_merged = on_ost,
					  .ctx = r };
}

void record_init(struct record *r, void (*changed)(void *ctx), void *ctx)
{
	r->changed = changed;
	r->changed_ctx = ctx;
	r->started_ns = wall_ns();
	conditions_init(&r->conditions, r->started_ns);
}

static void on_started(void *ctx, uint32_t sockets, uint32_t max_sockets)
{
	struct record *r = ctx;

	set(r, CONDITION_READY, true, "Running", "");
	record_event(r, EVENT_STARTED,
		     "the VM runs with %" PRIu32 " of %" PRIu32 " sockets", sockets,
		     max_sockets);
}

static void on_paused(void *ctx)
{
	struct record *r = ctx;

	set(r, CONDITION_READY, false, "Paused",
	    "paused by request; cont lets it run on");
	record_event(r, EVENT_PAUSED, "paused by request");
}

static void on_resumed(void *ctx)
{
	struct record *r = ctx;

	set(r, CONDITION_READY, true, "Running", "");
	record_event(r, EVENT_RESUMED, "runs on by request");
}

static void on_reset(void *ctx, bool by_guest, const char *reason)
{
	struct record *r = ctx;

	r->metrics.resets++;
	record_event(r, EVENT_RESET, "the guest starts again, by %s (%s)",
		     by_guest ? "itself" : "request", reason);
}

static void on_powerdown(void *ctx)
{
	record_event(ctx, EVENT_POWERDOWN,
		     "the guest is told that its power button was pressed");
}

static void on_interrupt_storm(void *ctx, const char *what)
{
	record_event(ctx, EVENT_INTERRUPT_STORM, "%s", what);
}

/* It may be counted somewhere: what is written down is to follow. */
static void on_guest_acted(void *ctx)
{
	tell_changed(ctx);
}

struct machine_listener record_machine_listener(struct record *r)
{
	return (struct machine_listener){ .started = on_started,
					  .paused = on_paused,
					  .resumed = on_resumed,
					  .reset = on_reset,
					  .powerdown = on_powerdown,
					  .interrupt_storm = on_interrupt_storm,
					  .guest_acted = on_guest_acted,
					  .ctx = r };
}

/* --- what control tells --- */

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
