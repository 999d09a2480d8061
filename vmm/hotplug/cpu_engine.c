/* What a step can leave to be done at most: it ends the job that runs (an _OST, a socket
 * gone, a refusal, an end), which makes another begin (two phases), run through (two
 * more) and end, and that one more. Far less than ACTIONS_MAX. */
#include "vmm/hotplug/cpu_engine.h"

#include <errno.h>

#include "devices/clock.h"
#include "vmm/hotplug/cpu_text.h"

/* A step that is being taken. */
struct step {
	const struct sockets *sockets;
	struct cpuhp *cpuhp;
	struct cpu_jobs *jobs;
	struct job *job; /* jobs->job */
	uint64_t now_ns;
	struct actions *out;
};

/* --- the job's life
 * ----------------------------------------------------------------------- */

static struct action *add_action(struct step *s, enum action_kind kind)
{
	return actions_add(s->out, kind, s->job);
}

static void tell_phase(struct step *s)
{
	add_action(s, ACTION_TELL_PHASE)->phase = s->job->phase;
}

static void enter(struct step *s, enum job_phase p, uint64_t ns)
{
	job_enter(s->job, p, ns);
	tell_phase(s);
}

/* Does this to all CPUs of the job at once. */
static void at_once(struct step *s,
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
static void plug(struct step *s)
{
	uint32_t cpu[UNITS_MAX];
	size_t n = units_list(&s->job->units, cpu);

	forget_gone(s, &s->job->units);
	enter(s, JOB_PLUGGED, cpuhp_plug(s->cpuhp, cpu, n));
}

/* The guest has them; it is told again of those that it has not taken. */
static void remind(struct step *s)
{
	at_once(s, cpuhp_remind);
	enter(s, JOB_PLUGGED, s->now_ns);
}

/* What the job gave. 0; or -EBUSY, and the guest keeps all. */
static int take_back(struct step *s)
{
	uint32_t cpu[UNITS_MAX];
	size_t n = units_list(&s->job->units, cpu);

	if (s->job->phase == JOB_ACCEPTED || s->job->told)
		return 0;
	if (cpuhp_unplug(s->cpuhp, cpu, n) < 0)
		return -EBUSY;
	add_action(s, ACTION_STOP)->units = s->job->units;
	return 0;
}

static void begin(struct step *s, const struct job_plan *plan)
{
	job_begin(s->job, plan, s->now_ns);
	if (plan->device)
		forget_gone(s, &plan->units);
	tell_phase(s);
}

/* Gives these vCPUs back. */
static void repair(struct step *s, const struct units *cpus)
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
		begin(s, &plan);
}

/* The sockets of these vCPUs that are gone, and nobody was told. The caller tells. */
static struct units newly_gone(struct step *s, const struct units *cpus)
{
	struct units gone = sockets_gone(s->sockets, cpus);

	units_drop_all(&gone, &s->jobs->gone);
	units_put_all(&s->jobs->gone, &gone);
	return gone;
}

static void tell_deleted(struct step *s, const struct units *sockets, bool by_guest)
{
	struct action *told;

	if (units_empty(sockets))
		return;
	told = add_action(s, ACTION_TELL_DELETED);
	told->units = *sockets;
	told->by_guest = by_guest;
}

static void tell_settling(struct step *s)
{
	add_action(s, ACTION_TELL_SETTLING)->units = s->jobs->settling;
}

static bool is_underway(struct cpuhp *hp, uint32_t cpu)
{
	const struct cpuhp_slot slot = cpuhp_get(hp, cpu);

	return slot.underway && slot_enabled(slot.state);
}

/* Asks for the job's CPUs no longer. */
static void withdraw(struct step *s)
{
	at_once(s, cpuhp_withdraw_removal);
	UNITS_EACH (cpu, &s->job->units)
		if (is_underway(s->cpuhp, cpu))
			units_put(&s->jobs->settling, cpu);
	s->jobs->settled_ns = s->now_ns + JOB_QUIET_MS * NS_PER_MS;
}

