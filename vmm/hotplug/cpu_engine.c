/* What a step can leave to be done at most: it ends the job that runs (an _OST, a socket
 * gone, a refusal, an end), which makes another begin (two phases), run through (two
 * more) and end, and that one more. Far less than ACTIONS_MAX. */
#include "vmm/hotplug/cpu_engine.h"

#include <errno.h>

#include "devices/clock.h"
#include "vmm/hotplug/cpu_step.h"
#include "vmm/hotplug/cpu_text.h"

/* --- looking -------------------------------------------------------------- */

static uint64_t forgiven_ns(const struct cpuhp_slot *slot)
{
	return slot->ejected_ns + CPU_OST_MS * NS_PER_MS;
}

/* Guests that send no final _OST get their time; then it is waited for no longer. */
static void forgive_osts(struct step *s)
{
	UNITS_EACH (cpu, &s->jobs->owed) {
		struct cpuhp_slot slot = cpuhp_get(s->cpuhp, cpu);

		if (slot.ost_due && forgiven_ns(&slot) <= s->now_ns)
			cpuhp_forgive_ost(s->cpuhp, cpu);
		else if (slot.ost_due)
			continue;
		units_drop(&s->jobs->owed, cpu);
	}
}

/* The guest has answered, or it never will. */
static void settle(struct step *s)
{
	struct units *settling = &s->jobs->settling;

	if (units_empty(settling))
		return;
	UNITS_EACH (cpu, settling)
		if (s->now_ns >= s->jobs->settled_ns || !step_is_underway(s->cpuhp, cpu))
			units_drop(settling, cpu);
	if (units_empty(settling))
		step_tell_settling(s);
}

/* An add of what the guest may yet eject is not over. */
static bool is_held(const struct step *s)
{
	return s->job->phase == JOB_REGISTERED &&
	       units_meet(&s->job->units, &s->jobs->settling);
}

static void time_out(struct step *s)
{
	struct job *j = s->job;
	enum job_phase p = job_next_phase(j);
	struct units missing;

	if (cpuhp_no_acpi(s->cpuhp))
		p = j->operation == JOB_ADD ? JOB_ONLINE : JOB_EJECTED;
	missing = job_missing(j, p, cpu_reached_ns, s->cpuhp);
	if (units_empty(&missing))
		cpu_text_settling(&s->jobs->settling, &j->message);
	else
		cpu_text_timeout(j, cpuhp_no_acpi(s->cpuhp), &missing, &j->message);
	step_end(s, JOB_TIMED_OUT);
}

/* Whether the time is up. Who did what last is looked at only then. */
static bool is_over(struct step *s)
{
	if (s->now_ns >= job_deadline(s->job))
		job_note_steps(s->job, cpu_reached_ns, s->cpuhp);
	return s->now_ns >= job_deadline(s->job);
}

/* As far as the guest has come, or to the job's end. An add that waits for an earlier
 * removal goes on with what the host answers. */
static void go_on(struct step *s)
{
	struct job *j = s->job;

	if (j->phase == JOB_ACCEPTED && !cpu_removal_lasts(s->cpuhp, &j->units)) {
		step_add(s, ACTION_MAKE)->units = j->units;
		return;
	}
	while (j->phase != JOB_ACCEPTED && !is_held(s) &&
	       job_advance(j, cpu_reached_ns, s->cpuhp))
		step_tell_phase(s);
	if (j->phase == job_last_phase(j))
		step_end(s, JOB_DONE);
	else if (is_over(s))
		time_out(s);
}

/* A removal was cancelled or timed out, and the guest, which was on its way, ejected CPUs
 * after that: they are not to go, so they come back. */
static void bring_back_late(struct step *s)
{
	struct units late = s->jobs->late;

	UNITS_EACH (cpu, &late)
		if (cpuhp_slot_state(s->cpuhp, cpu) != SLOT_ABSENT)
			units_drop(&late, cpu);
	s->jobs->late = (struct units){ 0 };
	step_repair(s, &late);
}

