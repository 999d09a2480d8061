/* The host's side of acpihp. */
#include "devices/acpihp.h"

#include <errno.h>
#include <stdlib.h>

#include "devices/acpihp_slots.h"
#include "devices/clock.h"

#define RING_MIN 64
#define RING_PER_SLOT                                                                    \
	4 /* an add or a removal reports at most twice, with as much in hand */

int acpihp_init(struct acpihp *hp, const struct acpihp_wiring *w)
{
	size_t n = w->nslots, ring_len = RING_MIN + RING_PER_SLOT * n;
	struct acpihp_times *times =
		calloc(1, n * (sizeof(*times) + sizeof(struct acpihp_slot)) +
				  ring_len * sizeof(struct ost));

	if (times == NULL)
		return -ENOMEM;
	*hp = (struct acpihp){
		.w = *w,
		.ring_len = (uint32_t)ring_len,
		.lock = MTX_INIT,
		.times = times,
		.ring = (struct ost *)(times + n),
		.memory = times,
	};
	hp->slot = (struct acpihp_slot *)(hp->ring + ring_len);
	return 0;
}

void acpihp_destroy(struct acpihp *hp)
{
	free(hp->memory);
	hp->memory = NULL;
}

void acpihp_wake(struct acpihp *hp)
{
	hp->w.wake(hp->w.wake_ctx);
}

/* An event that was left behind, and that the guest has notified itself of but not
 * acknowledged, is that of this plug. */
static void plug_locked(struct acpihp *hp, uint32_t index) HOLDS(hp->lock, RANK_SLOTS)
{
	struct acpihp_slot *s = &hp->slot[index];
	uint32_t notified =
		s->facts & ACPIHP_INSERT_PENDING ? ACPIHP_DID(ACPIHP_SEEN) : 0;
	int err = acpihp_step_locked(hp, index, SLOT_PLUG);

	assert(err == 0);
	(void)err;
	acpihp_forget_locked(hp, index,
			     (ACPIHP_ADD_STEPS & ~notified) | ACPIHP_REMOVAL_STEPS);
	s->facts &= ~(uint32_t)(ACPIHP_OST_DUE | ACPIHP_UNDERWAY | ACPIHP_IN_TABLES);
	if (!hp->accessed)
		s->facts |= ACPIHP_MAY_KNOW;
}

void acpihp_boot(struct acpihp *hp, uint32_t index)
{
	mtx_lock_at(&hp->lock, &RANK_SLOTS);
	plug_locked(hp, index);
	hp->slot[index].facts |= ACPIHP_IN_TABLES;
	mtx_unlock_at(&hp->lock, &RANK_SLOTS);
}

uint64_t acpihp_plug(struct acpihp *hp, const uint32_t *index, size_t n)
{
	uint64_t raised_ns;

	mtx_lock_at(&hp->lock, &RANK_SLOTS);
	for (size_t i = 0; i < n; i++) {
		plug_locked(hp, index[i]);
		acpihp_mark_locked(hp, index[i], ACPIHP_INSERT_PENDING);
		if (hp->w.flags & ACPIHP_NO_ACPI)
			acpihp_did_locked(hp, index[i], ACPIHP_REGISTERED, now_ns());
	}
	acpihp_tell_ged_locked(hp);
	raised_ns = now_ns();
	mtx_unlock_at(&hp->lock, &RANK_SLOTS);
	return raised_ns;
}

void acpihp_remind(struct acpihp *hp, const uint32_t *index, size_t n)
{
	mtx_lock_at(&hp->lock, &RANK_SLOTS);
	for (size_t i = 0; i < n; i++) {
		const struct acpihp_slot *s = &hp->slot[index[i]];

		if (s->state == SLOT_PLUGGED)
			acpihp_mark_locked(hp, index[i],
					   s->facts | ACPIHP_INSERT_PENDING);
	}
	acpihp_tell_ged_locked(hp);
	mtx_unlock_at(&hp->lock, &RANK_SLOTS);
}

/* What the guest has seen it registers at any moment, from the _STA that it read then.
 * What vanishes meanwhile leaves it a device that is no use, and in the way of the next
 * add. Of what it may have found by itself it forgets that by the event. */
