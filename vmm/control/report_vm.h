#ifndef VMM_CONTROL_REPORT_VM_H
#define VMM_CONTROL_REPORT_VM_H
/* report_vm: what became of the VM, in the words and the shape that KubeVirt has for it.
 * Each function returns a new reference, or NULL without memory; none changes anything.
 * Main only. */

#include <jansson.h>

struct amended;
struct control;
struct record;

/* A VirtualMachineInstance: what is wanted is its spec, what is so its status. */
json_t *report_vm(const struct control *c);

/* An EventList. */
json_t *report_events(const struct record *r);

/* What came of a patch: "changed", "restart-required" with a "message", and its "job". */
json_t *report_patched(const struct control *c, const struct amended *done);

#endif
