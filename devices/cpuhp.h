#ifndef DEVICES_CPUHP_H
#define DEVICES_CPUHP_H
/* cpuhp: the CPU hotplug controller. The 12-byte register block of QEMU's
 * docs/specs/acpi_cpu_hotplug (modern interface), two registers more, and what it is to a
 * CPU to run. The slots behind it are acpihp's: slot i is CPU i.
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
 * only the selector can be written. The boot CPU, index 0, never goes. A guest without
 * ACPI is told nothing: it has a device for every possible CPU, may start those that are
 * plugged, and lets one go by stopping it while the host wants it back.
 *
 * vCPU threads come in through the registers, cpuhp_started() and cpuhp_runs();
 * everything else is main's. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acpi/topology.h"
#include "devices/acpihp.h"

/* What main may know of one CPU at one moment. */
struct cpuhp_slot {
	enum slot_state state;
	bool insert_pending, remove_pending, remove_requested;
	bool ost_due;   /* ejected, and the final _OST has not come */
	bool by_guest;  /* the last eject was the guest's own */
	bool underway;  /* the guest knows that it is to eject, and has not refused */
	bool in_tables; /* it is there since the guest booted, which needs no event */
	bool may_know;  /* the guest may have found it without its event */

	/* What has happened since the last plug; the last three, since a removal was
	 * last asked for. Decide by these. */
	bool seen, acked; /* the guest found the insert event, and took it */
	bool started;     /* the guest started it: INIT or CPU_ON */
	bool registered, ran;
	bool offlining; /* the guest has begun with a removal that was asked for */
	bool ejected;
	bool gone; /* parked, and no _OST due */

	/* When each was, CLOCK_MONOTONIC, or 0: for reports. */
	uint64_t seen_ns, acked_ns, started_ns, registered_ns, online_ns;
	uint64_t offlining_ns, ejected_ns, gone_ns;

	struct ost ost; /* the last one */
};

/* All that is saved, as plain data. */
struct cpuhp_state {
	uint32_t selector, command, ost_event, reserved;
	struct acpihp_state acpi;
	struct acpihp_slot slot[]; /* and what comes behind: struct acpihp_state */
};

#define CPUHP_ACCEPT_EJECTS ACPIHP_ACCEPT_EJECTS
#define CPUHP_NO_ACPI       ACPIHP_NO_ACPI

struct cpuhp {
	const struct topology *topo; /* constant */
	struct acpihp acpi;

	/* The register file, under acpi.lock. */
	uint32_t selector;
	uint32_t command;
	uint32_t ost_event; /* argument of CPUHP_CMD_OST_EVENT, for the next status */
	unsigned char *sta; /* one for each CPU, in guest memory, or NULL; only written */
};

/* All CPUs absent. flags are CPUHP_ACCEPT_EJECTS and CPUHP_NO_ACPI. wake(ctx) is called,
 * by any thread and without the lock, when main has something to look at. 0 or
 * -ENOMEM. */
int cpuhp_init(struct cpuhp *hp, const struct topology *topo, struct ged *ged,
	       unsigned flags, void (*wake)(void *ctx), void *ctx);
void cpuhp_destroy(struct cpuhp *hp);

/* Whether the guest has no ACPI. Any thread. */
bool cpuhp_no_acpi(const struct cpuhp *hp);

/* From now on keeps the _STA of CPU i in sta[i], where the DSDT reads it; NULL: nowhere.
 * No vCPU runs; sta is guest memory, which the guest may spoil for itself, and outlives
 * the last call. */
void cpuhp_show(struct cpuhp *hp, unsigned char *sta) NOT_HOLDING(FROM_SLOTS);

/* The machine starts again; no vCPU runs, and what was ejected is parked. What was to go
 * is gone, what was plugged is there at the guest's boot, and no event is pending.
 * Reports that main has not taken stay. */
void cpuhp_reset(struct cpuhp *hp) NOT_HOLDING(FROM_SLOTS);

