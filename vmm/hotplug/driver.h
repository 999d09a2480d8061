#ifndef VMM_HOTPLUG_DRIVER_H
#define VMM_HOTPLUG_DRIVER_H
/* driver: takes the engine through what happens, and does what each step leaves to be
 * done: the host's part, and telling the listeners. It decides nothing. Shared by
 * hotplug.c, nobody else includes it. Main only. */

#include <stddef.h>

#include "vmm/hotplug/cpu_engine.h"
#include "vmm/hotplug/hotplug.h"
#include "vmm/hotplug/sockets.h"

struct driver {
	struct hotplug_host host;
	const struct hotplug_listener *listeners;
	size_t nlisteners;
	struct cpuhp *cpuhp;
	struct cpu_engine engine;
	struct actions actions; /* of the step that is being taken */
};

/* Takes one event and what follows from it. What cpu_engine_step() says. */
int driver_step(struct driver *d, const struct cpu_event *ev);

/* Brings the engine to where the guest is: parks what the guest let go, takes what it
 * said, judges. Leaves the timer set. Each request begins with driver_settle(), so that
 * it is given no answer that was said before, and ends with a look. */
void driver_look(struct driver *d);
void driver_settle(struct driver *d);

/* Starts all these vCPUs, or none. 0; or -errno with *why. */
int driver_start(struct driver *d, const struct units *cpus, struct text *why);

/* Ends their threads, where they have one. */
void driver_stop(struct driver *d, const struct units *cpus);

#endif
