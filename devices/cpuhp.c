/* The host's side of cpuhp, and what it is to a CPU to run. */
#include "devices/cpuhp.h"

#include "acpi/layout.h"
#include "devices/acpihp_slots.h"
#include "devices/clock.h"

/* The guest reads it at any moment. */
static void show_sta(void *ctx, uint32_t index, bool enabled)
{
	const struct cpuhp *hp = ctx;

	if (hp->sta != NULL)
		__atomic_store_n(&hp->sta[index],
				 enabled ? CPU_STA_ENABLED : CPU_STA_ABSENT,
				 __ATOMIC_RELEASE);
}

int cpuhp_init(struct cpuhp *hp, const struct topology *topo, struct ged *ged,
	       unsigned flags, void (*wake)(void *ctx), void *ctx)
{
	const struct acpihp_wiring wiring = {
		.nslots = topo->max_vcpus,
		.nfixed = 1,
		.flags = flags,
		.ged = ged,
		.ged_event = GED_CPU,
		.wake = wake,
		.wake_ctx = ctx,
		.show = show_sta,
		.show_ctx = hp,
	};

	*hp = (struct cpuhp){ .topo = topo };
	return acpihp_init(&hp->acpi, &wiring);
}

void cpuhp_destroy(struct cpuhp *hp)
{
	acpihp_destroy(&hp->acpi);
}

bool cpuhp_no_acpi(const struct cpuhp *hp)
{
	return hp->acpi.w.flags & CPUHP_NO_ACPI;
}

void cpuhp_show(struct cpuhp *hp, unsigned char *sta)
{
	mtx_lock_at(&hp->acpi.lock, &RANK_SLOTS);
	hp->sta = sta;
	for (uint32_t i = 0; i < hp->topo->max_vcpus; i++)
		acpihp_show_locked(&hp->acpi, i);
	mtx_unlock_at(&hp->acpi.lock, &RANK_SLOTS);
}

void cpuhp_reset(struct cpuhp *hp)
{
	mtx_lock_at(&hp->acpi.lock, &RANK_SLOTS);
	for (uint32_t i = 0; i < hp->topo->max_vcpus; i++)
		acpihp_reset_locked(&hp->acpi, i);
	hp->selector = hp->ost_event = hp->command = 0;
	hp->acpi.accessed = false;
	acpihp_tell_ged_locked(&hp->acpi);
	mtx_unlock_at(&hp->acpi.lock, &RANK_SLOTS);
}

static int run_locked(struct acpihp *hp, uint32_t index) HOLDS(hp->lock, RANK_SLOTS)
{
	int err = acpihp_step_locked(hp, index, SLOT_RUN);
	uint64_t now = now_ns();

	if (err < 0)
		return err;
	acpihp_first_locked(hp, index, ACPIHP_STARTED, now);
	acpihp_first_locked(hp, index, ACPIHP_REGISTERED, now);
	acpihp_did_locked(hp, index, ACPIHP_ONLINE, now);
	return 0;
}

static int stop_locked(struct acpihp *hp, uint32_t index) HOLDS(hp->lock, RANK_SLOTS)
{
	int err = acpihp_step_locked(hp, index, SLOT_STOP);

	if (err < 0)
		return err;
	acpihp_begin_offlining_locked(hp, index);
	if ((hp->w.flags & ACPIHP_NO_ACPI) &&
	    (hp->slot[index].facts & ACPIHP_REMOVE_REQUESTED))
		(void)acpihp_eject_locked(hp, index);
	return 0;
}

int cpuhp_runs(struct cpuhp *hp, uint32_t index, bool running)
{
	int err;

	mtx_lock_at(&hp->acpi.lock, &RANK_SLOTS);
	err = running ? run_locked(&hp->acpi, index) : stop_locked(&hp->acpi, index);
	mtx_unlock_at(&hp->acpi.lock, &RANK_SLOTS);
	cpuhp_wake(hp);
	return err;
}

void cpuhp_started(struct cpuhp *hp, uint32_t index)
{
	mtx_lock_at(&hp->acpi.lock, &RANK_SLOTS);
	acpihp_first_locked(&hp->acpi, index, ACPIHP_STARTED, now_ns());
	mtx_unlock_at(&hp->acpi.lock, &RANK_SLOTS);
}

static void copy_facts(struct cpuhp_slot *out, uint32_t facts)
{
	out->insert_pending = facts & ACPIHP_INSERT_PENDING;
	out->remove_pending = facts & ACPIHP_REMOVE_PENDING;
	out->remove_requested = facts & ACPIHP_REMOVE_REQUESTED;
	out->ost_due = facts & ACPIHP_OST_DUE;
	out->by_guest = facts & ACPIHP_BY_GUEST;
	out->underway = facts & ACPIHP_UNDERWAY;
	out->in_tables = facts & ACPIHP_IN_TABLES;
	out->may_know = facts & ACPIHP_MAY_KNOW;
	out->seen = facts & ACPIHP_DID(ACPIHP_SEEN);
	out->acked = facts & ACPIHP_DID(ACPIHP_ACKED);
	out->started = facts & ACPIHP_DID(ACPIHP_STARTED);
	out->registered = facts & ACPIHP_DID(ACPIHP_REGISTERED);
	out->ran = facts & ACPIHP_DID(ACPIHP_ONLINE);
	out->offlining = facts & ACPIHP_DID(ACPIHP_OFFLINING);
	out->ejected = facts & ACPIHP_DID(ACPIHP_EJECTED);
	out->gone = facts & ACPIHP_DID(ACPIHP_GONE);
}

struct cpuhp_slot cpuhp_get(struct cpuhp *hp, uint32_t index)
{
	struct acpihp_slot s;
	struct acpihp_times t;
	struct cpuhp_slot out;

	acpihp_get(&hp->acpi, index, &s, &t);
	out = (struct cpuhp_slot){
		.state = (enum slot_state)s.state,
		.seen_ns = t.ns[ACPIHP_SEEN],
		.acked_ns = t.ns[ACPIHP_ACKED],
		.started_ns = t.ns[ACPIHP_STARTED],
		.registered_ns = t.ns[ACPIHP_REGISTERED],
		.online_ns = t.ns[ACPIHP_ONLINE],
		.offlining_ns = t.ns[ACPIHP_OFFLINING],
		.ejected_ns = t.ns[ACPIHP_EJECTED],
		.gone_ns = t.ns[ACPIHP_GONE],
		.ost = { index, s.ost_event, s.ost_status, t.ost_ns, 0 },
	};
	copy_facts(&out, s.facts);
	return out;
}

enum slot_state cpuhp_slot_state(struct cpuhp *hp, uint32_t index)
{
	enum slot_state state;

	mtx_lock_at(&hp->acpi.lock, &RANK_SLOTS);
	state = (enum slot_state)hp->acpi.slot[index].state;
	mtx_unlock_at(&hp->acpi.lock, &RANK_SLOTS);
	return state;
}
