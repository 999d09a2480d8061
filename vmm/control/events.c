#include "vmm/control/events.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	enum event_type type;
} reasons[EVENT_NREASONS] = {
	[EVENT_STARTED] = { "Started", EVENT_NORMAL },
	[EVENT_PAUSED] = { "Paused", EVENT_NORMAL },
	[EVENT_RESUMED] = { "Resumed", EVENT_NORMAL },
	[EVENT_POWERDOWN] = { "PowerButtonPressed", EVENT_NORMAL },
	[EVENT_RESET] = { "Reset", EVENT_NORMAL },
	[EVENT_SOCKETS_ADDED] = { "SocketsAdded", EVENT_NORMAL },
	[EVENT_SOCKETS_REMOVED] = { "SocketsRemoved", EVENT_NORMAL },
	[EVENT_SOCKETS_RESTORED] = { "SocketsRestored", EVENT_NORMAL },
	[EVENT_GUEST_EJECTED] = { "GuestEjected", EVENT_NORMAL },
	[EVENT_CANCELLED] = { "HotplugCancelled", EVENT_NORMAL },
	[EVENT_HOTPLUG_REFUSED] = { "HotplugRefused", EVENT_WARNING },
	[EVENT_GUEST_REFUSED] = { "GuestRefused", EVENT_WARNING },
	[EVENT_TIMED_OUT] = { "HotplugTimedOut", EVENT_WARNING },
	[EVENT_HOTPLUG_FAILED] = { "HotplugFailed", EVENT_WARNING },
	[EVENT_RESTART_REQUIRED] = { "RestartRequired", EVENT_WARNING },
	[EVENT_SPEC_WRITE_FAILED] = { "SpecWriteFailed", EVENT_WARNING },
	[EVENT_INTERRUPT_STORM] = { "InterruptStorm", EVENT_WARNING },
};

const char *event_reason_name(enum event_reason r)
{
	return reasons[r].name;
}

enum event_type event_reason_type(enum event_reason r)
{
	return reasons[r].type;
}

const char *event_type_name(enum event_type t)
{
	return t == EVENT_NORMAL ? "Normal" : "Warning";
}

const struct event_entry *events_get(const struct events *e, size_t i)
{
	return &e->entry[e->order[i]];
}

/* The place in the order of the same event, or e->n. */
static unsigned find(const struct events *e, enum event_reason reason,
		     const char *message)
{
	unsigned i = 0;

	for (; i < e->n; i++) {
		const struct event_entry *x = events_get(e, i);

		if (x->reason == reason && strcmp(x->message, message) == 0)
			break;
	}
	return i;
}

/* The oldest of the type that has more. */
static unsigned find_victim(const struct events *e)
{
	enum event_type most = e->of_type[EVENT_WARNING] > e->of_type[EVENT_NORMAL]
				       ? EVENT_WARNING
				       : EVENT_NORMAL;
	unsigned i = 0;

	while (event_reason_type(events_get(e, i)->reason) != most)
		i++;
	return i;
}

/* Makes the entry at this place the youngest; returns it. */
static struct event_entry *bring_up(struct events *e, unsigned place)
{
	uint16_t index = e->order[place];

	memmove(&e->order[place], &e->order[place + 1],
		(size_t)(e->n - place - 1) * sizeof(e->order[0]));
	e->order[e->n - 1] = index;
	return &e->entry[index];
}

/* Room for one more, the youngest. */
static struct event_entry *make_room(struct events *e)
{
	struct event_entry *x;

	if (e->n < EVENTS_MAX) {
		e->order[e->n] = e->n;
		return &e->entry[e->n++];
	}
	x = bring_up(e, find_victim(e));
	e->of_type[event_reason_type(x->reason)]--;
	e->dropped++;
	return x;
}

void events_add(struct events *e, enum event_reason reason, const char *message,
		uint64_t wall_ns)
{
	struct event_entry *x;
	char cut[TEXT_LEN];
	unsigned place;

	(void)snprintf(cut, sizeof(cut), "%s", message);
	place = find(e, reason, cut);
	if (place < e->n) {
		x = bring_up(e, place);
	} else {
		x = make_room(e);
		*x = (struct event_entry){ .reason = reason, .first_ns = wall_ns };
		memcpy(x->message, cut, sizeof(cut));
		e->of_type[event_reason_type(reason)]++;
	}
	x->count++;
	x->last_ns = wall_ns;
}
