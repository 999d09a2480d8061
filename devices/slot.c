#include "devices/slot.h"

#include <errno.h>

/* next[state][event] is the new state plus one; 0 is illegal. A CPU that runs before the
 * guest's _OST is normal: the guest's boot found it before its GED driver was there. */
static const unsigned char next[SLOT_NSTATES][SLOT_NEVENTS] = {
	[SLOT_ABSENT][SLOT_PLUG] = SLOT_PLUGGED + 1,
	[SLOT_ABSENT][SLOT_RESET] = SLOT_ABSENT + 1,

	[SLOT_PLUGGED][SLOT_UNPLUG] = SLOT_ABSENT + 1,
	[SLOT_PLUGGED][SLOT_REGISTER] = SLOT_REGISTERED + 1,
	[SLOT_PLUGGED][SLOT_RUN] = SLOT_ONLINE + 1,
	[SLOT_PLUGGED][SLOT_EJECT] = SLOT_EJECTED + 1,
	[SLOT_PLUGGED][SLOT_RESET] = SLOT_PLUGGED + 1,

	[SLOT_REGISTERED][SLOT_REGISTER] = SLOT_REGISTERED + 1,
	[SLOT_REGISTERED][SLOT_RUN] = SLOT_ONLINE + 1,
	[SLOT_REGISTERED][SLOT_EJECT] = SLOT_EJECTED + 1,
	[SLOT_REGISTERED][SLOT_RESET] = SLOT_PLUGGED + 1,

	[SLOT_ONLINE][SLOT_REGISTER] = SLOT_ONLINE + 1,
	[SLOT_ONLINE][SLOT_RUN] = SLOT_ONLINE + 1,
	[SLOT_ONLINE][SLOT_STOP] = SLOT_OFFLINE + 1,
	[SLOT_ONLINE][SLOT_EJECT] = SLOT_EJECTED + 1,
	[SLOT_ONLINE][SLOT_RESET] = SLOT_PLUGGED + 1,

	[SLOT_OFFLINE][SLOT_REGISTER] = SLOT_OFFLINE + 1,
	[SLOT_OFFLINE][SLOT_RUN] = SLOT_ONLINE + 1,
	[SLOT_OFFLINE][SLOT_EJECT] = SLOT_EJECTED + 1,
	[SLOT_OFFLINE][SLOT_RESET] = SLOT_PLUGGED + 1,

	[SLOT_EJECTED][SLOT_PARK] = SLOT_ABSENT + 1,
};

int slot_step(enum slot_state *st, enum slot_event ev)
{
	unsigned char to = next[*st][ev];

	if (to == 0)
		return -EINVAL;
	*st = (enum slot_state)(to - 1);
	return 0;
}

bool slot_enabled(enum slot_state st)
{
	return st != SLOT_ABSENT && st != SLOT_EJECTED;
}

const char *slot_state_name(enum slot_state st)
{
	static const char *const names[SLOT_NSTATES] = {
		[SLOT_ABSENT] = "absent",   [SLOT_PLUGGED] = "plugged",
		[SLOT_ONLINE] = "online",   [SLOT_REGISTERED] = "registered",
		[SLOT_OFFLINE] = "offline", [SLOT_EJECTED] = "ejected",
	};

	return names[st];
}
