/* The guest's side of cpuhp: the register block. */
#include "acpi/layout.h"
#include "devices/acpihp_slots.h"
#include "devices/bus.h"
#include "devices/cpuhp.h"

_Static_assert(CPUHP_ENABLED == ACPIHP_BIT_ENABLED && CPUHP_INSERT == ACPIHP_BIT_INSERT &&
		       CPUHP_REMOVE == ACPIHP_BIT_REMOVE &&
		       CPUHP_EJECT == ACPIHP_BIT_EJECT,
	       "status and control have the bits of all such blocks");

static void command_locked(struct cpuhp *hp, uint8_t command)
	HOLDS(hp->acpi.lock, RANK_SLOTS)
{
	if (command > CPUHP_CMD_ARCH_ID)
		return;
	hp->command = command;
	if (command == CPUHP_CMD_NEXT)
		hp->selector = acpihp_next_locked(&hp->acpi, hp->selector);
}

/* Each write returns whether main has something to look at. */
static bool data_locked(struct cpuhp *hp, uint32_t value) HOLDS(hp->acpi.lock, RANK_SLOTS)
{
	if (hp->command == CPUHP_CMD_OST_EVENT)
		hp->ost_event = value;
	else if (hp->command == CPUHP_CMD_OST_STATUS)
		return acpihp_ost_locked(&hp->acpi, hp->selector, hp->ost_event, value);
	return false;
}

static bool write_locked(struct cpuhp *hp, uint64_t offset, uint64_t value)
	HOLDS(hp->acpi.lock, RANK_SLOTS)
{
	if (offset == CPUHP_SELECTOR)
		hp->selector = (uint32_t)value;
	else if (hp->selector >= hp->topo->max_vcpus)
		return false;
	else if (offset == CPUHP_CONTROL)
		return acpihp_control_locked(&hp->acpi, hp->selector, (uint8_t)value);
	else if (offset == CPUHP_COMMAND)
		command_locked(hp, (uint8_t)value);
	else if (offset == CPUHP_DATA)
		return data_locked(hp, (uint32_t)value);
	else if (offset == CPUHP_OST)
		return acpihp_ost_locked(&hp->acpi, hp->selector, (uint32_t)value,
					 (uint32_t)(value >> 32));
	return false;
}

static uint64_t answer_locked(const struct cpuhp *hp) HOLDS(hp->acpi.lock, RANK_SLOTS)
{
	if (hp->command == CPUHP_CMD_NEXT)
		return hp->selector;
	if (hp->command == CPUHP_CMD_ARCH_ID)
		return topology_arch_id(hp->topo, hp->selector);
	return 0;
}

static uint32_t next_locked(struct cpuhp *hp) HOLDS(hp->acpi.lock, RANK_SLOTS)
{
	uint32_t events;

	hp->selector = acpihp_next_locked(&hp->acpi, hp->selector);
	events = acpihp_status_locked(&hp->acpi, hp->selector) &
		 (CPUHP_INSERT | CPUHP_REMOVE);
	return hp->selector | events << CPUHP_NEXT_STATUS_SHIFT |
	       (hp->acpi.pending > 1 ? CPUHP_NEXT_MORE : 0);
}

static uint32_t read_locked(struct cpuhp *hp, uint64_t offset)
	HOLDS(hp->acpi.lock, RANK_SLOTS)
{
	if (hp->selector >= hp->topo->max_vcpus)
		return 0;
	if (offset == CPUHP_DATA2)
		return (uint32_t)(answer_locked(hp) >> 32);
	if (offset == CPUHP_STATUS)
		return acpihp_status_locked(&hp->acpi, hp->selector);
	if (offset == CPUHP_DATA)
		return (uint32_t)answer_locked(hp);
	if (offset == CPUHP_NEXT)
		return next_locked(hp);
	return 0;
}

void cpuhp_access(void *dev, uint64_t offset, uint8_t *data, uint32_t len, bool write)
{
	struct cpuhp *hp = dev;
	uint32_t value = 0;
	bool news = false;

	mtx_lock_at(&hp->acpi.lock, &RANK_SLOTS);
	hp->acpi.accessed = true;
	if (write)
		news = write_locked(hp, offset, bus_get(data, len));
	else
		value = read_locked(hp, offset);
	mtx_unlock_at(&hp->acpi.lock, &RANK_SLOTS);
	if (!write)
		bus_put(data, len, value);
	if (news)
		cpuhp_wake(hp);
}
