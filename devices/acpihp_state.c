/* Saves and loads what acpihp knows. */
#include "devices/acpihp_slots.h"
#include "devices/clock.h"

size_t acpihp_records_size(uint32_t nslots, uint32_t nosts)
{
	return nslots * sizeof(struct acpihp_slot) + nosts * sizeof(struct acpihp_ost);
}

void acpihp_save_locked(const struct acpihp *hp, struct acpihp_state *out,
			struct acpihp_slot *slot)
{
	struct acpihp_ost *ost = (struct acpihp_ost *)(slot + hp->w.nslots);

	*out = (struct acpihp_state){ .ignored = hp->ignored,
				      .lost = hp->lost,
				      .nslots = hp->w.nslots,
				      .nosts = hp->ring_count,
				      .accessed = hp->accessed };
	for (uint32_t i = 0; i < hp->w.nslots; i++)
		slot[i] = hp->slot[i];
	for (uint32_t i = 0; i < hp->ring_count; i++) {
		const struct ost *o = &hp->ring[(hp->ring_head + i) % hp->ring_len];

		ost[i] = (struct acpihp_ost){ o->index, o->event, o->status };
	}
}

static bool has(const struct acpihp_slot *s, uint32_t facts)
{
	return s->facts & facts;
}

/* The steps that must have happened for a slot to be in a state. */
static const uint32_t steps_to[SLOT_NSTATES] = {
	[SLOT_REGISTERED] = ACPIHP_DID(ACPIHP_REGISTERED),
	[SLOT_ONLINE] = ACPIHP_DID(ACPIHP_REGISTERED) | ACPIHP_DID(ACPIHP_STARTED) |
			ACPIHP_DID(ACPIHP_ONLINE),
	[SLOT_OFFLINE] = ACPIHP_DID(ACPIHP_REGISTERED) | ACPIHP_DID(ACPIHP_STARTED) |
			 ACPIHP_DID(ACPIHP_ONLINE),
	[SLOT_EJECTED] = ACPIHP_DID(ACPIHP_EJECTED),
};

/* An insert event of what is not there tells that it was taken back. */
static bool gone_can_be(const struct acpihp_slot *s)
{
	return !has(s, ACPIHP_REMOVE_PENDING | ACPIHP_REMOVE_REQUESTED) &&
	       (!has(s, ACPIHP_INSERT_PENDING) || has(s, ACPIHP_MAY_KNOW));
}

/* state is one that there is. */
static bool facts_can_be(const struct acpihp_slot *s)
{
	if ((s->facts & steps_to[s->state]) != steps_to[s->state])
		return false;
	if (has(s, ACPIHP_OST_DUE) && !has(s, ACPIHP_DID(ACPIHP_EJECTED)))
		return false;
	if (has(s, ACPIHP_DID(ACPIHP_GONE)) &&
	    (s->state != SLOT_ABSENT || has(s, ACPIHP_OST_DUE)))
		return false;
	if (!acpihp_is_enabled(s))
		return gone_can_be(s);
	return !has(s, ACPIHP_OST_DUE) &&
	       (!has(s, ACPIHP_REMOVE_PENDING) || has(s, ACPIHP_REMOVE_REQUESTED));
}

static bool slot_can_be(const struct acpihp *hp, uint32_t index,
			const struct acpihp_slot *s)
{
	const uint32_t told =
		ACPIHP_INSERT_PENDING | ACPIHP_REMOVE_PENDING | ACPIHP_OST_DUE;

	if (s->state >= SLOT_NSTATES || (s->facts & ~(uint32_t)ACPIHP_FACTS))
		return false;
	if ((s->ost_event | s->ost_status) != 0 && !has(s, ACPIHP_SAID))
		return false;
	if (index < hp->w.nfixed &&
	    (!acpihp_is_enabled(s) || has(s, ACPIHP_REMOVE_REQUESTED)))
		return false;
	if ((hp->w.flags & ACPIHP_NO_ACPI) && has(s, told))
		return false;
	return facts_can_be(s);
}

bool acpihp_can_be(const struct acpihp *hp, const struct acpihp_state *in,
		   const struct acpihp_slot *slot)
{
	const struct acpihp_ost *ost = (const struct acpihp_ost *)(slot + in->nslots);

	if (in->nslots != hp->w.nslots || in->nosts > hp->ring_len || in->accessed > 1 ||
	    in->reserved != 0)
		return false;
	for (uint32_t i = 0; i < in->nslots; i++)
		if (!slot_can_be(hp, i, &slot[i]))
			return false;
	for (uint32_t i = 0; i < in->nosts; i++)
		if (ost[i].index >= in->nslots)
			return false;
	return true;
}

static void load_slot_locked(struct acpihp *hp, uint32_t index,
			     const struct acpihp_slot *in, uint64_t now)
	HOLDS(hp->lock, RANK_SLOTS)
{
	struct acpihp_times *t = &hp->times[index];

	hp->slot[index] = *in;
	for (unsigned step = 0; step < ACPIHP_NSTEPS; step++)
		t->ns[step] = has(in, ACPIHP_DID(step)) ? now : 0;
	t->ost_ns = has(in, ACPIHP_SAID) ? now : 0;
	hp->pending += acpihp_has_event(in);
	hp->ejected += in->state == SLOT_EJECTED;
	acpihp_show_locked(hp, index);
}

void acpihp_load_locked(struct acpihp *hp, const struct acpihp_state *in,
			const struct acpihp_slot *slot)
{
	const struct acpihp_ost *ost = (const struct acpihp_ost *)(slot + in->nslots);
	uint64_t now = now_ns();

	hp->ignored = in->ignored;
	hp->lost = in->lost;
	hp->accessed = in->accessed;
	hp->pending = hp->ejected = 0;
	for (uint32_t i = 0; i < in->nslots; i++)
		load_slot_locked(hp, i, &slot[i], now);
	hp->ring_head = 0;
	hp->ring_count = in->nosts;
	for (uint32_t i = 0; i < in->nosts; i++)
		hp->ring[i] =
			(struct ost){ ost[i].index, ost[i].event, ost[i].status, now, 0 };
	ged_follow(hp->w.ged, hp->w.ged_event, hp->pending > 0);
}