/* Until nothing more follows from what there is. */
static void judge(struct step *s)
{
	uint32_t id;

	do {
		id = s->job->id;
		if (job_running(s->job))
			go_on(s);
		if (!job_running(s->job))
			bring_back_late(s);
	} while (s->job->id != id);
}

/* --- events --------------------------------------------------------------- */

static int on_look(struct step *s, const struct cpu_event *ev)
{
	(void)ev;
	forgive_osts(s);
	settle(s);
	judge(s);
	return 0;
}

static bool in_job(const struct step *s, uint32_t cpu)
{
	return job_running(s->job) && units_has(&s->job->units, cpu);
}

/* The guest has given back all of this CPU's socket: nothing of it that is still to be
 * plugged comes back. */
static void give_up_socket(struct step *s, uint32_t cpu)
{
	struct job *j = s->job;
	struct units cpus = sockets_cpus(s->sockets, cpu / s->sockets->topo->per_socket);

	units_drop_all(&s->jobs->late, &cpus);
	if (!job_running(j) || j->phase != JOB_ACCEPTED || !units_meet(&j->units, &cpus))
		return;
	units_drop_all(&j->units, &cpus);
	j->nunits = units_count(&j->units);
	j->to--;
	if (j->nunits > 0)
		return;
	cpu_text_ejected(cpu, true, &j->message);
	step_end(s, JOB_REFUSED);
}

static int on_ejected(struct step *s, const struct cpu_event *ev)
{
	uint32_t socket = ev->cpu / s->sockets->topo->per_socket;
	bool by_guest = cpuhp_get(s->cpuhp, ev->cpu).by_guest;
	bool removed = in_job(s, ev->cpu) && s->job->operation == JOB_REMOVE;
	struct units ejected = { 0 }, gone = { 0 };

	units_put(&ejected, ev->cpu);
	units_put_all(&s->jobs->owed, &ejected);
	if (removed && !by_guest)
		return 0;
	if (by_guest)
		gone = step_newly_gone(s, &ejected);
	else
		units_put_all(&s->jobs->late, &ejected);
	if (by_guest && !sockets_has(s->sockets, socket))
		give_up_socket(s, ev->cpu);
	if (in_job(s, ev->cpu) && !removed) {
		cpu_text_ejected(ev->cpu, by_guest, &s->job->message);
		step_end(s, JOB_REFUSED);
	}
	step_tell_deleted(s, &gone, true);
	return 0;
}

static void refuse(struct step *s, const struct ost *ost)
{
	cpu_text_refusal(s->job, ost, &s->job->message);
	if (s->job->operation == JOB_REMOVE)
		units_put(&step_add(s, ACTION_TELL_REFUSED)->units,
			  ost->index / s->sockets->topo->per_socket);
	step_end(s, JOB_REFUSED);
}

/* Of a guest that floods us with what answers nothing, clients hear so much. */
static bool is_too_much(struct step *s)
{
	struct cpu_jobs *j = s->jobs;

	if (s->now_ns - j->osts_ns >= NS_PER_S) {
		j->osts_ns = s->now_ns;
		j->osts_told = 0;
	}
	return j->osts_told++ >= CPU_OSTS_PER_S;
}

static void tell_ost(struct step *s, const struct ost *ost)
{
	struct action *told;

	if (!in_job(s, ost->index) && is_too_much(s)) {
		s->jobs->osts_merged++;
		step_add(s, ACTION_COUNT_OST)->ost = *ost;
		return;
	}
	told = step_add(s, ACTION_TELL_OST);
	told->ost = *ost;
	told->ost.merged = s->jobs->osts_merged;
	s->jobs->osts_merged = 0;
}

