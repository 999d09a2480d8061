/* What may happen to a slot, and the guest's side of it. */
#include "devices/acpihp_slots.h"

#include "devices/clock.h"

#define MARKS (ACPIHP_INSERT_PENDING | ACPIHP_REMOVE_PENDING)

bool acpihp_is_enabled(const struct acpihp_slot *s)
{
	return slot_enabled((enum slot_state)s->state);
}

bool acpihp_has_event(const struct acpihp_slot *s)
{
	return s->facts & MARKS;
}

void acpihp_show_locked(struct acpihp *hp, uint32_t index)
{
	if (hp->w.show != NULL)
		hp->w.show(hp->w.show_ctx, index, acpihp_is_enabled(&hp->slot[index]));
}

int acpihp_step_locked(struct acpihp *hp, uint32_t index, enum slot_event ev)
{
	enum slot_state state = (enum slot_state)hp->slot[index].state;
	int err = slot_step(&state, ev);

	if (err == 0) {
		hp->slot[index].state = state;
		acpihp_show_locked(hp, index);
	}
	return err;
}

void acpihp_did_locked(struct acpihp *hp, uint32_t index, enum acpihp_step step,
		       uint64_t ns)
{
	hp->slot[index].facts |= ACPIHP_DID(step);
	hp->times[index].ns[step] = ns;
}

void acpihp_first_locked(struct acpihp *hp, uint32_t index, enum acpihp_step step,
			 uint64_t ns)
{
	if (!(hp->slot[index].facts & ACPIHP_DID(step)))
		acpihp_did_locked(hp, index, step, ns);
}

void acpihp_forget_locked(struct acpihp *hp, uint32_t index, uint32_t steps)
{
	hp->slot[index].facts &= ~steps;
	for (unsigned step = 0; step < ACPIHP_NSTEPS; step++)
		if (steps & ACPIHP_DID(step))
			hp->times[index].ns[step] = 0;
}

void acpihp_mark_locked(struct acpihp *hp, uint32_t index, uint32_t facts)
{
	struct acpihp_slot *s = &hp->slot[index];
	uint32_t marks = hp->w.flags & ACPIHP_NO_ACPI ? 0 : facts & MARKS;

	hp->pending -= acpihp_has_event(s);
	s->facts = (s->facts & ~(uint32_t)MARKS) | marks;
	hp->pending += acpihp_has_event(s);
}

void acpihp_tell_ged_locked(struct acpihp *hp)
{
	ged_set(hp->w.ged, hp->w.ged_event, hp->pending > 0);
}

void acpihp_begin_offlining_locked(struct acpihp *hp, uint32_t index)
{
	if (hp->slot[index].facts & ACPIHP_REMOVE_REQUESTED)
		acpihp_first_locked(hp, index, ACPIHP_OFFLINING, now_ns());
}

static bool may_eject(const struct acpihp *hp, uint32_t index)
{
	return index >= hp->w.nfixed &&
	       ((hp->slot[index].facts & (ACPIHP_REMOVE_REQUESTED | ACPIHP_UNDERWAY)) ||
		(hp->w.flags & ACPIHP_ACCEPT_EJECTS));
}

bool acpihp_eject_locked(struct acpihp *hp, uint32_t index)
{
	const uint32_t asked = ACPIHP_REMOVE_REQUESTED | ACPIHP_UNDERWAY;
	struct acpihp_slot *s = &hp->slot[index];

	if (!may_eject(hp, index) || acpihp_step_locked(hp, index, SLOT_EJECT) < 0) {
		hp->ignored++;
		return false;
	}
	acpihp_begin_offlining_locked(hp, index);
	acpihp_did_locked(hp, index, ACPIHP_EJECTED, now_ns());
	s->facts &= ~(uint32_t)(ACPIHP_BY_GUEST | ACPIHP_MAY_KNOW);
	if (!(s->facts & asked))
		s->facts |= ACPIHP_BY_GUEST;
	s->facts &= ~(asked | ACPIHP_OST_DUE);
	if (!(hp->w.flags & ACPIHP_NO_ACPI))
		s->facts |= ACPIHP_OST_DUE;
	hp->ejected++;
	acpihp_mark_locked(hp, index, 0);
	acpihp_tell_ged_locked(hp);
	return true;
}

void acpihp_check_gone_locked(struct acpihp *hp, uint32_t index)
{
	if (hp->slot[index].state == SLOT_ABSENT &&
	    !(hp->slot[index].facts & ACPIHP_OST_DUE))
		acpihp_did_locked(hp, index, ACPIHP_GONE, now_ns());
}

