#include "devices/cpuhp_slots.h"

#include "acpi/layout.h"
#include "devices/clock.h"

void cpuhp_show_locked(struct cpuhp *hp, const struct cpuhp_slot *s)
{
	if (hp->sta != NULL)
		__atomic_store_n(&hp->sta[s - hp->slot],
				 slot_enabled(s->state) ? CPU_STA_ENABLED
							: CPU_STA_ABSENT,
				 __ATOMIC_RELEASE);
}

int cpuhp_step_locked(struct cpuhp *hp, struct cpuhp_slot *s, enum slot_event ev)
{
	int err = slot_step(&s->state, ev);

	if (err == 0)
		cpuhp_show_locked(hp, s);
	return err;
}

bool cpuhp_has_event(const struct cpuhp_slot *s)
{
	return s->insert_pending || s->remove_pending;
}

void cpuhp_mark_locked(struct cpuhp *hp, struct cpuhp_slot *s, bool insert, bool remove)
{
	hp->pending -= cpuhp_has_event(s);
	s->insert_pending = insert && !cpuhp_no_acpi(hp);
	s->remove_pending = remove && !cpuhp_no_acpi(hp);
	hp->pending += cpuhp_has_event(s);
}

void cpuhp_tell_ged_locked(struct cpuhp *hp)
{
	ged_set(hp->ged, GED_CPU, hp->pending > 0);
}

void cpuhp_begin_offlining(struct cpuhp_slot *s)
{
	if (s->remove_requested && s->offlining_ns == 0)
		s->offlining_ns = now_ns();
}

static bool may_eject(const struct cpuhp *hp, const struct cpuhp_slot *s)
{
	return s != &hp->slot[0] &&
	       (s->remove_requested || s->underway || (hp->flags & CPUHP_ACCEPT_EJECTS));
}

bool cpuhp_eject_locked(struct cpuhp *hp, struct cpuhp_slot *s)
{
	if (!may_eject(hp, s) || cpuhp_step_locked(hp, s, SLOT_EJECT) < 0) {
		hp->ignored++;
		return false;
	}
	cpuhp_begin_offlining(s);
	s->ejected_ns = now_ns();
	s->by_guest = !s->remove_requested && !s->underway;
	s->remove_requested = s->underway = false;
	s->ost_due = !cpuhp_no_acpi(hp);
	hp->ejected++;
	cpuhp_mark_locked(hp, s, false, false);
	cpuhp_tell_ged_locked(hp);
	return true;
}

void cpuhp_check_gone(struct cpuhp_slot *s)
{
	if (s->state == SLOT_ABSENT && !s->ost_due)
		s->gone_ns = now_ns();
}
