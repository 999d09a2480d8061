#ifndef VMM_HOTPLUG_JOB_H
#define VMM_HOTPLUG_JOB_H
/* job: one operation on vCPUs, from the request to the guest's answer. Knows the phases
 * and what a slot must have done to be in one; asks the slots and changes nothing. Main
 * only. */

#include <stdbool.h>
#include <stdint.h>

#include "devices/cpuhp.h"
#include "vmm/base/text.h"

enum job_operation { JOB_ADD, JOB_REMOVE };

/* Both operations go through their phases in this order. */
enum job_phase {
	JOB_ACCEPTED,   /* add: checked; waits where a removal is not quite over */
	JOB_PLUGGED,    /* the vCPUs wait for their start, the guest is being told */
	JOB_REGISTERED, /* the guest has answered for each: _OST(1, 0) */
	JOB_ONLINE,     /* the guest runs each */

	JOB_REQUESTED, /* remove: the guest is being told */
	JOB_OFFLINING, /* it has begun with each */
	JOB_EJECTED,   /* it has let each go: _EJ0 */
	JOB_PARKED,    /* threads joined, fds parked, the guest's final _OST seen */
	JOB_NPHASES
};

enum job_result {
	JOB_RUNNING,
	JOB_DONE,
	JOB_FAILED,    /* the host could not; undone */
	JOB_REFUSED,   /* the guest said no */
	JOB_TIMED_OUT, /* the guest did not say */
	JOB_CANCELLED,
};

struct job {
	uint32_t id; /* from 1; 0: there was none yet */
	enum job_operation operation;
	enum job_phase phase;
	enum job_result result;
	uint32_t from_sockets, sockets; /* how many there were, and are wanted */
	bool repair; /* nobody asked for it: makes sockets whole again */

	uint64_t start_ns;              /* CLOCK_MONOTONIC, when the request was read */
	uint64_t phase_ns[JOB_NPHASES]; /* when each phase was reached */
	uint64_t end_ns;                /* when it times out */
	uint64_t progress_ns;           /* when the guest last did something for it */

	const uint32_t *cpu; /* the vCPUs that it is about, ascending */
	uint32_t ncpus;
	uint32_t reached[JOB_NPHASES]; /* how many of them are known to be in a phase */
	struct text message; /* why it did not end in JOB_DONE, and what to do */
};

static inline bool job_running(const struct job *j)
{
	return j->id > 0 && j->result == JOB_RUNNING;
}

/* The next phase, when all vCPUs have reached it: true, with its time in j->phase_ns; the
 * caller enters it. Each vCPU is asked until it has, and not again. */
bool job_next_phase(struct job *j, struct cpuhp *hp, enum job_phase *next);

/* The machine starts again: what its vCPUs had reached of phases to come counts no
 * longer, and the guest has all its time. */
void job_restart(struct job *j, uint64_t now_ns);

/* The last phase of the operation. */
enum job_phase job_last_phase(const struct job *j);

/* Whether this vCPU belongs to the job. */
bool job_has(const struct job *j, uint32_t cpu);

/* "4-7,9": its vCPUs that have not reached the phase; cut short where len is too
 * little. */
void job_name_missing(const struct job *j, struct cpuhp *hp, enum job_phase p, char *out,
		      size_t len);

/* What people must know of a guest without ACPI. */
extern const char job_no_acpi[];

/* The same for all its vCPUs. */
void job_name_cpus(const struct job *j, char *out, size_t len);

/* Why it timed out, into j->message. */
void job_explain_timeout(struct job *j, struct cpuhp *hp);

/* Why the guest said no, into j->message. */
void job_explain_refusal(struct job *j, const struct ost *ost);

/* Words for people and programs; static strings. */
const char *job_operation_name(enum job_operation o);
const char *job_phase_name(enum job_phase p);
const char *job_result_name(enum job_result r);

#endif
