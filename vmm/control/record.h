#ifndef VMM_CONTROL_RECORD_H
#define VMM_CONTROL_RECORD_H
/* record: keeps what became of the VM: its events, its conditions, and what it counts.
 * Others tell it, hotplug as a listener; it changes nothing but itself. Main only. */

#include "vmm/control/conditions.h"
#include "vmm/control/events.h"
#include "vmm/hotplug/hotplug.h"
#include "vmm/control/metrics.h"

struct record {
	struct events events;
	struct conditions conditions;
	struct metrics metrics;
	const char *last_reason; /* how the last change that was asked for ended */
	struct text last_message;
	uint64_t started_ns; /* CLOCK_REALTIME */

	void (*changed)(void *ctx); /* constant */
	void *changed_ctx;          /* constant */
};

/* *r was zeroed. changed(ctx) is called when something is worth being written down; it
 * does not come back here. */
void record_init(struct record *r, void (*changed)(void *ctx), void *ctx);

/* To be told by hotplug. */
struct hotplug_listener record_listener(struct record *r);

/* Something happened. Keep counters and times out of the message: equal messages are
 * merged into one event, with a count. */
void record_event(struct record *r, enum event_reason reason, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The guest did something that no event tells of: what is written down is to follow. */
void record_changed(const struct record *r);

/* The VM runs, from now on or again, or it is paused. */
void record_started(struct record *r, uint32_t sockets, uint32_t max_sockets);
void record_paused(struct record *r, bool paused);

/* The guest starts again. reason is one of QEMU's ShutdownCause. */
void record_reset(struct record *r, bool by_guest, const char *reason);

/* A request to change the VM was refused, with this text; err as in metrics_refusal(). */
void record_refusal(struct record *r, const char *command, int err, const char *text);

/* A change is stored that only a restart takes up: why; or NULL when none is any more. */
void record_restart_required(struct record *r, const char *why);

#endif
