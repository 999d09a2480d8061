/* Saves and loads a cpuhp. */
#include <errno.h>

#include "acpi/layout.h"
#include "devices/acpihp_slots.h"
#include "devices/cpuhp.h"

size_t cpuhp_state_max(const struct cpuhp *hp)
{
	return sizeof(struct cpuhp_state) +
	       acpihp_records_size(hp->acpi.w.nslots, hp->acpi.ring_len);
}

size_t cpuhp_save(struct cpuhp *hp, struct cpuhp_state *out)
{
	mtx_lock_at(&hp->acpi.lock, &RANK_SLOTS);
	*out = (struct cpuhp_state){ .selector = hp->selector,
				     .command = hp->command,
				     .ost_event = hp->ost_event };
	acpihp_save_locked(&hp->acpi, &out->acpi, out->slot);
	mtx_unlock_at(&hp->acpi.lock, &RANK_SLOTS);
	return sizeof(*out) + acpihp_records_size(out->acpi.nslots, out->acpi.nosts);
}

static bool can_be(const struct cpuhp *hp, const struct cpuhp_state *in, size_t len)
{
	return len >= sizeof(*in) &&
	       len - sizeof(*in) ==
		       acpihp_records_size(in->acpi.nslots, in->acpi.nosts) &&
	       in->command <= CPUHP_CMD_ARCH_ID && in->reserved == 0 &&
	       acpihp_can_be(&hp->acpi, &in->acpi, in->slot);
}

int cpuhp_load(struct cpuhp *hp, const struct cpuhp_state *in, size_t len)
{
	if (!can_be(hp, in, len))
		return -EINVAL;
	mtx_lock_at(&hp->acpi.lock, &RANK_SLOTS);
	hp->selector = in->selector;
	hp->command = in->command;
	hp->ost_event = in->ost_event;
	acpihp_load_locked(&hp->acpi, &in->acpi, in->slot);
	mtx_unlock_at(&hp->acpi.lock, &RANK_SLOTS);
	cpuhp_wake(hp);
	return 0;
}
