#ifndef DEVICES_ACPIHP_H
#define DEVICES_ACPIHP_H
/* acpihp: what everything that a guest takes and ejects by ACPI has in common, whatever
 * its register block looks like: slots and their marks, the events that are pending, the
 * bit of the GED, and the _OST reports on the way to main. Registers (cpuhp) embed
 * it, use its lock, and come in by acpihp_slots.h; the functions here are main's.
 *
 * A slot has a state (slot.h) and facts beside it. Insert pending and remove pending are
 * what the guest may acknowledge; remove requested is the host's intent, which no
 * acknowledgement clears. An eject without that intent is the guest's own: accepted or
 * ignored, as ACPIHP_ACCEPT_EJECTS says.
 *
 * After an eject the guest looks whether the thing is gone, and then says so by its final
 * _OST. Until that (OST due) it must not be plugged again: the guest would keep the old
 * device and never see the new one.
 *
 * The guest may find what is plugged without an event, too: Linux looks at each _STA when
 * it boots, and that is memory. Until its first access to the block it may be doing so.
 * What is taken back leaves an insert event behind, which makes the guest look again and
 * forget what it has found. A guest without ACPI is told nothing and says nothing: no
 * mark, no event, no _OST.
 *
 * What a slot is stands in struct acpihp_slot, plain data that can be saved. When it
 * became so stands beside it, by this host's clock and for reports alone: nothing is
 * decided by a time. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/ged.h"
#include "devices/mtx.h"
#include "devices/slot.h"

/* _OST source events and status codes that we act on (ACPI 6.4, 6.3.5). */
#define OST_DEVICE_CHECK  0x1
#define OST_EJECT_REQUEST 0x3
#define OST_GUEST_EJECT   0x103 /* an eject that the guest began by itself */
#define OST_SUCCESS       0
#define OST_FAILURE       1    /* of no stated reason; also: "I have it already" */
#define OST_IN_PROGRESS   0x84 /* of an eject */

/* One _OST of the guest. */
struct ost {
	uint32_t index;
	uint32_t event, status; /* as the guest wrote them */
	uint64_t ns;            /* CLOCK_MONOTONIC; 0: there was none yet */
	uint32_t merged;        /* others before it that nobody was told of */
};

/* What has happened to a slot since its last plug; the last three, since a removal was
 * last asked for. Each is the bit ACPIHP_DID(step) of its facts. */
enum acpihp_step {
	ACPIHP_SEEN,    /* the guest found the insert event */
	ACPIHP_ACKED,   /* and took it */
	ACPIHP_STARTED, /* of a CPU: INIT or CPU_ON */
	ACPIHP_REGISTERED,
	ACPIHP_ONLINE,    /* of a CPU: it ran */
	ACPIHP_OFFLINING, /* the guest has begun with a removal that was asked for */
	ACPIHP_EJECTED,
	ACPIHP_GONE, /* parked, and no _OST due */
	ACPIHP_NSTEPS
};
#define ACPIHP_DID(step) (UINT32_C(1) << (step))

/* The other facts. */
#define ACPIHP_INSERT_PENDING   0x0100
#define ACPIHP_REMOVE_PENDING   0x0200
#define ACPIHP_REMOVE_REQUESTED 0x0400
#define ACPIHP_OST_DUE          0x0800 /* ejected, and the final _OST has not come */
#define ACPIHP_BY_GUEST         0x1000 /* the last eject was the guest's own */
#define ACPIHP_UNDERWAY         0x2000 /* the guest knows of a removal, and may eject */
#define ACPIHP_IN_TABLES        0x4000 /* there since the guest booted: needs no event */
#define ACPIHP_SAID             0x8000 /* there was an _OST since the guest booted */
#define ACPIHP_MAY_KNOW                                                                  \
	0x10000 /* the guest may have found it without its event, or found it gone */
#define ACPIHP_FACTS 0x1ffff

/* One slot, as it is and as it is saved. */
struct acpihp_slot {
	uint32_t state;                 /* enum slot_state */
	uint32_t facts;                 /* ACPIHP_... */
	uint32_t ost_event, ost_status; /* the last _OST, or 0 */
};

/* One report that main has not taken, as it is saved. */
struct acpihp_ost {
	uint32_t index, event, status;
};

/* All that is saved, as plain data: behind it come nslots struct acpihp_slot, and behind
 * them nosts struct acpihp_ost, the oldest first. */
struct acpihp_state {
	uint64_t ignored, lost;
	uint32_t nslots, nosts;
	uint32_t accessed, reserved; /* 0 or 1; 0 */
};

/* When each step was, CLOCK_MONOTONIC, and the last _OST; 0: never. Of what a load has
 * brought, the time of the load. */
struct acpihp_times {
	uint64_t ns[ACPIHP_NSTEPS];
	uint64_t ost_ns;
};

#define ACPIHP_ACCEPT_EJECTS 0x1 /* the guest may eject what nobody asked for */
#define ACPIHP_NO_ACPI       0x2 /* the guest has none: it is told nothing */