/* The guest started (or stopped) running this CPU. 0; or what slot_step() says, and
 * nothing is changed: it may have gone at this moment. Any vCPU thread. */
int cpuhp_runs(struct cpuhp *hp, uint32_t index, bool running) NOT_HOLDING(FROM_SLOTS);

/* The guest began to start this CPU; what it then is, cpuhp_runs() says. Any vCPU
 * thread. */
void cpuhp_started(struct cpuhp *hp, uint32_t index) NOT_HOLDING(FROM_SLOTS);

/* Copies what is known of one CPU; index is below topo->max_vcpus. Any thread. */
struct cpuhp_slot cpuhp_get(struct cpuhp *hp, uint32_t index) NOT_HOLDING(FROM_SLOTS);

/* The state alone, for those who ask it of many. Any thread. */
enum slot_state cpuhp_slot_state(struct cpuhp *hp, uint32_t index)
	NOT_HOLDING(FROM_SLOTS);

/* Bus access to the block, a bus_fn; dev is the cpuhp. */
void cpuhp_access(void *dev, uint64_t offset, uint8_t *data, uint32_t len, bool write);

/* Bytes that cpuhp_save() may need. */
size_t cpuhp_state_max(const struct cpuhp *hp);

/* No vCPU runs. Save fills *out, which has cpuhp_state_max() bytes, and returns how many
 * it took. Load takes such bytes into a cpuhp of the same topology and flags, after the
 * GED: shows each _STA, puts the GED's event right and wakes main. Of what had happened,
 * the time is that of the load. 0; or -EINVAL, and nothing is changed, for what no cpuhp
 * can be, whose boot CPU is there. */
size_t cpuhp_save(struct cpuhp *hp, struct cpuhp_state *out) NOT_HOLDING(FROM_SLOTS);
int cpuhp_load(struct cpuhp *hp, const struct cpuhp_state *in, size_t len)
	NOT_HOLDING(FROM_SLOTS);

/* The others are acpihp's of the same names. */
static inline void cpuhp_wake(struct cpuhp *hp)
{
	acpihp_wake(&hp->acpi);
}

static inline void cpuhp_boot(struct cpuhp *hp, uint32_t index)
{
	acpihp_boot(&hp->acpi, index);
}

static inline uint64_t cpuhp_plug(struct cpuhp *hp, const uint32_t *index, size_t n)
{
	return acpihp_plug(&hp->acpi, index, n);
}

static inline void cpuhp_remind(struct cpuhp *hp, const uint32_t *index, size_t n)
{
	acpihp_remind(&hp->acpi, index, n);
}

static inline int cpuhp_unplug(struct cpuhp *hp, const uint32_t *index, size_t n)
{
	return acpihp_unplug(&hp->acpi, index, n);
}

static inline void cpuhp_ask_removal(struct cpuhp *hp, const uint32_t *index, size_t n)
{
	acpihp_ask_removal(&hp->acpi, index, n);
}

static inline void cpuhp_withdraw_removal(struct cpuhp *hp, const uint32_t *index,
					  size_t n)
{
	acpihp_withdraw_removal(&hp->acpi, index, n);
}

static inline bool cpuhp_next_ejected(struct cpuhp *hp, uint32_t *index)
{
	return acpihp_next_ejected(&hp->acpi, index);
}

static inline void cpuhp_park(struct cpuhp *hp, uint32_t index)
{
	acpihp_park(&hp->acpi, index);
}

static inline void cpuhp_forgive_ost(struct cpuhp *hp, uint32_t index)
{
	acpihp_forgive_ost(&hp->acpi, index);
}

static inline bool cpuhp_next_ost(struct cpuhp *hp, struct ost *out)
{
	return acpihp_next_ost(&hp->acpi, out);
}

static inline uint64_t cpuhp_ignored(struct cpuhp *hp)
{
	return acpihp_ignored(&hp->acpi);
}

static inline uint64_t cpuhp_lost(struct cpuhp *hp)
{
	return acpihp_lost(&hp->acpi);
}

#endif
