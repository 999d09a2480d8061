#ifndef DEVICES_ACPIHP_SLOTS_H
#define DEVICES_ACPIHP_SLOTS_H
/* acpihp_slots: what may happen to a slot, whoever does it. Only for acpihp itself and
 * the register files over it; index is below w.nslots. The functions whose name ends in
 * _locked are any thread's. */

#include "devices/acpihp.h"

/* Bits of a slot's status register, and of its control register, where the first is not
 * and the next two acknowledge: as QEMU's CPU and memory blocks have them. */
#define ACPIHP_BIT_ENABLED 0x01
#define ACPIHP_BIT_INSERT  0x02
#define ACPIHP_BIT_REMOVE  0x04
#define ACPIHP_BIT_EJECT   0x08

/* The steps of an add, and of a removal. */
#define ACPIHP_ADD_STEPS     (ACPIHP_DID(ACPIHP_OFFLINING) - 1)
#define ACPIHP_REMOVAL_STEPS (ACPIHP_DID(ACPIHP_NSTEPS) - ACPIHP_DID(ACPIHP_OFFLINING))

/* Whether the guest may use it. */
bool acpihp_is_enabled(const struct acpihp_slot *s);

/* Whether the guest is to find the slot: it has a mark. */
bool acpihp_has_event(const struct acpihp_slot *s);

/* Writes what the slot's _STA says where the guest looks. */
void acpihp_show_locked(struct acpihp *hp, uint32_t index) HOLDS(hp->lock, RANK_SLOTS);

/* As slot_step(), and shows what that changes. */
int acpihp_step_locked(struct acpihp *hp, uint32_t index, enum slot_event ev)
	HOLDS(hp->lock, RANK_SLOTS);

/* A step happened at this moment (CLOCK_MONOTONIC), once more or for the first time; and
 * none of these has. */
void acpihp_did_locked(struct acpihp *hp, uint32_t index, enum acpihp_step step,
		       uint64_t ns) HOLDS(hp->lock, RANK_SLOTS);
void acpihp_forget_locked(struct acpihp *hp, uint32_t index, uint32_t steps)
	HOLDS(hp->lock, RANK_SLOTS);

/* The same for a step whose first time counts. */
void acpihp_first_locked(struct acpihp *hp, uint32_t index, enum acpihp_step step,
			 uint64_t ns) HOLDS(hp->lock, RANK_SLOTS);

/* Sets a slot's two marks to those in facts, where the guest can see them, and keeps the
 * count in step. */
void acpihp_mark_locked(struct acpihp *hp, uint32_t index, uint32_t facts)
	HOLDS(hp->lock, RANK_SLOTS);

/* The GED's event is pending while any slot's is; what is told again is a new one. */
void acpihp_tell_ged_locked(struct acpihp *hp) HOLDS(hp->lock, RANK_SLOTS);

/* The guest has begun with a removal that the host may have asked for. */
void acpihp_begin_offlining_locked(struct acpihp *hp, uint32_t index)
	HOLDS(hp->lock, RANK_SLOTS);

/* The guest lets it go. Whether it may, and there is something to park. */
bool acpihp_eject_locked(struct acpihp *hp, uint32_t index) HOLDS(hp->lock, RANK_SLOTS);

/* Notes when nothing of a removal is left to come. */
void acpihp_check_gone_locked(struct acpihp *hp, uint32_t index)
	HOLDS(hp->lock, RANK_SLOTS);

/* The machine starts again: nothing is pending, what was to go is gone, what was plugged
 * is there at the guest's boot. What was ejected is parked. The GED is not told. */
void acpihp_reset_locked(struct acpihp *hp, uint32_t index) HOLDS(hp->lock, RANK_SLOTS);

/* The guest reads the status: ACPIHP_BIT_... It knows of the events then. */
uint8_t acpihp_status_locked(struct acpihp *hp, uint32_t index)
	HOLDS(hp->lock, RANK_SLOTS);

/* The guest writes the control: acknowledges, ejects. Whether main has something to look
 * at. */
bool acpihp_control_locked(struct acpihp *hp, uint32_t index, uint8_t bits)
	HOLDS(hp->lock, RANK_SLOTS);

/* The guest says an _OST. Whether main has something to look at. */
bool acpihp_ost_locked(struct acpihp *hp, uint32_t index, uint32_t event, uint32_t status)
	HOLDS(hp->lock, RANK_SLOTS);

/* The first slot with an event from this one on, around; or this one when there is
 * none. */
uint32_t acpihp_next_locked(struct acpihp *hp, uint32_t from) HOLDS(hp->lock, RANK_SLOTS);

/* Bytes of the records behind a struct acpihp_state. */
size_t acpihp_records_size(uint32_t nslots, uint32_t nosts);

/* Fills *out and the records, which have room for ring_len reports. */
void acpihp_save_locked(const struct acpihp *hp, struct acpihp_state *out,
			struct acpihp_slot *slot) HOLDS(hp->lock, RANK_SLOTS);

/* Whether what comes from elsewhere can be; all the records are there. Without the
 * lock. */
bool acpihp_can_be(const struct acpihp *hp, const struct acpihp_state *in,
		   const struct acpihp_slot *slot);

/* Takes what can be, shows it, and puts the GED's event right. */
void acpihp_load_locked(struct acpihp *hp, const struct acpihp_state *in,
			const struct acpihp_slot *slot) HOLDS(hp->lock, RANK_SLOTS);

#endif
