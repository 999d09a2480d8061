#ifndef VMM_CONTROL_REPORT_H
#define VMM_CONTROL_REPORT_H
/* report: what the control socket is told of the machine, as JSON: the answers to
 * queries, and the events. Changes nothing. Main only. Each function returns a new
 * reference. */

#include <jansson.h>

#include "vmm/hotplug/hotplug.h"

struct machine;

json_t *report_commands(const char *const *names, size_t n);
json_t *report_status(const struct machine *m);
json_t *report_topology(struct machine *m);
json_t *report_hotpluggable_cpus(const struct machine *m);
json_t *report_cpus_fast(const struct machine *m);
json_t *report_vcpus(struct machine *m);
json_t *report_ospm_status(struct machine *m);
json_t *report_job(const struct machine *m, const struct job *job);

/* What came of a patch: "changed", "restart-required" with a "message", and its "job". */
struct amended;
json_t *report_patched(const struct machine *m, const struct amended *done);

/* The VM in the shape of KubeVirt's VirtualMachineInstance: what is wanted is its spec,
 * what is so its status. */
json_t *report_vm(const struct machine *m);
json_t *report_events(const struct machine *m);
json_t *report_metrics(struct machine *m);

/* The driver that query-hotpluggable-cpus names and device_add takes. */
extern const char report_driver[];

/* Tells clients what jobs and the guest do: HOTPLUG_PHASE, HOTPLUG_COMPLETED,
 * ACPI_DEVICE_OST, DEVICE_DELETED, DEVICE_UNPLUG_GUEST_ERROR. */
struct hotplug_listener report_listener(struct machine *m);

/* Tells clients that the number of sockets could not be written back to the spec file. */
void report_spec_write_failed(struct machine *m, const char *file, const char *reason);

/* Tells clients that the guest starts again. reason as in report_shutdown(). */
void report_reset(struct machine *m, bool by_guest, const char *reason);

/* Tells clients that the VM ends. reason is one of QEMU's ShutdownCause. */
void report_shutdown(struct machine *m, bool by_guest, const char *reason);

#endif
