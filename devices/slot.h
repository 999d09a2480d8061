#ifndef DEVICES_SLOT_H
#define DEVICES_SLOT_H
/* slot: the life of one CPU, from absent to online and back, as a pure table.
 * No ioctl, no clock, no lock. That the host has asked for a removal is no state: it is a
 * mark beside it (cpuhp), because the guest goes its own way until it ejects. */

#include <stdbool.h>

enum slot_state {
	SLOT_ABSENT,     /* the guest sees no CPU here; its KVM fd may be parked */
	SLOT_PLUGGED,    /* enabled; the guest has not answered yet */
	SLOT_REGISTERED, /* the guest said _OST(1, 0): it has a device, no running CPU */
	SLOT_ONLINE,     /* the guest runs it */
	SLOT_OFFLINE,    /* the guest ran it and has stopped */
	SLOT_EJECTED,    /* the guest let go; the thread is not joined yet */
	SLOT_NSTATES
};

enum slot_event {
	SLOT_PLUG,     /* host: enabled, and the guest will be told */
	SLOT_UNPLUG,   /* host: taken back before the guest answered */
	SLOT_REGISTER, /* guest: _OST(1, 0) */
	SLOT_RUN,      /* guest: INIT-SIPI or CPU_ON took effect */
	SLOT_STOP,     /* guest: took it offline, CPU_OFF */
	SLOT_EJECT,    /* guest: _EJ0 */
	SLOT_PARK,     /* host: the thread is joined, the fd parked */
	SLOT_RESET,    /* host: the machine starts again */
	SLOT_NEVENTS
};

/* Applies ev to *st. 0; or -EINVAL, and *st untouched, when the table has no such
 * step. */
int slot_step(enum slot_state *st, enum slot_event ev);

/* Whether the guest may use the CPU: plugged, and not ejected since. */
bool slot_enabled(enum slot_state st);

/* The word that users see: "absent", "plugged", "registered", "online", "offline",
 * "ejected". A static string. */
const char *slot_state_name(enum slot_state st);

#endif