static bool is_unseen(const struct acpihp_slot *s)
{
	return s->state == SLOT_PLUGGED &&
	       !(s->facts & (ACPIHP_DID(ACPIHP_SEEN) | ACPIHP_DID(ACPIHP_ACKED) |
			     ACPIHP_DID(ACPIHP_STARTED) | ACPIHP_IN_TABLES));
}

/* The guest is to find that it is not there. */
static void look_again_locked(struct acpihp *hp, uint32_t index)
	HOLDS(hp->lock, RANK_SLOTS)
{
	hp->slot[index].facts |= ACPIHP_MAY_KNOW;
	acpihp_mark_locked(hp, index, ACPIHP_INSERT_PENDING);
}

int acpihp_unplug(struct acpihp *hp, const uint32_t *index, size_t n)
{
	int err = 0;

	mtx_lock_at(&hp->lock, &RANK_SLOTS);
	for (size_t i = 0; i < n; i++)
		if (!is_unseen(&hp->slot[index[i]]))
			err = -EBUSY;
	for (size_t i = 0; err == 0 && i < n; i++) {
		err = acpihp_step_locked(hp, index[i], SLOT_UNPLUG);
		assert(err == 0);
		hp->slot[index[i]].facts &=
			~(uint32_t)(ACPIHP_REMOVE_REQUESTED | ACPIHP_UNDERWAY);
		look_again_locked(hp, index[i]);
	}
	acpihp_tell_ged_locked(hp);
	mtx_unlock_at(&hp->lock, &RANK_SLOTS);
	return err;
}

/* It goes as if the guest had ejected it, which has no last word to say. */
static void take_back_locked(struct acpihp *hp, uint32_t index)
	HOLDS(hp->lock, RANK_SLOTS)
{
	bool ejected = acpihp_eject_locked(hp, index);

	assert(ejected);
	(void)ejected;
	hp->slot[index].facts &= ~(uint32_t)ACPIHP_OST_DUE;
	look_again_locked(hp, index);
}

static void ask_locked(struct acpihp *hp, uint32_t index) HOLDS(hp->lock, RANK_SLOTS)
{
	struct acpihp_slot *s = &hp->slot[index];

	if (!acpihp_is_enabled(s) || index < hp->w.nfixed)
		return;
	s->facts |= ACPIHP_REMOVE_REQUESTED;
	acpihp_forget_locked(hp, index, ACPIHP_REMOVAL_STEPS);
	if (is_unseen(s)) {
		take_back_locked(hp, index);
		return;
	}
	acpihp_mark_locked(hp, index, s->facts | ACPIHP_REMOVE_PENDING);
	if ((hp->w.flags & ACPIHP_NO_ACPI) && s->state != SLOT_ONLINE)
		(void)acpihp_eject_locked(hp, index);
}

void acpihp_ask_removal(struct acpihp *hp, const uint32_t *index, size_t n)
{
	mtx_lock_at(&hp->lock, &RANK_SLOTS);
	for (size_t i = 0; i < n; i++)
		ask_locked(hp, index[i]);
	acpihp_tell_ged_locked(hp);
	mtx_unlock_at(&hp->lock, &RANK_SLOTS);
}

void acpihp_withdraw_removal(struct acpihp *hp, const uint32_t *index, size_t n)
{
	mtx_lock_at(&hp->lock, &RANK_SLOTS);
	for (size_t i = 0; i < n; i++) {
		struct acpihp_slot *s = &hp->slot[index[i]];

		if (!acpihp_is_enabled(s))
			continue;
		s->facts &= ~(uint32_t)ACPIHP_REMOVE_REQUESTED;
		acpihp_mark_locked(hp, index[i], s->facts & ACPIHP_INSERT_PENDING);
	}
	acpihp_tell_ged_locked(hp);
	mtx_unlock_at(&hp->lock, &RANK_SLOTS);
}

bool acpihp_next_ejected(struct acpihp *hp, uint32_t *index)
{
	bool any;

	mtx_lock_at(&hp->lock, &RANK_SLOTS);
	any = hp->ejected > 0;
	for (uint32_t i = 0; any && i < hp->w.nslots; i++)
		if (hp->slot[i].state == SLOT_EJECTED) {
			*index = i;
			break;
		}
	mtx_unlock_at(&hp->lock, &RANK_SLOTS);
	return any;
}