/* How it is tied to the rest of the machine. */
struct acpihp_wiring {
	uint32_t nslots;
	uint32_t nfixed;    /* slots below this one never go */
	unsigned flags;     /* ACPIHP_ACCEPT_EJECTS, ACPIHP_NO_ACPI */
	struct ged *ged;    /* its lock is taken under ours */
	uint32_t ged_event; /* pending there while any slot has an event */
	/* Main has something to look at. Any thread, without the lock. */
	void (*wake)(void *ctx);
	void *wake_ctx;
	/* Whether the guest may use this slot, where it looks in its memory: after each
	 * step, with the lock held, any thread. NULL: it looks nowhere. */
	void (*show)(void *ctx, uint32_t index, bool enabled);
	void *show_ctx;
};

struct acpihp {
	struct acpihp_wiring w; /* constant */
	uint32_t ring_len;      /* constant */

	struct mtx lock;    /* guards the fields from here to the blank line */
	uint64_t ignored;   /* guest writes that the table did not allow */
	uint64_t lost;      /* _OST reports for which the ring had no room */
	uint32_t pending;   /* slots with a pending event */
	uint32_t ejected;   /* slots that are ejected and not parked */
	uint32_t ring_head; /* the oldest report that main has not taken */
	uint32_t ring_count;
	bool accessed;              /* the guest used the block since it booted */
	struct acpihp_slot *slot;   /* w.nslots of them */
	struct acpihp_times *times; /* as many */
	struct ost *ring;

	void *memory; /* what acpihp_destroy() frees */
};

/* All slots absent. 0 or -ENOMEM. */
int acpihp_init(struct acpihp *hp, const struct acpihp_wiring *w);
void acpihp_destroy(struct acpihp *hp);

/* Has main look, as if the guest had done something. Any thread. */
void acpihp_wake(struct acpihp *hp) NOT_HOLDING(FROM_SLOTS);

/* Before the guest runs: this slot is filled at boot, no event needed. */
void acpihp_boot(struct acpihp *hp, uint32_t index) NOT_HOLDING(FROM_SLOTS);

/* Enables these n absent slots, all at once, and raises one insert event for each. When
 * that was, CLOCK_MONOTONIC: the guest has seen none of them before. */
uint64_t acpihp_plug(struct acpihp *hp, const uint32_t *index, size_t n)
	NOT_HOLDING(FROM_SLOTS);

/* Shows the insert event again for those of the n slots that the guest has not
 * registered. */
void acpihp_remind(struct acpihp *hp, const uint32_t *index, size_t n)
	NOT_HOLDING(FROM_SLOTS);

/* Takes back these n slots, which are absent then, and has the guest look again. 0; or
 * -EBUSY, and nothing is changed, when it has seen or answered one of the events, has
 * begun to start a CPU, or has it in its tables. */
int acpihp_unplug(struct acpihp *hp, const uint32_t *index, size_t n)
	NOT_HOLDING(FROM_SLOTS);

/* Asks the guest to eject those of these n slots that are enabled and can go. Those that
 * acpihp_unplug() would take back it is not asked for: they are ejected at once. */
void acpihp_ask_removal(struct acpihp *hp, const uint32_t *index, size_t n)
	NOT_HOLDING(FROM_SLOTS);

/* Asks no longer, for those that the guest has not ejected. It may eject those whose
 * event it has seen all the same. */
void acpihp_withdraw_removal(struct acpihp *hp, const uint32_t *index, size_t n)
	NOT_HOLDING(FROM_SLOTS);

/* A slot that the guest has ejected: what is behind it must be stopped, and then it is
 * parked. false when there is none. */
bool acpihp_next_ejected(struct acpihp *hp, uint32_t *index) NOT_HOLDING(FROM_SLOTS);
void acpihp_park(struct acpihp *hp, uint32_t index) NOT_HOLDING(FROM_SLOTS);

/* Waits no longer for this slot's final _OST: the guest may be one that sends none. */
void acpihp_forgive_ost(struct acpihp *hp, uint32_t index) NOT_HOLDING(FROM_SLOTS);

/* Copies what is known of one slot; index is below w.nslots. Any thread. */
void acpihp_get(struct acpihp *hp, uint32_t index, struct acpihp_slot *slot,
		struct acpihp_times *times) NOT_HOLDING(FROM_SLOTS);

/* Takes the oldest _OST that main has not seen; false when there is none. */
bool acpihp_next_ost(struct acpihp *hp, struct ost *out) NOT_HOLDING(FROM_SLOTS);

/* Guest writes ignored, and _OST reports for which the ring had no room. Any thread. */
uint64_t acpihp_ignored(struct acpihp *hp) NOT_HOLDING(FROM_SLOTS);
uint64_t acpihp_lost(struct acpihp *hp) NOT_HOLDING(FROM_SLOTS);

#endif
