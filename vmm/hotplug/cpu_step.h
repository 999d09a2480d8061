#ifndef VMM_HOTPLUG_CPU_STEP_H
#define VMM_HOTPLUG_CPU_STEP_H
/* cpu_step: what a step of the engine does to the job of CPUs: it begins, is told to the
 * guest, taken back, ends. Shared by cpu_engine.c, which decides what happens when;
 * nobody else includes it. Main only. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/hotplug/cpu_engine.h"

/* A step that is being taken. */
struct step {
	const struct sockets *sockets;
	struct cpuhp *cpuhp;
	struct cpu_jobs *jobs;
	struct job *job; /* jobs->job */
	uint64_t now_ns;
	struct actions *out;
};

/* One more thing that is left to be done when the step is over. */
struct action *step_add(struct step *s, enum action_kind kind);

/* The job begins; the caller does the first of it. */
void step_begin(struct step *s, const struct job_plan *plan);

/* A job of our own gives these vCPUs back; none where there are none. */
void step_repair(struct step *s, const struct units *cpus);

/* Tells the guest of the job's vCPUs, which the host has; or again of those that it has
 * not taken. */
void step_plug(struct step *s);
void step_remind(struct step *s);

/* Takes back what the job gave. 0; or -EBUSY, and the guest keeps all. */
int step_take_back(struct step *s);

/* The job ends; what is left half done is another's. */
void step_end(struct step *s, enum job_result result);

/* Does this to all CPUs of the job at once. */
void step_at_once(struct step *s,
		  void (*what)(struct cpuhp *, const uint32_t *index, size_t n));

/* Whether the guest is on its way with the eject of this one. */
bool step_is_underway(struct cpuhp *hp, uint32_t cpu);

/* The sockets of these vCPUs that are gone, and nobody was told. The caller tells. */
struct units step_newly_gone(struct step *s, const struct units *cpus);

void step_tell_phase(struct step *s);
void step_tell_deleted(struct step *s, const struct units *sockets, bool by_guest);
void step_tell_settling(struct step *s);

#endif
