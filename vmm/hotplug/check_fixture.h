#ifndef VMM_HOTPLUG_CHECK_FIXTURE_H
#define VMM_HOTPLUG_CHECK_FIXTURE_H
/* check_fixture: what must hold of hotplug whatever happened, each time that it has
 * looked. For tests: the caller notes what the listeners and the host are told, and asks
 * when a step is over. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "devices/cpuhp.h"
#include "vmm/hotplug/hotplug.h"

/* What was seen from outside. All zero at first. */
struct seen {
	uint32_t begun, ended; /* ids of jobs, the last ones */
	struct units threads; /* vCPUs that the host was told to start, and not to stop */
	struct units there;   /* sockets, when no job ran the last time */
	struct units told;    /* sockets that were called deleted since */
	struct units undone;  /* and those whose add was taken back or failed */
	bool armed, at_once;  /* the timer is set, for this moment */
};

static inline void seen_phase(struct seen *s, const struct job *job, enum job_phase p)
{
	if (p != JOB_ACCEPTED && p != JOB_REQUESTED)
		return;
	assert_int_equal(s->begun, s->ended); /* never two at once */
	assert_int_equal(job->id, s->begun + 1);
	s->begun = job->id;
}

/* A job ends as it is; and once. */
static inline void seen_completed(struct seen *s, const struct job *job, struct cpuhp *hp)
{
	assert_int_equal(job->id, s->begun);
	assert_int_equal(job->id, s->ended + 1);
	s->ended = job->id;
	assert_int_not_equal(job->result, JOB_RUNNING);
	assert_int_equal(job->result == JOB_DONE && job->count == job->to,
			 job->message.s[0] == '\0');
	UNITS_EACH (cpu, &job->units) {
		enum slot_state st = cpuhp_slot_state(hp, cpu);

		if (job->operation == JOB_ADD && job->result == JOB_DONE)
			assert_int_equal(st, SLOT_ONLINE);
		else if (job->result == JOB_DONE || job->result == JOB_FAILED)
			assert_int_equal(st, SLOT_ABSENT);
		if (job->operation == JOB_ADD && job->result != JOB_DONE)
			units_put(&s->undone, cpu / hp->topo->per_socket);
	}
}

/* A socket that went is told of, and once. */
static inline void seen_deleted(struct seen *s, uint32_t socket)
{
	assert_false(units_has(&s->told, socket));
	units_put(&s->told, socket);
}

static inline void seen_timer(struct seen *s, uint64_t at_ns, uint64_t now_ns)
{
	s->armed = at_ns != UINT64_MAX;
	s->at_once = at_ns <= now_ns;
}

/* A mark without a job that wants it would be carried out one day. */
static inline void check_slot(const struct seen *s, const struct job *job, uint32_t cpu,
			      const struct cpuhp_slot *slot)
{
	bool enabled = slot_enabled(slot->state);

	assert_int_not_equal(slot->state, SLOT_EJECTED);
	assert_int_equal(units_has(&s->threads, cpu), enabled);
	if (slot->remove_requested || slot->remove_pending) {
		assert_non_null(job);
		assert_int_equal(job->operation, JOB_REMOVE);
		assert_true(units_has(&job->units, cpu));
	}
	if (slot->remove_pending)
		assert_true(enabled);
	if (slot->insert_pending) /* or it was taken back */
		assert_true(enabled || slot->may_know);
}

static inline void check_slots(const struct seen *s, const struct job *job,
			       struct cpuhp *hp)
{
	uint32_t pending = 0;

	assert_true(slot_enabled(cpuhp_slot_state(hp, 0)));
	for (uint32_t i = 0; i < hp->topo->max_vcpus; i++) {
		struct cpuhp_slot slot = cpuhp_get(hp, i);

		check_slot(s, job, i, &slot);
		pending += slot.insert_pending || slot.remove_pending;
	}
	assert_int_equal(hp->acpi.pending, pending);
	assert_int_equal((hp->acpi.w.ged->s.pending & GED_CPU) != 0, pending > 0);
}

static inline void check_names(const struct sockets *sockets)
{
	char id[SOCKETS_ID_LEN];

	for (uint32_t i = 0; i < sockets->topo->max_sockets; i++) {
		if (!sockets_has(sockets, i))
			continue;
		sockets_id(sockets, i, id);
		assert_int_equal(sockets_find(sockets, id), i);
	}
}

/* Since no job ran the last time: what went was told of, or the guest never had it. */
static inline void check_told(struct seen *s, const struct sockets *sockets)
{
	for (uint32_t i = 0; i < sockets->topo->max_sockets; i++) {
		bool there = sockets_has(sockets, i), told = units_has(&s->told, i);

		if (units_has(&s->there, i) && !there)
			assert_true(told);
		if (!units_has(&s->there, i) && !there && !units_has(&s->undone, i))
			assert_false(told);
		if (there)
			units_put(&s->there, i);
		else
			units_drop(&s->there, i);
	}
	s->told = s->undone = (struct units){ 0 };
}

/* hotplug has looked, and the guest has done nothing since. */
static inline void hotplug_check(const struct hotplug *h, struct seen *s)
{
	const struct sockets *sockets = hotplug_sockets(h);
	const struct hotplug_view v = hotplug_view(h);

	assert_int_equal(s->begun - s->ended, v.running != NULL);
	assert_true(s->at_once || s->armed == (v.running != NULL || v.settling));
	assert_true(v.taken <= v.count);
	check_slots(s, v.running, sockets->cpuhp);
	check_names(sockets);
	if (v.running == NULL)
		check_told(s, sockets);
}

#endif
