#ifndef DEVICES_CPUHP_SLOTS_H
#define DEVICES_CPUHP_SLOTS_H
/* cpuhp_slots: what may happen to a slot, whoever does it: the host's side (cpuhp.c) and
 * the guest's (cpuhp_regs.c). Only for these two; s is one of hp's slots. */

#include "devices/cpuhp.h"

/* Writes the slot's _STA where the guest looks. */
void cpuhp_show_locked(struct cpuhp *hp, const struct cpuhp_slot *s) HOLDS(hp->lock);

/* As slot_step(), and shows what that changes. */
int cpuhp_step_locked(struct cpuhp *hp, struct cpuhp_slot *s, enum slot_event ev)
	HOLDS(hp->lock);

/* Whether the guest is to find the slot: it has a mark. */
bool cpuhp_has_event(const struct cpuhp_slot *s);

/* Sets a slot's event marks, where the guest can see them, and keeps the count in
 * step. */
void cpuhp_mark_locked(struct cpuhp *hp, struct cpuhp_slot *s, bool insert, bool remove)
	HOLDS(hp->lock);

/* The GED's event is pending while any slot's is. */
void cpuhp_tell_ged_locked(struct cpuhp *hp) HOLDS(hp->lock);

/* The guest has begun with a removal that the host may have asked for. */
void cpuhp_begin_offlining(struct cpuhp_slot *s);

/* The guest lets the CPU go. Whether it may, and there is something to park. */
bool cpuhp_eject_locked(struct cpuhp *hp, struct cpuhp_slot *s) HOLDS(hp->lock);

/* Notes when nothing of a removal is left to come. */
void cpuhp_check_gone(struct cpuhp_slot *s);

#endif
