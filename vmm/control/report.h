#ifndef VMM_CONTROL_REPORT_H
#define VMM_CONTROL_REPORT_H
/* report: what the control socket is told of the machine, as JSON. Each function returns
 * a new reference, or NULL without memory; none changes anything. Main only. */

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/cpuhp.h"
#include "vmm/hotplug/job.h"

struct control;
struct machine;

/* --- answers to queries */

json_t *report_commands(const char *const *names, size_t n);
json_t *report_status(struct machine *m);
json_t *report_topology(const struct control *c);
json_t *report_hotpluggable_cpus(struct machine *m);
json_t *report_cpus_fast(struct machine *m);
json_t *report_vcpus(struct machine *m);
json_t *report_ospm_status(struct machine *m);
json_t *report_job(struct machine *m, const struct job *job);

/* --- what events have in common with them */

/* The job as it is when it enters the phase. */
json_t *report_job_at(struct machine *m, const struct job *job, enum job_phase phase);

/* From the request to ns, CLOCK_MONOTONIC. */
uint64_t report_elapsed_us(const struct job *job, uint64_t ns);

/* QEMU's ACPIOSTInfo of CPU index. */
json_t *report_ost(struct machine *m, uint32_t index, const struct ost *ost);

/* The socket as a device of QEMU's: "device", its id, and "path". */
json_t *report_device(struct machine *m, uint32_t socket);

/* The driver that query-hotpluggable-cpus names and device_add takes. */
extern const char report_driver[];

#endif
