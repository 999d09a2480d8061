#ifndef VMM_HOTPLUG_JOB_H
#define VMM_HOTPLUG_JOB_H
/* job: the life of one operation on units of one resource, from the request to the
 * guest's answer: its phases, its deadline, its end. What a unit is, and how far the
 * guest is with it, knows whoever runs the job (cpu_engine). Plain data, without pointers
 * and without a clock of its own: times are CLOCK_MONOTONIC and come from the caller.
 * Pure. */

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/text.h"
#include "vmm/hotplug/units.h"

#define JOB_TIMEOUT_MS 120000 /* default */
#define JOB_QUIET_MS   30000  /* without progress, where the guest needs no more of us */
#define JOB_STEP_MS    10000  /* after a step of any unit a job goes on */

enum job_resource { JOB_CPU, JOB_NRESOURCES };

enum job_operation { JOB_ADD, JOB_REMOVE, JOB_NOPERATIONS };

/* Of all resources; job.c has a table of which a job goes through, and in what order. */
enum job_phase {
	JOB_ACCEPTED,   /* add: checked; waits where a removal is not quite over */
	JOB_PLUGGED,    /* the units are there, the guest is being told */
	JOB_REGISTERED, /* the guest has answered for each: _OST(1, 0) */
	JOB_ONLINE,     /* the guest runs each */

	JOB_REQUESTED, /* remove: the guest is being told */
	JOB_OFFLINING, /* it has begun with each */
	JOB_EJECTED,   /* it has let each go: _EJ0 */
	JOB_PARKED,    /* the host has taken each, the guest's final _OST was seen */
	JOB_NPHASES
};

enum job_result {
	JOB_RUNNING,
	JOB_DONE,
	JOB_FAILED,    /* the host could not; undone */
	JOB_REFUSED,   /* the guest said no */
	JOB_TIMED_OUT, /* the guest did not say */
	JOB_CANCELLED,
	JOB_NRESULTS
};

/* What a job is to do, before there is one. */
struct job_plan {
	enum job_resource resource;
	enum job_operation operation;
	struct units units; /* of CPUs: indexes of vCPUs */
	uint32_t from, to;  /* how many there are, and are wanted; of CPUs: sockets */
	bool told;   /* add: the units are there and the guest knows: it is reminded */
	bool repair; /* nobody asked for it: it undoes what was left half done */
	bool device; /* add: a client knows its name, and hears if it comes to nothing */
	uint32_t timeout_ms;
	uint64_t start_ns; /* when the request was read */
};

struct job {
	uint32_t id; /* from 1, and from 1 again; 0: there was none yet */
	enum job_resource resource;
	enum job_operation operation;
	enum job_phase phase;
	enum job_result result;
	uint32_t from, to; /* how many there were, and are wanted; of CPUs: sockets */
	bool told, repair, device; /* as in the plan */
	struct units units;
	uint32_t nunits;
	uint32_t count; /* how many there were when it ended: as `from` was counted */

	uint64_t start_ns;              /* when the request was read */
	uint64_t phase_ns[JOB_NPHASES]; /* when each phase was reached */
	uint64_t end_ns;                /* when it times out, if it does not go on */
	uint64_t step_ns;               /* how long it goes on after a step */
	uint64_t progress_ns;           /* of the last step that was noted */
	uint32_t steps;                 /* how many were, at the most */

	struct text message; /* why it did not end in JOB_DONE, and what to do; or what is
			      * other than was asked for */
};

/* When the guest (or the host) had this unit in phase p, or 0: not yet. */
typedef uint64_t job_reached_fn(void *guest, uint32_t unit, enum job_phase p);

static inline bool job_running(const struct job *j)
{
	return j->id > 0 && j->result == JOB_RUNNING;
}

/* The next job, in its first phase. */
void job_begin(struct job *j, const struct job_plan *plan, uint64_t now_ns);

/* It is in this phase since ns. */
void job_enter(struct job *j, enum job_phase p, uint64_t ns);

/* Enters the next phase, when all its units are that far; whether they are. Its first
 * phases are the caller's to enter: of an add also JOB_PLUGGED. */
bool job_advance(struct job *j, job_reached_fn *reached_ns, void *guest);

/* The guest starts again, and has all its time. */
void job_restart(struct job *j, uint64_t now_ns);

/* Notes how far each unit is, whatever phase the job waits for. What was done before and
 * is done again is no step, so a job has an end. */
void job_note_steps(struct job *j, job_reached_fn *reached_ns, void *guest);

/* When the job times out, by the steps that were noted. */
uint64_t job_deadline(const struct job *j);

/* The phase after the one that it is in; of the last, that. */
enum job_phase job_next_phase(const struct job *j);

/* The last phase of the operation. */
enum job_phase job_last_phase(const struct job *j);

/* Its units that have not reached the phase. */
struct units job_missing(const struct job *j, enum job_phase p,
			 job_reached_fn *reached_ns, void *guest);

/* Words for people and programs; static strings. */
const char *job_resource_name(enum job_resource r);
const char *job_operation_name(enum job_operation o);
const char *job_phase_name(enum job_phase p);
const char *job_result_name(enum job_result r);

#endif
