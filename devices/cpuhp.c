/* The host's side of cpuhp. */
#include "devices/cpuhp.h"

#include <errno.h>
#include <stdlib.h>

#include "devices/clock.h"
#include "devices/cpuhp_slots.h"

#define RING_MIN 64
#define RING_PER_CPU                                                                     \
	4 /* an add or a removal reports at most twice, with as much in hand */

int cpuhp_init(struct cpuhp *hp, const struct topology *topo, struct ged *ged,
	       unsigned flags, void (*wake)(void *ctx), void *ctx)
{
	size_t n = topo->max_vcpus, ring_len = RING_MIN + RING_PER_CPU * n;
	struct cpuhp_slot *slot =
		calloc(1, n * sizeof(*slot) + ring_len * sizeof(struct ost));

	if (slot == NULL)
		return -ENOMEM;
	*hp = (struct cpuhp){
		.topo = topo,
		.ged = ged,
		.wake = wake,
		.wake_ctx = ctx,
		.ring_len = (uint32_t)ring_len,
		.flags = flags,
		.lock = MTX_INIT,
		.slot = slot,
		.ring = (struct ost *)(slot + n),
		.memory = slot,
	};
	return 0;
}

void cpuhp_destroy(struct cpuhp *hp)
{
	free(hp->memory);
	hp->memory = NULL;
}

bool cpuhp_no_acpi(const struct cpuhp *hp)
{
	return hp->flags & CPUHP_NO_ACPI;
}

void cpuhp_wake(struct cpuhp *hp)
{
	hp->wake(hp->wake_ctx);
}

void cpuhp_show(struct cpuhp *hp, unsigned char *sta)
{
	mtx_lock(&hp->lock);
	hp->sta = sta;
	for (uint32_t i = 0; i < hp->topo->max_vcpus; i++)
		cpuhp_show_locked(hp, &hp->slot[i]);
	mtx_unlock(&hp->lock);
}

/* Those of an add. */
static void forget_steps(struct cpuhp_slot *s)
{
	s->seen_ns = s->acked_ns = s->started_ns = s->registered_ns = s->online_ns = 0;
}

static void plug_locked(struct cpuhp *hp, uint32_t index) HOLDS(hp->lock)
{
	struct cpuhp_slot *s = &hp->slot[index];
	int err = cpuhp_step_locked(hp, s, SLOT_PLUG);

	assert(err == 0);
	(void)err;
	forget_steps(s);
	s->offlining_ns = s->ejected_ns = s->gone_ns = 0;
	s->ost_due = s->underway = s->in_tables = false;
}

void cpuhp_boot(struct cpuhp *hp, uint32_t index)
{
	mtx_lock(&hp->lock);
	plug_locked(hp, index);
	hp->slot[index].in_tables = true;
	mtx_unlock(&hp->lock);
}

uint64_t cpuhp_plug(struct cpuhp *hp, const uint32_t *index, size_t n)
{
	uint64_t raised_ns;

	mtx_lock(&hp->lock);
	for (size_t i = 0; i < n; i++) {
		struct cpuhp_slot *s = &hp->slot[index[i]];

		plug_locked(hp, index[i]);
		cpuhp_mark_locked(hp, s, true, false);
		if (cpuhp_no_acpi(hp))
			s->registered_ns = now_ns();
	}
	cpuhp_tell_ged_locked(hp);
	raised_ns = now_ns();
	mtx_unlock(&hp->lock);
	return raised_ns;
}

void cpuhp_remind(struct cpuhp *hp, const uint32_t *index, size_t n)
{
	mtx_lock(&hp->lock);
	for (size_t i = 0; i < n; i++) {
		struct cpuhp_slot *s = &hp->slot[index[i]];

		if (s->state == SLOT_PLUGGED)
			cpuhp_mark_locked(hp, s, true, s->remove_pending);
	}
	cpuhp_tell_ged_locked(hp);
	mtx_unlock(&hp->lock);
}

