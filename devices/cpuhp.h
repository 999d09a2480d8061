#ifndef DEVICES_CPUHP_H
#define DEVICES_CPUHP_H
/* cpuhp: the CPU hotplug controller. The 12-byte register block of QEMU's
 * docs/specs/acpi_cpu_hotplug (modern interface), two registers more, and the slots
 * behind it.
 *
 *   offset  read                                write
 *   0x0     data2: high half of the answer      selector: index of a possible CPU
 *   0x4     status of the selected CPU          control: acknowledges events, ejects
 *   0x5     0                                   command
 *   0x8     data: answer to the command         data: argument of the command
 *   0xC     next: selects the next CPU with a pending event, as command 0 does; its index
 *           in the low half, above it its pending events as in the status, and bit 31
 *           when another CPU has one, too
 *   0x10                                        _OST of the selected CPU, a qword: event,
 *                                               and in the high half the status
 *
 * Each access is an exit of the vCPU: the DSDT uses the last two instead of the commands.
 * An access acts on the register that starts at its offset: a wider read and a narrower
 * write are zero-extended, a wider write uses the low bytes, anywhere else reads give 0
 * and writes do nothing. While the selector names no possible CPU everything reads 0 and
 * only the selector can be written.
 *
 * Per CPU there are the slot's state and three marks. insert_pending and remove_pending
 * are what the guest may acknowledge; remove_requested is the host's intent, which no
 * acknowledgement clears. An eject without that intent is the guest's own: accepted or
 * ignored, as accept_ejects says. The boot CPU, index 0, never goes.
 *
 * After an eject the guest looks whether the CPU is gone, and then says so by its final
 * _OST. Until that (ost_due) the CPU must not be plugged again: the guest would keep the
 * old device and never see the new one.
 *
 * A guest without ACPI is told nothing: it has a device for every possible CPU, may start
 * those that are plugged, and lets one go by stopping it while the host wants it back.
 *
 * vCPU threads come in through the registers, cpuhp_started() and cpuhp_runs();
 * everything else is main's. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acpi/topology.h"
#include "devices/ged.h"
#include "devices/mtx.h"
#include "devices/slot.h"

/* _OST source events and status codes that we act on (ACPI 6.4, 6.3.5). */
#define OST_DEVICE_CHECK  0x1
#define OST_EJECT_REQUEST 0x3
#define OST_GUEST_EJECT   0x103 /* an eject that the guest began by itself */
#define OST_SUCCESS       0
#define OST_IN_PROGRESS   0x84 /* of an eject */

/* One _OST of the guest. */
struct ost {
	uint32_t index;
	uint32_t event, status; /* as the guest wrote them */
	uint64_t ns;            /* CLOCK_MONOTONIC; 0: there was none yet */
};

/* What main may know of one CPU at one moment. */
struct cpuhp_slot {
	enum slot_state state;
	bool insert_pending, remove_pending, remove_requested;
	bool ost_due;   /* ejected, and the final _OST has not come */
	bool by_guest;  /* the last eject was the guest's own */
	bool underway;  /* the guest knows that it is to eject, and has not refused */
	bool in_tables; /* it is there since the guest booted, which needs no event */
	struct ost ost; /* the last one */

	/* CLOCK_MONOTONIC of the steps since the last plug, or 0. */
	uint64_t seen_ns, acked_ns; /* the guest found the insert event, and took it */
	uint64_t started_ns;        /* the guest started it: INIT or CPU_ON */
	uint64_t registered_ns, online_ns;
	uint64_t offlining_ns; /* the guest has begun with a removal that was asked for */
	uint64_t ejected_ns;
	uint64_t gone_ns; /* parked, and no _OST due */
};

#define CPUHP_ACCEPT_EJECTS 0x1 /* the guest may eject what nobody asked for */
#define CPUHP_NO_ACPI       0x2 /* the guest has none: it is told nothing */

struct cpuhp {
	const struct topology *topo; /* constant */
	struct ged *ged;             /* constant */
	void (*wake)(void *ctx);     /* constant; called without the lock, any thread */
	void *wake_ctx;              /* constant */
	uint32_t ring_len;           /* constant */
	unsigned flags;              /* constant; CPUHP_ACCEPT_EJECTS, CPUHP_NO_ACPI */

	struct mtx lock; /* guards the fields from here to the blank line */
	uint32_t selector;
	uint8_t command;
	uint32_t ost_event; /* argument of CPUHP_CMD_OST_EVENT, for the next status */
	uint32_t pending;   /* CPUs with a pending event */
	uint32_t ejected;   /* CPUs that are ejected and not parked */
	uint64_t ignored;   /* guest writes that the table did not allow */
	uint64_t lost;      /* _OST reports for which the ring had no room */
	struct cpuhp_slot *slot; /* topo->max_vcpus of them */
	unsigned char *sta;      /* as many, in guest memory, or NULL; only written */
	struct ost *ring;        /* reports that main has not taken yet */
	uint32_t ring_head, ring_count;