/* A no to an earlier removal is none to the one that runs. */
static int on_ost(struct step *s, const struct cpu_event *ev)
{
	const struct ost *ost = &ev->ost;
	const struct cpuhp_slot slot = cpuhp_get(s->cpuhp, ost->index);

	tell_ost(s, ost);
	if (!in_job(s, ost->index) || !cpu_refuses(ost, s->job->operation, &slot))
		return 0;
	if (!units_has(&s->jobs->answering, ost->index))
		refuse(s, ost);
	else
		units_drop(&s->jobs->answering, ost->index);
	return 0;
}

static void ask_removal(struct step *s)
{
	s->jobs->answering = (struct units){ 0 };
	units_drop_all(&s->jobs->settling, &s->job->units);
	UNITS_EACH (cpu, &s->job->units)
		if (cpuhp_get(s->cpuhp, cpu).underway)
			units_put(&s->jobs->answering, cpu);
	step_at_once(s, cpuhp_ask_removal);
}

static int on_begin(struct step *s, const struct cpu_event *ev)
{
	step_begin(s, &ev->plan);
	if (ev->plan.operation == JOB_REMOVE)
		ask_removal(s);
	else if (ev->plan.told)
		step_remind(s);
	else if (ev->made)
		step_plug(s);
	judge(s);
	return 0;
}

static int on_made(struct step *s, const struct cpu_event *ev)
{
	(void)ev;
	step_plug(s);
	judge(s);
	return 0;
}

static int on_not_made(struct step *s, const struct cpu_event *ev)
{
	s->job->message = ev->why;
	step_end(s, JOB_FAILED);
	judge(s);
	return 0;
}

static int on_cancel(struct step *s, const struct cpu_event *ev)
{
	int err = 0;

	(void)ev;
	if (!job_running(s->job))
		return -ENOENT;
	if (s->job->operation == JOB_ADD)
		err = step_take_back(s);
	if (err < 0)
		return err;
	text_set(&s->job->message, 0, "cancelled by request");
	step_end(s, JOB_CANCELLED);
	judge(s);
	return 0;
}

/* What was to go is gone. */
static int on_reset(struct step *s, const struct cpu_event *ev)
{
	struct units *absent;

	(void)ev;
	cpuhp_reset(s->cpuhp);
	s->jobs->answering = (struct units){ 0 };
	absent = &step_add(s, ACTION_STOP)->units;
	for (uint32_t i = 0; i < s->sockets->topo->max_vcpus; i++)
		if (cpuhp_slot_state(s->cpuhp, i) == SLOT_ABSENT)
			units_put(absent, i);
	if (job_running(s->job))
		job_restart(s->job, s->now_ns);
	return 0;
}

int cpu_engine_step(struct cpu_engine *e, const struct cpu_event *ev, uint64_t now_ns,
		    struct actions *out)
{
	static int (*const handlers[CPU_NEVENTS])(struct step *,
						  const struct cpu_event *) = {
		[CPU_LOOK] = on_look,     [CPU_EJECTED] = on_ejected,
		[CPU_OST] = on_ost,       [CPU_BEGIN] = on_begin,
		[CPU_MADE] = on_made,     [CPU_NOT_MADE] = on_not_made,
		[CPU_CANCEL] = on_cancel, [CPU_RESET] = on_reset,
	};
	struct step s = {
		e->sockets, e->sockets->cpuhp, &e->now, &e->now.job, now_ns, out
	};

	out->n = 0;
	return handlers[ev->kind](&s, ev);
}

uint64_t cpu_engine_due_ns(const struct cpu_engine *e)
{
	uint64_t due = units_empty(&e->now.settling) ? UINT64_MAX : e->now.settled_ns;

	if (!job_running(&e->now.job))
		return due;
	if (job_deadline(&e->now.job) < due)
		due = job_deadline(&e->now.job);
	UNITS_EACH (cpu, &e->now.owed) {
		struct cpuhp_slot slot = cpuhp_get(e->sockets->cpuhp, cpu);

		if (slot.ost_due && forgiven_ns(&slot) < due)
			due = forgiven_ns(&slot);
	}
	return due;
}