void acpihp_park(struct acpihp *hp, uint32_t index)
{
	mtx_lock_at(&hp->lock, &RANK_SLOTS);
	if (acpihp_step_locked(hp, index, SLOT_PARK) == 0) {
		hp->ejected--;
		acpihp_check_gone_locked(hp, index);
	}
	mtx_unlock_at(&hp->lock, &RANK_SLOTS);
}

void acpihp_forgive_ost(struct acpihp *hp, uint32_t index)
{
	mtx_lock_at(&hp->lock, &RANK_SLOTS);
	hp->slot[index].facts &= ~(uint32_t)ACPIHP_OST_DUE;
	acpihp_check_gone_locked(hp, index);
	mtx_unlock_at(&hp->lock, &RANK_SLOTS);
}

/* It goes as if the guest had let it go at this moment. */
static void drop_locked(struct acpihp *hp, uint32_t index) HOLDS(hp->lock, RANK_SLOTS)
{
	int err = acpihp_step_locked(hp, index, SLOT_UNPLUG);

	assert(err == 0);
	(void)err;
	acpihp_begin_offlining_locked(hp, index);
	acpihp_did_locked(hp, index, ACPIHP_EJECTED, now_ns());
	acpihp_did_locked(hp, index, ACPIHP_GONE, now_ns());
	hp->slot[index].facts &= ~(uint32_t)ACPIHP_REMOVE_REQUESTED;
}

void acpihp_reset_locked(struct acpihp *hp, uint32_t index)
{
	struct acpihp_slot *s = &hp->slot[index];
	int err = acpihp_step_locked(hp, index, SLOT_RESET);

	assert(err == 0);
	(void)err;
	acpihp_mark_locked(hp, index, 0);
	acpihp_forget_locked(hp, index, ACPIHP_ADD_STEPS);
	s->ost_event = s->ost_status = 0;
	hp->times[index].ost_ns = 0;
	s->facts &= ~(uint32_t)(ACPIHP_SAID | ACPIHP_BY_GUEST | ACPIHP_UNDERWAY |
				ACPIHP_IN_TABLES | ACPIHP_MAY_KNOW);
	if (s->facts & ACPIHP_REMOVE_REQUESTED)
		drop_locked(hp, index);
	if (acpihp_is_enabled(s))
		s->facts |= ACPIHP_IN_TABLES;
	if (s->facts & ACPIHP_OST_DUE) {
		s->facts &= ~(uint32_t)ACPIHP_OST_DUE;
		acpihp_check_gone_locked(hp, index);
	}
}

void acpihp_get(struct acpihp *hp, uint32_t index, struct acpihp_slot *slot,
		struct acpihp_times *times)
{
	mtx_lock_at(&hp->lock, &RANK_SLOTS);
	*slot = hp->slot[index];
	*times = hp->times[index];
	mtx_unlock_at(&hp->lock, &RANK_SLOTS);
}

bool acpihp_next_ost(struct acpihp *hp, struct ost *out)
{
	bool any;

	mtx_lock_at(&hp->lock, &RANK_SLOTS);
	any = hp->ring_count > 0;
	if (any) {
		*out = hp->ring[hp->ring_head];
		hp->ring_head = (hp->ring_head + 1) % hp->ring_len;
		hp->ring_count--;
	}
	mtx_unlock_at(&hp->lock, &RANK_SLOTS);
	return any;
}

uint64_t acpihp_lost(struct acpihp *hp)
{
	uint64_t n;

	mtx_lock_at(&hp->lock, &RANK_SLOTS);
	n = hp->lost;
	mtx_unlock_at(&hp->lock, &RANK_SLOTS);
	return n;
}

uint64_t acpihp_ignored(struct acpihp *hp)
{
	uint64_t n;

	mtx_lock_at(&hp->lock, &RANK_SLOTS);
	n = hp->ignored;
	mtx_unlock_at(&hp->lock, &RANK_SLOTS);
	return n;
}