	void *memory; /* what cpuhp_destroy() frees */
};

/* All CPUs absent. flags are CPUHP_ACCEPT_EJECTS and CPUHP_NO_ACPI. wake(ctx) is called,
 * by any thread and without the lock, when main has something to look at. 0 or
 * -ENOMEM. */
int cpuhp_init(struct cpuhp *hp, const struct topology *topo, struct ged *ged,
	       unsigned flags, void (*wake)(void *ctx), void *ctx);
void cpuhp_destroy(struct cpuhp *hp);

/* Whether the guest has no ACPI. Any thread. */
bool cpuhp_no_acpi(const struct cpuhp *hp);

/* Has main look again, as if the guest had done something. Any thread. */
void cpuhp_wake(struct cpuhp *hp) NOT_HOLDING(hp->lock);

/* From now on keeps the _STA of CPU i in sta[i], where the DSDT reads it; NULL: nowhere.
 * No vCPU runs; sta is guest memory, which the guest may spoil for itself, and outlives
 * the last call. */
void cpuhp_show(struct cpuhp *hp, unsigned char *sta) NOT_HOLDING(hp->lock);

/* Before the first vCPU runs: this CPU is there at boot, no event needed. */
void cpuhp_boot(struct cpuhp *hp, uint32_t index) NOT_HOLDING(hp->lock);

/* Enables these n absent CPUs, all at once, and raises one insert event for each. When
 * that was, CLOCK_MONOTONIC: the guest has seen none of them before. */
uint64_t cpuhp_plug(struct cpuhp *hp, const uint32_t *index, size_t n)
	NOT_HOLDING(hp->lock);

/* Shows the insert event again for those of the n CPUs that the guest has not
 * registered. */
void cpuhp_remind(struct cpuhp *hp, const uint32_t *index, size_t n)
	NOT_HOLDING(hp->lock);

/* Takes back the insert events of these n CPUs, which are absent then. 0; or -EBUSY, and
 * nothing is changed, when the guest has seen one of the events, or finds the CPU at its
 * boot. */
int cpuhp_unplug(struct cpuhp *hp, const uint32_t *index, size_t n) NOT_HOLDING(hp->lock);

/* Asks the guest to eject those of these n CPUs that are there. */
void cpuhp_ask_removal(struct cpuhp *hp, const uint32_t *index, size_t n)
	NOT_HOLDING(hp->lock);

/* Asks no longer, for those that the guest has not ejected. It may eject those whose
 * event it has seen all the same. */
void cpuhp_withdraw_removal(struct cpuhp *hp, const uint32_t *index, size_t n)
	NOT_HOLDING(hp->lock);

/* A CPU that the guest has ejected: its thread must be stopped, and then it is parked.
 * false when there is none. */
bool cpuhp_next_ejected(struct cpuhp *hp, uint32_t *index) NOT_HOLDING(hp->lock);
void cpuhp_park(struct cpuhp *hp, uint32_t index) NOT_HOLDING(hp->lock);

/* Waits no longer for this CPU's final _OST: the guest may be one that sends none. */
void cpuhp_forgive_ost(struct cpuhp *hp, uint32_t index) NOT_HOLDING(hp->lock);

/* The machine starts again; no vCPU runs, and what was ejected is parked. What was to go
 * is gone, what was plugged is there at the guest's boot, and no event is pending.
 * Reports that main has not taken stay. */
void cpuhp_reset(struct cpuhp *hp) NOT_HOLDING(hp->lock);

/* The guest started (or stopped) running this CPU. 0; or what slot_step() says, and
 * nothing is changed: it may have gone at this moment. Any vCPU thread. */
int cpuhp_runs(struct cpuhp *hp, uint32_t index, bool running) NOT_HOLDING(hp->lock);

/* The guest began to start this CPU; what it then is, cpuhp_runs() says. Any vCPU
 * thread. */
void cpuhp_started(struct cpuhp *hp, uint32_t index) NOT_HOLDING(hp->lock);

/* Copies what is known of one CPU; index is below topo->max_vcpus. Any thread. */
struct cpuhp_slot cpuhp_get(struct cpuhp *hp, uint32_t index) NOT_HOLDING(hp->lock);

/* The state alone, for those who ask it of many. Any thread. */
enum slot_state cpuhp_slot_state(struct cpuhp *hp, uint32_t index) NOT_HOLDING(hp->lock);

/* Takes the oldest _OST that main has not seen; false when there is none. */
bool cpuhp_next_ost(struct cpuhp *hp, struct ost *out) NOT_HOLDING(hp->lock);

/* Guest writes ignored so far. Any thread. */
uint64_t cpuhp_ignored(struct cpuhp *hp) NOT_HOLDING(hp->lock);

/* Bus access to the block, a bus_fn; dev is the cpuhp. */
void cpuhp_access(void *dev, uint64_t offset, uint8_t *data, uint32_t len, bool write);

#endif
