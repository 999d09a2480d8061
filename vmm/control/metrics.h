#ifndef VMM_CONTROL_METRICS_H
#define VMM_CONTROL_METRICS_H
/* metrics: what the VM counts, and the one place where it becomes text: Prometheus' text
 * exposition format. Counting is an addition. How many series there are is bounded by the
 * number of possible vCPUs: what the guest can choose is counted by what is known, and
 * "other". Pure: no clock, no machine. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "vmm/hotplug/job.h"
#include "vmm/control/vcpu_state.h"

#define METRICS_NBUCKETS    13
#define METRICS_NOST_EVENTS 4 /* the last of each is "other" */
#define METRICS_NOST_CODES  9
#define METRICS_NOPERATIONS 2
#define METRICS_NRESULTS    (JOB_CANCELLED + 1)

/* Why a request was refused. */
enum refusal {
	REFUSAL_LIMIT,
	REFUSAL_BUSY,
	REFUSAL_INVALID,
	REFUSAL_EXISTS,
	REFUSAL_NOT_FOUND,
	REFUSAL_HOST,
	REFUSAL_NREASONS
};

struct histogram {
	uint64_t bucket[METRICS_NBUCKETS]; /* each without those below */
	uint64_t count, sum_ns;
};

struct metrics {
	uint64_t operations[METRICS_NOPERATIONS][METRICS_NRESULTS];
	struct histogram phase[JOB_NPHASES];
	uint64_t ost[METRICS_NOST_EVENTS][METRICS_NOST_CODES];
	uint64_t refusals[REFUSAL_NREASONS];
	uint64_t guest_ejects, resets;
};

/* What is not counted but so at this moment. */
struct metrics_now {
	const char *vm; /* its name: letters, digits, and -._ */
	bool paused;
	double started;  /* seconds since 1970 */
	uint64_t memory; /* bytes */
	uint32_t sockets, guest_sockets, max_sockets;
	uint32_t vcpus[VCPU_NSTATES];
	uint64_t writes_ignored, osts_lost, storms, events_dropped;

	const struct metrics_vcpu {
		uint32_t index;
		uint64_t cpu_ns; /* CPU time of its thread */
		bool has_exits;
		uint64_t exits;
	} * vcpu; /* nvcpu of them, those that were made */
	uint32_t nvcpu;
};

void metrics_count_job(struct metrics *m, const struct job *job);
void metrics_count_phase(struct metrics *m, const struct job *job, enum job_phase p);
void metrics_count_ost(struct metrics *m, const struct ost *ost);

/* What a refusal with this errno, 0 or negative, counts as; 0: it was no valid
 * request. */
enum refusal metrics_refusal(int err);

/* All of it, to out. Errors are out's. */
void metrics_print(const struct metrics *m, const struct metrics_now *now, FILE *out);

#endif
