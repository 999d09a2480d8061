#ifndef VMM_CONTROL_EVENTS_H
#define VMM_CONTROL_EVENTS_H
/* events: what happened to the VM, for people who look later. Bounded: what happens again
 * is counted where it stands, and when there is no room the oldest goes, of the type that
 * has more. So no flood of refusals drives out the story of the VM. Pure: no clock. */

#include <stddef.h>
#include <stdint.h>

#include "vmm/base/text.h"

#define EVENTS_MAX 128

enum event_type { EVENT_NORMAL, EVENT_WARNING, EVENT_NTYPES };

enum event_reason {
	EVENT_STARTED,
	EVENT_PAUSED,
	EVENT_RESUMED,
	EVENT_POWERDOWN,
	EVENT_RESET,
	EVENT_SOCKETS_ADDED,
	EVENT_SOCKETS_REMOVED,
	EVENT_SOCKETS_RESTORED, /* after a removal that did not get to its end */
	EVENT_GUEST_EJECTED,
	EVENT_CANCELLED,
	EVENT_HOTPLUG_REFUSED, /* a request was refused by us */
	EVENT_GUEST_REFUSED,   /* the guest refused what we asked */
	EVENT_TIMED_OUT,
	EVENT_HOTPLUG_FAILED, /* the host could not */
	EVENT_RESTART_REQUIRED,
	EVENT_SPEC_WRITE_FAILED,
	EVENT_INTERRUPT_STORM,
	EVENT_NREASONS
};

struct event_entry {
	enum event_reason reason;
	uint64_t count;
	uint64_t first_ns, last_ns; /* CLOCK_REALTIME */
	char message[TEXT_LEN];
};

struct events {
	struct event_entry entry[EVENTS_MAX];
	uint16_t order[EVENTS_MAX]; /* of the entries, by their last time */
	uint16_t n, of_type[EVENT_NTYPES];
	uint64_t dropped; /* entries that had to go */
};

/* It happened (again) at wall_ns. message is copied. *e was zeroed once. */
void events_add(struct events *e, enum event_reason reason, const char *message,
		uint64_t wall_ns);

/* The ith, from 0, the oldest, to e->n - 1; valid until the next events_add(). */
const struct event_entry *events_get(const struct events *e, size_t i);

/* CamelCase, as Kubernetes has it, and the type that goes with it. Static strings. */
const char *event_reason_name(enum event_reason r);
enum event_type event_reason_type(enum event_reason r);
const char *event_type_name(enum event_type t);

#endif
