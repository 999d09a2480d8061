#include "vmm/hotplug/job.h"

#include "devices/clock.h"

#define PHASES_MAX 4

/* The phases of each kind of job, in their order. From `quiet` on the guest has all that
 * it needs: then it is its silence that ends the job. */
static const struct life {
	enum job_phase phase[PHASES_MAX];
	enum job_phase quiet; /* JOB_NPHASES: in none */
} lives[JOB_NRESOURCES][JOB_NOPERATIONS] = {
	[JOB_CPU] = {
		[JOB_ADD] = {
			{ JOB_ACCEPTED, JOB_PLUGGED, JOB_REGISTERED, JOB_ONLINE },
			.quiet = JOB_REGISTERED,
		},
		[JOB_REMOVE] = {
			{ JOB_REQUESTED, JOB_OFFLINING, JOB_EJECTED, JOB_PARKED },
			.quiet = JOB_NPHASES,
		},
	},
};

const char *job_resource_name(enum job_resource r)
{
	static const char *const names[JOB_NRESOURCES] = { [JOB_CPU] = "cpu" };

	return names[r];
}

const char *job_operation_name(enum job_operation o)
{
	static const char *const names[JOB_NOPERATIONS] = {
		[JOB_ADD] = "add",
		[JOB_REMOVE] = "remove",
	};

	return names[o];
}

const char *job_phase_name(enum job_phase p)
{
	static const char *const names[JOB_NPHASES] = {
		[JOB_ACCEPTED] = "accepted",     [JOB_PLUGGED] = "plugged",
		[JOB_REGISTERED] = "registered", [JOB_ONLINE] = "online",
		[JOB_REQUESTED] = "requested",   [JOB_OFFLINING] = "offlining",
		[JOB_EJECTED] = "ejected",       [JOB_PARKED] = "parked",
	};

	return names[p];
}

const char *job_result_name(enum job_result r)
{
	static const char *const names[JOB_NRESULTS] = {
		[JOB_RUNNING] = "running",     [JOB_DONE] = "done",
		[JOB_FAILED] = "failed",       [JOB_REFUSED] = "refused",
		[JOB_TIMED_OUT] = "timed-out", [JOB_CANCELLED] = "cancelled",
	};

	return names[r];
}

static const struct life *life_of(const struct job *j)
{
	return &lives[j->resource][j->operation];
}

enum job_phase job_last_phase(const struct job *j)
{
	return life_of(j)->phase[PHASES_MAX - 1];
}

enum job_phase job_next_phase(const struct job *j)
{
	const struct life *life = life_of(j);
	int i = 0;

	while (i < PHASES_MAX - 1 && life->phase[i] != j->phase)
		i++;
	return life->phase[i < PHASES_MAX - 1 ? i + 1 : i];
}

static uint32_t lesser(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

void job_begin(struct job *j, const struct job_plan *plan, uint64_t now_ns)
{
	*j = (struct job){
		.id = j->id == UINT32_MAX ? 1 : j->id + 1,
		.resource = plan->resource,
		.operation = plan->operation,
		.from = plan->from,
		.to = plan->to,
		.told = plan->told,
		.repair = plan->repair,
		.device = plan->device,
		.units = plan->units,
		.nunits = units_count(&plan->units),
		.start_ns = plan->start_ns,
		.progress_ns = now_ns,
		.end_ns = now_ns + plan->timeout_ms * NS_PER_MS,
		.step_ns = lesser(plan->timeout_ms, JOB_STEP_MS) * NS_PER_MS,
	};
	job_enter(j, life_of(j)->phase[0], j->start_ns);
}

void job_enter(struct job *j, enum job_phase p, uint64_t ns)
{
	j->phase = p;
	j->phase_ns[p] = ns;
}

static void note_progress(struct job *j, uint64_t ns)
{
	if (ns > j->progress_ns)
		j->progress_ns = ns;
}

bool job_advance(struct job *j, job_reached_fn *reached_ns, void *guest)
{
	enum job_phase p = job_next_phase(j);
	uint64_t last = j->phase_ns[j->phase]; /* they may have been there long before */

	if (p == j->phase)
		return false;
	UNITS_EACH (unit, &j->units) {
		uint64_t ns = reached_ns(guest, unit, p);

		if (ns == 0)
			return false;
		if (ns > last)
			last = ns;
	}
	job_enter(j, p, last);
	note_progress(j, last);
	return true;
}

void job_note_steps(struct job *j, job_reached_fn *reached_ns, void *guest)
{
	const struct life *life = life_of(j);
	uint64_t last = 0;
	uint32_t steps = 0;

	UNITS_EACH (unit, &j->units)
		for (int i = 0; i < PHASES_MAX; i++) {
			uint64_t ns = reached_ns(guest, unit, life->phase[i]);

			steps += ns > 0;
			if (ns > last)
				last = ns;
		}
	if (steps <= j->steps)
		return;
	j->steps = steps;
	note_progress(j, last);
}

void job_restart(struct job *j, uint64_t now_ns)
{
	j->progress_ns = now_ns;
}

uint64_t job_deadline(const struct job *j)
{
	uint64_t quiet = j->progress_ns + JOB_QUIET_MS * NS_PER_MS;
	uint64_t goes_on = j->progress_ns + j->step_ns, end = j->end_ns;

	if (j->phase == life_of(j)->quiet && quiet < end)
		end = quiet;
	return end > goes_on ? end : goes_on;
}

struct units job_missing(const struct job *j, enum job_phase p,
			 job_reached_fn *reached_ns, void *guest)
{
	struct units missing = j->units;

	UNITS_EACH (unit, &missing)
		if (reached_ns(guest, unit, p) != 0)
			units_drop(&missing, unit);
	return missing;
}
