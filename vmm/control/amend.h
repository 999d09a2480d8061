#ifndef VMM_CONTROL_AMEND_H
#define VMM_CONTROL_AMEND_H
/* amend: what a patch does to the VM's spec (amender.h does it). Main only.
 *
 * Sockets change the running VM, as a resize does. Cores, threads and maxSockets are
 * stored, in the spec file where there is one, and the condition RestartRequired holds
 * for as long as they are not what runs: a reset keeps the tables that the guest was
 * started with, so only a new start takes them up. All of it is checked, and then all of
 * it done, or nothing. */

#include <stdbool.h>
#include <stdint.h>

#include "vmm/config/patch.h"
#include "vmm/config/spec.h"
#include "vmm/base/text.h"
#include "vmm/hotplug/hotplug.h"

struct control;

/* What the spec says of the number: what is stored or, of sockets, wanted. */
uint32_t amend_spec(const struct control *c, enum spec_cpu k);

/* What a patch does. */
struct amend_plan {
	bool resizes, stores;
	int64_t sockets;                /* where it resizes */
	uint32_t stored[SPEC_CPU_KEYS]; /* where it stores: all of it, as it is then */
};

/* Of a VM of this resolved spec, with the sockets that it has now. 0 and *out; or -ERANGE
 * for a number outside its limits, -EBUSY while a job runs and sockets are to change, and
 * others, with *why. Pure. */
int amend_plan(const struct spec *spec, const struct hotplug_view *now,
	       const struct patch *p, struct amend_plan *out, struct text *why);

#endif
