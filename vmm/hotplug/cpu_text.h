#ifndef VMM_HOTPLUG_CPU_TEXT_H
#define VMM_HOTPLUG_CPU_TEXT_H
/* cpu_text: what people are told of jobs of CPUs: the sentences, and what to do. Pure. */

#include <stdbool.h>
#include <stdint.h>

#include "devices/cpuhp.h"
#include "vmm/hotplug/job.h"

/* What they must know of a guest without ACPI. */
extern const char cpu_text_no_acpi[];

/* Why the job timed out; missing: its CPUs that are not in the phase that comes next, or,
 * of a guest without ACPI, not where the guest is to bring them. */
void cpu_text_timeout(const struct job *j, bool no_acpi, const struct units *missing,
		      struct text *out);

/* That the guest may yet eject these CPUs, which it was asked for before. */
void cpu_text_settling(const struct units *cpus, struct text *out);

/* Why the guest said no. */
void cpu_text_refusal(const struct job *j, const struct ost *ost, struct text *out);

/* That the guest ejected a CPU that it was to take: by itself, or when it was asked for
 * it no longer. */
void cpu_text_ejected(uint32_t cpu, bool by_guest, struct text *out);

/* That a job which is done leaves another number of sockets than was wanted. */
void cpu_text_other_count(const struct job *j, struct text *out);

#endif
