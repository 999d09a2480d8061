#ifndef VMM_CONTROL_ANNOUNCE_H
#define VMM_CONTROL_ANNOUNCE_H
/* announce: tells the clients of the control socket what happens, as QMP events. Without
 * a control socket there is nobody to tell. Main only. */

#include "vmm/hotplug/hotplug.h"
#include "vmm/machine/listener.h"

struct control;

/* What jobs and the guest do: HOTPLUG_PHASE, HOTPLUG_COMPLETED, ACPI_DEVICE_OST,
 * DEVICE_DELETED, DEVICE_UNPLUG_GUEST_ERROR. *c is used when something happens, not
 * before. */
struct hotplug_listener announce_hotplug(struct control *c);

/* What becomes of the machine: STOP, RESUME, RESET, POWERDOWN, SHUTDOWN. As above. */
struct machine_listener announce_machine(struct control *c);

/* SPEC_WRITE_FAILED: the number of sockets could not be written back to the spec file. */
void announce_spec_write_failed(struct control *c, const char *file, const char *reason);

#endif
