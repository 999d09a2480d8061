#ifndef VMM_MACHINE_MACHINE_H
#define VMM_MACHINE_MACHINE_H
/* machine: devices, vCPUs and hotplug put together, and the guest run in them. It knows
 * nobody who looks at it or asks it for something: it tells its listeners. Main only, but
 * for what ending.h and reset.h say. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/base/text.h"
#include "vmm/machine/ending.h"
#include "vmm/machine/listener.h"

struct cpuhp;
struct event_base;
struct hotplug;
struct hotplug_listener;
struct machine;
struct spec;
struct topology;
struct vcpu;

/* What a machine is made of. All that it points at outlives the machine. */
struct machine_setup {
	const struct spec *spec; /* resolved; only what is stored may change */
	const struct topology *topo;
	int kvm_fd; /* taken over, whatever comes of it */
	struct event_base *base;

	/* In the order in which they are told. */
	const struct machine_listener *listeners;
	size_t nlisteners;
	const struct hotplug_listener *hotplug_listeners;
	size_t nhotplug_listeners;
};

/* Builds it all but the console, without running a vCPU. 0; or -errno with *why, and
 * nothing left behind. */
int machine_create(const struct machine_setup *s, struct machine **out, struct text *why);

/* Opens the other end of the guest's UART, as the spec says. It may empty a file or take
 * over the terminal: nothing that can fail comes after it. 0; or -errno with *why. */
int machine_open_console(struct machine *m, struct text *why);

/* Runs the guest until something ends it, says in one line what if that is no power-off,
 * and returns the exit status. */
enum machine_exit machine_run(struct machine *m);

/* Takes NULL. */
void machine_destroy(struct machine *m);

/* Pausing what is paused, or resuming what runs, does nothing and tells nobody. */
void machine_pause(struct machine *m);
void machine_resume(struct machine *m);
bool machine_paused(struct machine *m);

void machine_press_power_button(struct machine *m);

/* --- its parts, for those who ask and look */

const struct topology *machine_topology(const struct machine *m);
struct hotplug *machine_hotplug(const struct machine *m);
struct cpuhp *machine_cpuhp(struct machine *m);

/* One for each possible vCPU; NULL where none was made. */
struct vcpu *const *machine_vcpus(const struct machine *m);

/* How often an interrupt storm was ended. */
uint64_t machine_storms(struct machine *m);

#endif
