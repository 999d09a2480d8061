#include "vmm/control/trace.h"

struct cpu_stamps {
	struct cpuhp_slot slot;
	const struct job *job;
	const struct vcpu *vcpu;
};

/* Each is 0 when it has not happened. */
static uint64_t read_ns(const struct cpu_stamps *s)
{
	return s->job->start_ns;
}
static uint64_t made_ns(const struct cpu_stamps *s)
{
	return s->vcpu->made_ns;
}
static uint64_t up_ns(const struct cpu_stamps *s)
{
	return atomic_load(&s->vcpu->up_ns);
}
static uint64_t raised_ns(const struct cpu_stamps *s)
{
	return s->job->phase_ns[JOB_PLUGGED];
}
static uint64_t seen_ns(const struct cpu_stamps *s)
{
	return s->slot.seen_ns;
}
static uint64_t acked_ns(const struct cpu_stamps *s)
{
	return s->slot.acked_ns;
}
static uint64_t registered_ns(const struct cpu_stamps *s)
{
	return s->slot.registered_ns;
}
static uint64_t started_ns(const struct cpu_stamps *s)
{
	return s->slot.started_ns;
}
static uint64_t online_ns(const struct cpu_stamps *s)
{
	return s->slot.online_ns;
}

static const struct {
	const char *name;
	uint64_t (*ns)(const struct cpu_stamps *s);
} steps[TRACE_STEPS] = {
	{ "request-read", read_ns }, /* and is a request for these vCPUs */
	{ "fd-created", made_ns },
	{ "thread-up", up_ns },
	{ "line-raised", raised_ns },
	{ "block-read", seen_ns }, /* the guest finds the event */
	{ "acknowledged", acked_ns },
	{ "ost", registered_ns },
	{ "started", started_ns }, /* INIT or CPU_ON */
	{ "online", online_ns },
};

/* When the last of the job's vCPUs took this step, or 0. */
static uint64_t last_ns(const struct job *j, struct cpuhp *hp, struct vcpu *const *vcpu,
			size_t step)
{
	uint64_t last = 0;

	UNITS_EACH (cpu, &j->units) {
		struct cpu_stamps s = { .job = j, .vcpu = vcpu[cpu] };
		uint64_t ns;

		if (s.vcpu == NULL) /* it waits for an earlier removal */
			return 0;
		s.slot = cpuhp_get(hp, cpu);
		ns = steps[step].ns(&s);
		if (ns < j->start_ns)
			return 0;
		if (ns > last)
			last = ns;
	}
	return last;
}

size_t trace_add(const struct job *j, struct cpuhp *hp, struct vcpu *const *vcpu,
		 struct trace_step out[TRACE_STEPS])
{
	size_t n = 0;

	for (size_t step = 0; j->operation == JOB_ADD && step < TRACE_STEPS; step++) {
		uint64_t ns = last_ns(j, hp, vcpu, step);
		size_t at = n;

		if (ns == 0)
			continue;
		for (; at > 0 && out[at - 1].ns > ns; at--)
			out[at] = out[at - 1];
		out[at] = (struct trace_step){ steps[step].name, ns };
		n++;
	}
	return n;
}
