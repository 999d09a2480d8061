#include "vmm/hotplug/driver.h"

#include <inttypes.h>

#include "vmm/base/log.h"

#define OSTS_PER_TURN 64

/* Tells all listeners; what is the name of the call. */
#define TELL(d, what, ...)                                                               \
	do {                                                                             \
		const struct hotplug_listener *l_ = (d)->listeners;                      \
		for (; l_ < (d)->listeners + (d)->nlisteners; l_++)                      \
			if (l_->what != NULL)                                            \
				l_->what(l_->ctx, __VA_ARGS__);                          \
	} while (0)

/* --- the host ------------------------------------------------------------- */

void driver_stop(struct driver *d, const struct units *cpus)
{
	UNITS_EACH (cpu, cpus)
		d->host.stop(d->host.ctx, cpu);
}

int driver_start(struct driver *d, const struct units *cpus, struct text *why)
{
	UNITS_EACH (cpu, cpus) {
		int err = d->host.start(d->host.ctx, cpu);

		if (err == 0)
			continue;
		driver_stop(d, cpus);
		return text_set(why, err,
				"the host cannot make vCPU %" PRIu32
				" (%s); nothing was changed, ask again when that is "
				"mended",
				cpu, text_errno(-err));
	}
	return 0;
}

/* --- what a step leaves to be done ---------------------------------------- */

static void tell_completed(struct driver *d, const struct job *job)
{
	log_info("job=%" PRIu32 " resource=%s operation=%s result=%s from=%" PRIu32
		 " to=%" PRIu32 " phase=%s",
		 job->id, job_resource_name(job->resource),
		 job_operation_name(job->operation), job_result_name(job->result),
		 job->from, job->to, job_phase_name(job->phase));
	TELL(d, completed, job);
}

static void tell_deleted(struct driver *d, const struct action *a)
{
	UNITS_EACH (socket, &a->units)
		TELL(d, deleted, socket, a->by_guest);
}

static void tell_refused(struct driver *d, const struct action *a)
{
	UNITS_EACH (socket, &a->units)
		TELL(d, refused, socket);
}

static void make(struct driver *d, const struct units *cpus, struct cpu_event *answer)
{
	*answer = (struct cpu_event){ .kind = CPU_MADE };
	if (driver_start(d, cpus, &answer->why) < 0)
		answer->kind = CPU_NOT_MADE;
}

static void carry_out(struct driver *d, const struct action *a, struct cpu_event *answer)
{
	switch (a->kind) {
	case ACTION_MAKE:
		make(d, &a->units, answer);
		break;
	case ACTION_STOP:
		driver_stop(d, &a->units);
		break;
	case ACTION_TELL_PHASE:
		TELL(d, phase, &a->job, a->phase);
		break;
	case ACTION_TELL_COMPLETED:
		tell_completed(d, &a->job);
		break;
	case ACTION_TELL_OST:
		TELL(d, ost, &a->ost);
		break;
	case ACTION_COUNT_OST:
		TELL(d, ost_merged, &a->ost);
		break;
	case ACTION_TELL_DELETED:
		tell_deleted(d, a);
		break;
	case ACTION_TELL_REFUSED:
		tell_refused(d, a);
		break;
	case ACTION_TELL_SETTLING:
		TELL(d, settling, &a->units);
		break;
	case ACTION_NKINDS:
		break;
	}
}

/* One step, and what it leaves to be done. answer->kind is CPU_NEVENTS, or there is an
 * answer. */
static int take_one(struct driver *d, const struct cpu_event *ev,
		    struct cpu_event *answer)
{
	uint64_t now = d->host.now_ns(d->host.ctx);
	int err = cpu_engine_step(&d->engine, ev, now, &d->actions);

	answer->kind = CPU_NEVENTS;
	for (unsigned i = 0; i < d->actions.n; i++)
		carry_out(d, &d->actions.action[i], answer);
	return err;
}

int driver_step(struct driver *d, const struct cpu_event *ev)
{
	struct cpu_event answer;
	int err = take_one(d, ev, &answer);

	while (answer.kind != CPU_NEVENTS) {
		const struct cpu_event next = answer;

		(void)take_one(d, &next, &answer);
	}
	return err;
}

/* --- what happened -------------------------------------------------------- */

/* Nothing of it runs from now on. */
static void park(struct driver *d, uint32_t cpu)
{
	d->host.stop(d->host.ctx, cpu);
	cpuhp_park(d->cpuhp, cpu);
	log_info("cpu=%" PRIu32 " ejected by-guest=%d", cpu,
		 cpuhp_get(d->cpuhp, cpu).by_guest);
	(void)driver_step(d, &(struct cpu_event){ .kind = CPU_EJECTED, .cpu = cpu });
}

/* At most so many; whether there may be more. */
static bool take_osts(struct driver *d, unsigned most)
{
	struct cpu_event ev = { .kind = CPU_OST };
	unsigned n = 0;

	while (n < most && cpuhp_next_ost(d->cpuhp, &ev.ost)) {
		(void)driver_step(d, &ev);
		n++;
	}
	return n == most;
}

static void look(struct driver *d, unsigned osts)
{
	uint32_t cpu;
	bool more;

	while (cpuhp_next_ejected(d->cpuhp, &cpu))
		park(d, cpu);
	more = take_osts(d, osts);
	(void)driver_step(d, &(struct cpu_event){ .kind = CPU_LOOK });
	d->host.set_timer(d->host.ctx, more ? d->host.now_ns(d->host.ctx)
					    : cpu_engine_due_ns(&d->engine));
}

/* A guest that floods us gets its turn, and no more. */
void driver_look(struct driver *d)
{
	look(d, OSTS_PER_TURN);
}

void driver_settle(struct driver *d)
{
	look(d, d->cpuhp->acpi.ring_len);
}
