#ifndef VMM_CONTROL_RECORD_H
#define VMM_CONTROL_RECORD_H
/* record: keeps what became of the VM: its events, its conditions, and what it counts.
 * Hotplug and the machine tell it as their listener; it changes nothing but itself. Main
 * only. */

#include "vmm/base/text.h"
#include "vmm/control/conditions.h"
#include "vmm/control/events.h"
#include "vmm/control/metrics.h"
#include "vmm/hotplug/hotplug.h"
#include "vmm/machine/listener.h"

struct record {
	struct events events;
	struct conditions conditions;
	struct metrics metrics;
	const char *last_reason; /* how the last change that was asked for ended */
	struct text last_message;
	bool running;          /* a change */
	struct units settling; /* CPUs that the guest may yet eject */
	uint64_t started_ns;   /* CLOCK_REALTIME */

	void (*changed)(void *ctx); /* constant */
	void *changed_ctx;          /* constant */
};

/* *r is all zero. changed(ctx) is called whenever there is something new to write down;
 * it must not call the record. */
void record_init(struct record *r, void (*changed)(void *ctx), void *ctx);

/* To be told by hotplug, and by the machine. */
struct hotplug_listener record_hotplug_listener(struct record *r);
struct machine_listener record_machine_listener(struct record *r);

/* Something happened. Keep counters and times out of the message: equal messages are
 * merged into one event, with a count. */
void record_event(struct record *r, enum event_reason reason, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A request to change the VM was refused, with this text; err as in metrics_refusal(). */
void record_refusal(struct record *r, const char *command, int err, const char *text);

/* A change is stored that only a restart takes up: why; or NULL when none is any more. */
void record_restart_required(struct record *r, const char *why);

#endif