/* What the guest has seen it registers at any moment, from the _STA that it read then. A
 * CPU that vanishes meanwhile leaves it a device that is no use, and in the way of the
 * next add. */
static bool is_unseen(const struct cpuhp_slot *s)
{
	return s->state == SLOT_PLUGGED && s->seen_ns == 0 && s->acked_ns == 0 &&
	       !s->in_tables;
}

int cpuhp_unplug(struct cpuhp *hp, const uint32_t *index, size_t n)
{
	int err = 0;

	mtx_lock(&hp->lock);
	for (size_t i = 0; i < n; i++)
		if (!is_unseen(&hp->slot[index[i]]))
			err = -EBUSY;
	for (size_t i = 0; err == 0 && i < n; i++) {
		struct cpuhp_slot *s = &hp->slot[index[i]];

		err = cpuhp_step_locked(hp, s, SLOT_UNPLUG);
		assert(err == 0);
		s->remove_requested = false;
		cpuhp_mark_locked(hp, s, false, false);
	}
	cpuhp_tell_ged_locked(hp);
	mtx_unlock(&hp->lock);
	return err;
}

void cpuhp_ask_removal(struct cpuhp *hp, const uint32_t *index, size_t n)
{
	mtx_lock(&hp->lock);
	for (size_t i = 0; i < n; i++) {
		struct cpuhp_slot *s = &hp->slot[index[i]];

		if (!slot_enabled(s->state))
			continue;
		s->remove_requested = true;
		s->offlining_ns = s->ejected_ns = s->gone_ns = 0;
		cpuhp_mark_locked(hp, s, s->insert_pending, true);
		if (cpuhp_no_acpi(hp) && s->state != SLOT_ONLINE)
			(void)cpuhp_eject_locked(hp, s);
	}
	cpuhp_tell_ged_locked(hp);
	mtx_unlock(&hp->lock);
}

void cpuhp_withdraw_removal(struct cpuhp *hp, const uint32_t *index, size_t n)
{
	mtx_lock(&hp->lock);
	for (size_t i = 0; i < n; i++) {
		struct cpuhp_slot *s = &hp->slot[index[i]];

		if (!slot_enabled(s->state))
			continue;
		s->remove_requested = false;
		cpuhp_mark_locked(hp, s, s->insert_pending, false);
	}
	cpuhp_tell_ged_locked(hp);
	mtx_unlock(&hp->lock);
}

bool cpuhp_next_ejected(struct cpuhp *hp, uint32_t *index)
{
	bool any;

	mtx_lock(&hp->lock);
	any = hp->ejected > 0;
	for (uint32_t i = 0; any && i < hp->topo->max_vcpus; i++)
		if (hp->slot[i].state == SLOT_EJECTED) {
			*index = i;
			break;
		}
	mtx_unlock(&hp->lock);
	return any;
}

void cpuhp_park(struct cpuhp *hp, uint32_t index)
{
	struct cpuhp_slot *s = &hp->slot[index];

	mtx_lock(&hp->lock);
	if (cpuhp_step_locked(hp, s, SLOT_PARK) == 0) {
		hp->ejected--;
		cpuhp_check_gone(s);
	}
	mtx_unlock(&hp->lock);
}

void cpuhp_forgive_ost(struct cpuhp *hp, uint32_t index)
{
	mtx_lock(&hp->lock);
	hp->slot[index].ost_due = false;
	cpuhp_check_gone(&hp->slot[index]);
	mtx_unlock(&hp->lock);
}

/* It goes as if the guest had let it go at this moment. */
static void drop_locked(struct cpuhp *hp, struct cpuhp_slot *s) HOLDS(hp->lock)
{
	int err = cpuhp_step_locked(hp, s, SLOT_UNPLUG);

	assert(err == 0);
	(void)err;
	s->remove_requested = false;
	s->gone_ns = now_ns();
	if (s->offlining_ns == 0)
		s->offlining_ns = s->gone_ns;
	s->ejected_ns = s->gone_ns;
}

