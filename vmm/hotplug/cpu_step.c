#include "vmm/hotplug/cpu_step.h"

#include <errno.h>

#include "devices/clock.h"
#include "vmm/hotplug/cpu_text.h"

struct action *step_add(struct step *s, enum action_kind kind)
{
	return actions_add(s->out, kind, s->job);
}

void step_tell_phase(struct step *s)
{
	step_add(s, ACTION_TELL_PHASE)->phase = s->job->phase;
}

static void enter(struct step *s, enum job_phase p, uint64_t ns)
{
	job_enter(s->job, p, ns);
	step_tell_phase(s);
}

/* Does this to all CPUs of the job at once. */
void step_at_once(struct step *s,
		  void (*what)(struct cpuhp *, const uint32_t *index, size_t n))
{
	uint32_t cpu[UNITS_MAX];
	size_t n = units_list(&s->job->units, cpu);

	what(s->cpuhp, cpu, n);
}

/* When these go, that is news. */
static void forget_gone(struct step *s, const struct units *cpus)
{
	UNITS_EACH (cpu, cpus)
		units_drop(&s->jobs->gone, cpu / s->sockets->topo->per_socket);
}

/* Tells the guest of the job's vCPUs, which the host has. */
void step_plug(struct step *s)
{
	uint32_t cpu[UNITS_MAX];
	size_t n = units_list(&s->job->units, cpu);

	forget_gone(s, &s->job->units);
	enter(s, JOB_PLUGGED, cpuhp_plug(s->cpuhp, cpu, n));
}

/* The guest has them; it is told again of those that it has not taken. */
void step_remind(struct step *s)
{
	step_at_once(s, cpuhp_remind);
	enter(s, JOB_PLUGGED, s->now_ns);
}

/* What the job gave. 0; or -EBUSY, and the guest keeps all. */
int step_take_back(struct step *s)
{
	uint32_t cpu[UNITS_MAX];
	size_t n = units_list(&s->job->units, cpu);

	if (s->job->phase == JOB_ACCEPTED || s->job->told)
		return 0;
	if (cpuhp_unplug(s->cpuhp, cpu, n) < 0)
		return -EBUSY;
	step_add(s, ACTION_STOP)->units = s->job->units;
	return 0;
}

void step_begin(struct step *s, const struct job_plan *plan)
{
	job_begin(s->job, plan, s->now_ns);
	if (plan->device)
		forget_gone(s, &plan->units);
	step_tell_phase(s);
}

/* Gives these vCPUs back. */
void step_repair(struct step *s, const struct units *cpus)
{
	uint32_t count = sockets_count(s->sockets);
	struct units gone = sockets_gone(s->sockets, cpus);
	const struct job_plan plan = {
		.resource = JOB_CPU,
		.operation = JOB_ADD,
		.units = *cpus,
		.from = count,
		.to = count + units_count(&gone),
		.repair = true,
		.timeout_ms = JOB_TIMEOUT_MS,
		.start_ns = s->now_ns,
	};

	if (!units_empty(cpus))
		step_begin(s, &plan);
}

/* The sockets of these vCPUs that are gone, and nobody was told. The caller tells. */
struct units step_newly_gone(struct step *s, const struct units *cpus)
{
	struct units gone = sockets_gone(s->sockets, cpus);

	units_drop_all(&gone, &s->jobs->gone);
	units_put_all(&s->jobs->gone, &gone);
	return gone;
}

void step_tell_deleted(struct step *s, const struct units *sockets, bool by_guest)
{
	struct action *told;

	if (units_empty(sockets))
		return;
	told = step_add(s, ACTION_TELL_DELETED);
	told->units = *sockets;
	told->by_guest = by_guest;
}

void step_tell_settling(struct step *s)
{
	step_add(s, ACTION_TELL_SETTLING)->units = s->jobs->settling;
}

bool step_is_underway(struct cpuhp *hp, uint32_t cpu)
{
	const struct cpuhp_slot slot = cpuhp_get(hp, cpu);

	return slot.underway && slot_enabled(slot.state);
}

/* Asks for the job's CPUs no longer. */
static void withdraw(struct step *s)
{
	step_at_once(s, cpuhp_withdraw_removal);
	UNITS_EACH (cpu, &s->job->units)
		if (step_is_underway(s->cpuhp, cpu))
			units_put(&s->jobs->settling, cpu);
	s->jobs->settled_ns = s->now_ns + JOB_QUIET_MS * NS_PER_MS;
}

/* A removal tells what is gone, whatever became of the others, and so does an add that
 * was to bring back what had gone late, or a device that a client has been promised. A
 * removal that did not get to its end may leave a socket with some of its vCPUs: then it
 * gets the others back. */
void step_end(struct step *s, enum job_result result)
{
	bool unfinished = s->job->operation == JOB_REMOVE && result != JOB_DONE;
	struct units gone = { 0 }, lacking;

	if (s->job->operation == JOB_REMOVE || s->job->repair || s->job->device)
		gone = step_newly_gone(s, &s->job->units);
	step_tell_deleted(s, &gone, false);
	if (unfinished)
		withdraw(s);
	s->job->result = result;
	s->job->count = sockets_count(s->sockets);
	if (result == JOB_DONE && s->job->count != s->job->to)
		cpu_text_other_count(s->job, &s->job->message);
	step_add(s, ACTION_TELL_COMPLETED);
	if (!units_empty(&s->jobs->settling))
		step_tell_settling(s);
	if (!unfinished)
		return;
	lacking = sockets_lacking(s->sockets);
	step_repair(s, &lacking);
}
