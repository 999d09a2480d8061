#ifndef VMM_CONTROL_KEEPER_H
#define VMM_CONTROL_KEEPER_H
/* keeper: sees to it that the spec file says how many sockets the VM has. Main only.
 *
 * After each step of a job, and when the guest ejects a socket by itself, the two are
 * compared, and the file is written, by the writer, when they differ. A write that fails
 * is a warning and an event; it is tried again after a second, then after two, and so on
 * up to a minute, at the next change, and when the VM ends. */

#include "vmm/hotplug/hotplug.h"
#include "vmm/machine/listener.h"

struct control;
struct event_base;
struct keeper;

/* *out is NULL when the VM's spec is from no file, and everything here takes that. 0 or
 * -ENOMEM. */
int keeper_new(struct control *c, struct event_base *base, struct keeper **out);
void keeper_free(struct keeper *k);

/* To be told by hotplug, and by the machine: when that ends, what is still to be written
 * is. Without a keeper they take nothing. */
struct hotplug_listener keeper_hotplug_listener(struct keeper *k);
struct machine_listener keeper_machine_listener(struct keeper *k);

#endif