static void reset_locked(struct cpuhp *hp, struct cpuhp_slot *s) HOLDS(hp->lock)
{
	int err = cpuhp_step_locked(hp, s, SLOT_RESET);

	assert(err == 0);
	(void)err;
	cpuhp_mark_locked(hp, s, false, false);
	s->ost = (struct ost){ 0 };
	forget_steps(s);
	s->by_guest = s->underway = false;
	if (s->remove_requested)
		drop_locked(hp, s);
	s->in_tables = slot_enabled(s->state);
	if (s->ost_due) {
		s->ost_due = false;
		cpuhp_check_gone(s);
	}
}

void cpuhp_reset(struct cpuhp *hp)
{
	mtx_lock(&hp->lock);
	for (uint32_t i = 0; i < hp->topo->max_vcpus; i++)
		reset_locked(hp, &hp->slot[i]);
	hp->selector = hp->ost_event = 0;
	hp->command = 0;
	cpuhp_tell_ged_locked(hp);
	mtx_unlock(&hp->lock);
}

static int run_locked(struct cpuhp *hp, struct cpuhp_slot *s) HOLDS(hp->lock)
{
	int err = cpuhp_step_locked(hp, s, SLOT_RUN);

	if (err < 0)
		return err;
	s->online_ns = now_ns();
	if (s->started_ns == 0)
		s->started_ns = s->online_ns;
	if (s->registered_ns == 0)
		s->registered_ns = s->online_ns;
	return 0;
}

static void stopped_locked(struct cpuhp *hp, struct cpuhp_slot *s) HOLDS(hp->lock)
{
	cpuhp_begin_offlining(s);
	if (cpuhp_no_acpi(hp) && s->remove_requested)
		(void)cpuhp_eject_locked(hp, s);
}

int cpuhp_runs(struct cpuhp *hp, uint32_t index, bool running)
{
	struct cpuhp_slot *s = &hp->slot[index];
	int err;

	mtx_lock(&hp->lock);
	err = running ? run_locked(hp, s) : cpuhp_step_locked(hp, s, SLOT_STOP);
	if (err == 0 && !running)
		stopped_locked(hp, s);
	mtx_unlock(&hp->lock);
	cpuhp_wake(hp);
	return err;
}

void cpuhp_started(struct cpuhp *hp, uint32_t index)
{
	struct cpuhp_slot *s = &hp->slot[index];

	mtx_lock(&hp->lock);
	if (s->started_ns == 0)
		s->started_ns = now_ns();
	mtx_unlock(&hp->lock);
}

struct cpuhp_slot cpuhp_get(struct cpuhp *hp, uint32_t index)
{
	struct cpuhp_slot s;

	mtx_lock(&hp->lock);
	s = hp->slot[index];
	mtx_unlock(&hp->lock);
	return s;
}

enum slot_state cpuhp_slot_state(struct cpuhp *hp, uint32_t index)
{
	enum slot_state state;

	mtx_lock(&hp->lock);
	state = hp->slot[index].state;
	mtx_unlock(&hp->lock);
	return state;
}

bool cpuhp_next_ost(struct cpuhp *hp, struct ost *out)
{
	bool any;

	mtx_lock(&hp->lock);
	any = hp->ring_count > 0;
	if (any) {
		*out = hp->ring[hp->ring_head];
		hp->ring_head = (hp->ring_head + 1) % hp->ring_len;
		hp->ring_count--;
	}
	mtx_unlock(&hp->lock);
	return any;
}

uint64_t cpuhp_ignored(struct cpuhp *hp)
{
	uint64_t n;

	mtx_lock(&hp->lock);
	n = hp->ignored;
	mtx_unlock(&hp->lock);
	return n;
}