/* A removal tells what is gone, whatever became of the others, and so does an add that
 * was to bring back what had gone late, or a device that a client has been promised. A removal that did not get to its end may leave a
 * socket with some of its vCPUs: then it gets the others back. */
static void end(struct step *s, enum job_result result)
{
	bool unfinished = s->job->operation == JOB_REMOVE && result != JOB_DONE;
	struct units gone = { 0 }, lacking;

	if (s->job->operation == JOB_REMOVE || s->job->repair || s->job->device)
		gone = newly_gone(s, &s->job->units);
	tell_deleted(s, &gone, false);
	if (unfinished)
		withdraw(s);
	s->job->result = result;
	s->job->count = sockets_count(s->sockets);
	if (result == JOB_DONE && s->job->count != s->job->to)
		cpu_text_other_count(s->job, &s->job->message);
	add_action(s, ACTION_TELL_COMPLETED);
	if (!units_empty(&s->jobs->settling))
		tell_settling(s);
	if (!unfinished)
		return;
	lacking = sockets_lacking(s->sockets);
	repair(s, &lacking);
}

/* --- looking
 * ------------------------------------------------------------------------------ */

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
		if (s->now_ns >= s->jobs->settled_ns || !is_underway(s->cpuhp, cpu))
			units_drop(settling, cpu);
	if (units_empty(settling))
		tell_settling(s);
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
	end(s, JOB_TIMED_OUT);
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
		add_action(s, ACTION_MAKE)->units = j->units;
		return;
	}
	while (j->phase != JOB_ACCEPTED && !is_held(s) &&
	       job_advance(j, cpu_reached_ns, s->cpuhp))
		tell_phase(s);
	if (j->phase == job_last_phase(j))
		end(s, JOB_DONE);
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
	repair(s, &late);
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

/* --- events
 * ------------------------------------------------------------------------------- */

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
	end(s, JOB_REFUSED);
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
		gone = newly_gone(s, &ejected);
	else
		units_put_all(&s->jobs->late, &ejected);
	if (by_guest && !sockets_has(s->sockets, socket))
		give_up_socket(s, ev->cpu);
	if (in_job(s, ev->cpu) && !removed) {
		cpu_text_ejected(ev->cpu, by_guest, &s->job->message);
		end(s, JOB_REFUSED);
	}
	tell_deleted(s, &gone, true);
	return 0;
}

static void refuse(struct step *s, const struct ost *ost)
{
	cpu_text_refusal(s->job, ost, &s->job->message);
	if (s->job->operation == JOB_REMOVE)
		units_put(&add_action(s, ACTION_TELL_REFUSED)->units,
			  ost->index / s->sockets->topo->per_socket);
	end(s, JOB_REFUSED);
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
		add_action(s, ACTION_COUNT_OST)->ost = *ost;
		return;
	}
	told = add_action(s, ACTION_TELL_OST);
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
	at_once(s, cpuhp_ask_removal);
}

static int on_begin(struct step *s, const struct cpu_event *ev)
{
	begin(s, &ev->plan);
	if (ev->plan.operation == JOB_REMOVE)
		ask_removal(s);
	else if (ev->plan.told)
		remind(s);
	else if (ev->made)
		plug(s);
	judge(s);
	return 0;
}

static int on_made(struct step *s, const struct cpu_event *ev)
{
	(void)ev;
	plug(s);
	judge(s);
	return 0;
}

static int on_not_made(struct step *s, const struct cpu_event *ev)
{
	s->job->message = ev->why;
	end(s, JOB_FAILED);
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
		err = take_back(s);
	if (err < 0)
		return err;
	text_set(&s->job->message, 0, "cancelled by request");
	end(s, JOB_CANCELLED);
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
	absent = &add_action(s, ACTION_STOP)->units;
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