uint8_t acpihp_status_locked(struct acpihp *hp, uint32_t index)
{
	struct acpihp_slot *s = &hp->slot[index];

	if (s->facts & ACPIHP_INSERT_PENDING)
		acpihp_first_locked(hp, index, ACPIHP_SEEN, now_ns());
	if (s->facts &
	    ACPIHP_REMOVE_PENDING) /* it notifies first and acknowledges then */
		s->facts |= ACPIHP_UNDERWAY;
	return (uint8_t)((acpihp_is_enabled(s) ? ACPIHP_BIT_ENABLED : 0) |
			 (s->facts & ACPIHP_INSERT_PENDING ? ACPIHP_BIT_INSERT : 0) |
			 (s->facts & ACPIHP_REMOVE_PENDING ? ACPIHP_BIT_REMOVE : 0));
}

bool acpihp_control_locked(struct acpihp *hp, uint32_t index, uint8_t bits)
{
	struct acpihp_slot *s = &hp->slot[index];
	uint32_t acks = ((bits & ACPIHP_BIT_INSERT ? ACPIHP_INSERT_PENDING : 0) |
			 (bits & ACPIHP_BIT_REMOVE ? ACPIHP_REMOVE_PENDING : 0)) &
			s->facts;

	if (acks & ACPIHP_INSERT_PENDING)
		acpihp_did_locked(hp, index, ACPIHP_ACKED, now_ns());
	if (acks & ACPIHP_REMOVE_PENDING)
		s->facts |= ACPIHP_UNDERWAY;
	if (acks != 0) {
		acpihp_mark_locked(hp, index, s->facts & ~acks);
		acpihp_tell_ged_locked(hp);
	}
	return (bits & ACPIHP_BIT_EJECT) && acpihp_eject_locked(hp, index);
}

static bool is_eject(uint32_t event)
{
	return event == OST_EJECT_REQUEST || event == OST_GUEST_EJECT;
}

/* What was taken back is what it was before it was plugged, now that the guest has looked
 * again. */
static void look_is_over_locked(struct acpihp *hp, const struct ost *ost)
	HOLDS(hp->lock, RANK_SLOTS)
{
	struct acpihp_slot *s = &hp->slot[ost->index];

	if (ost->event == OST_DEVICE_CHECK && !(s->facts & ACPIHP_INSERT_PENDING))
		s->facts &= ~(uint32_t)ACPIHP_MAY_KNOW;
}

/* What an _OST means for its slot. Returns whether the slot expected one. */
static bool take_ost_locked(struct acpihp *hp, const struct ost *ost)
	HOLDS(hp->lock, RANK_SLOTS)
{
	struct acpihp_slot *s = &hp->slot[ost->index];
	bool eject = is_eject(ost->event), begins = ost->status == OST_IN_PROGRESS;

	if ((s->facts & ACPIHP_OST_DUE) && eject && !begins) {
		s->facts &= ~(uint32_t)ACPIHP_OST_DUE;
		acpihp_check_gone_locked(hp, ost->index);
		return true;
	}
	if (!acpihp_is_enabled(s)) {
		look_is_over_locked(hp, ost);
		return false;
	}
	if (eject && begins)
		acpihp_begin_offlining_locked(hp, ost->index);
	else if (eject)
		s->facts &= ~(uint32_t)ACPIHP_UNDERWAY;
	if (ost->event == OST_DEVICE_CHECK && ost->status == OST_SUCCESS &&
	    acpihp_step_locked(hp, ost->index, SLOT_REGISTER) == 0)
		acpihp_first_locked(hp, ost->index, ACPIHP_REGISTERED, ost->ns);
	return true;
}

static void keep_ost_locked(struct acpihp *hp, const struct ost *ost)
	HOLDS(hp->lock, RANK_SLOTS)
{
	struct acpihp_slot *s = &hp->slot[ost->index];

	s->facts |= ACPIHP_SAID;
	s->ost_event = ost->event;
	s->ost_status = ost->status;
	hp->times[ost->index].ost_ns = ost->ns;
	if (hp->ring_count == hp->ring_len)
		hp->lost++;
	else
		hp->ring[(hp->ring_head + hp->ring_count++) % hp->ring_len] = *ost;
}

bool acpihp_ost_locked(struct acpihp *hp, uint32_t index, uint32_t event, uint32_t status)
{
	const struct ost ost = { index, event, status, now_ns(), 0 };

	if (!take_ost_locked(hp, &ost)) {
		hp->ignored++;
		return false;
	}
	keep_ost_locked(hp, &ost);
	return true;
}

uint32_t acpihp_next_locked(struct acpihp *hp, uint32_t from)
{
	uint32_t i = from;

	if (hp->pending == 0)
		return from;
	while (!acpihp_has_event(&hp->slot[i]))
		i = i + 1 == hp->w.nslots ? 0 : i + 1;
	return i;
}
