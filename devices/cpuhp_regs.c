/* The guest's side of cpuhp: the register block and what an _OST means. */
#include "acpi/layout.h"
#include "devices/bus.h"
#include "devices/clock.h"
#include "devices/cpuhp_slots.h"

/* CPUHP_CMD_NEXT: from the selected CPU on, around; unchanged when there is none. */
static void select_next_locked(struct cpuhp *hp) HOLDS(hp->lock)
{
	uint32_t n = hp->topo->max_vcpus, i = hp->selector;

	if (hp->pending == 0)
		return;
	while (!cpuhp_has_event(&hp->slot[i]))
		i = i + 1 == n ? 0 : i + 1;
	hp->selector = i;
}

static void command_locked(struct cpuhp *hp, uint8_t command) HOLDS(hp->lock)
{
	if (command > CPUHP_CMD_ARCH_ID)
		return;
	hp->command = command;
	if (command == CPUHP_CMD_NEXT)
		select_next_locked(hp);
}

static void keep_ost_locked(struct cpuhp *hp, const struct ost *ost) HOLDS(hp->lock)
{
	if (hp->ring_count == hp->ring_len) {
		hp->lost++;
		return;
	}
	hp->ring[(hp->ring_head + hp->ring_count++) % hp->ring_len] = *ost;
}

static bool is_eject(uint32_t event)
{
	return event == OST_EJECT_REQUEST || event == OST_GUEST_EJECT;
}

/* What an _OST means for its slot. Returns whether the slot expected one. */
static bool take_ost_locked(struct cpuhp *hp, struct cpuhp_slot *s, const struct ost *ost)
	HOLDS(hp->lock)
{
	if (s->ost_due && is_eject(ost->event) && ost->status != OST_IN_PROGRESS) {
		s->ost_due = false;
		cpuhp_check_gone(s);
		return true;
	}
	if (!slot_enabled(s->state))
		return false;
	if (is_eject(ost->event) && ost->status == OST_IN_PROGRESS)
		cpuhp_begin_offlining(s);
	else if (is_eject(ost->event))
		s->underway = false;
	if (ost->event == OST_DEVICE_CHECK && ost->status == OST_SUCCESS &&
	    cpuhp_step_locked(hp, s, SLOT_REGISTER) == 0 && s->registered_ns == 0)
		s->registered_ns = ost->ns;
	return true;
}

/* Returns whether main has something to look at. */
static bool ost_locked(struct cpuhp *hp, uint32_t event, uint32_t status) HOLDS(hp->lock)
{
	struct ost ost = { hp->selector, event, status, now_ns() };
	struct cpuhp_slot *s = &hp->slot[hp->selector];

	if (!take_ost_locked(hp, s, &ost)) {
		hp->ignored++;
		return false;
	}
	s->ost = ost;
	keep_ost_locked(hp, &ost);
	return true;
}

static bool data_locked(struct cpuhp *hp, uint32_t value) HOLDS(hp->lock)
{
	if (hp->command == CPUHP_CMD_OST_EVENT)
		hp->ost_event = value;
	else if (hp->command == CPUHP_CMD_OST_STATUS)
		return ost_locked(hp, hp->ost_event, value);
	return false;
}

static bool control_locked(struct cpuhp *hp, uint8_t value) HOLDS(hp->lock)
{
	struct cpuhp_slot *s = &hp->slot[hp->selector];
	bool insert = s->insert_pending && !(value & CPUHP_INSERT);
	bool remove = s->remove_pending && !(value & CPUHP_REMOVE);

	if (!insert && s->insert_pending)
		s->acked_ns = now_ns();
	if (!remove && s->remove_pending)
		s->underway = true;
	if (insert != s->insert_pending || remove != s->remove_pending) {
		cpuhp_mark_locked(hp, s, insert, remove);
		cpuhp_tell_ged_locked(hp);
	}
	return (value & CPUHP_EJECT) && cpuhp_eject_locked(hp, s);
}

static bool write_locked(struct cpuhp *hp, uint64_t offset, uint64_t value)
	HOLDS(hp->lock)
{
	if (offset == CPUHP_SELECTOR)
		hp->selector = (uint32_t)value;
	else if (hp->selector >= hp->topo->max_vcpus)
		return false;
	else if (offset == CPUHP_CONTROL)
		return control_locked(hp, (uint8_t)value);
	else if (offset == CPUHP_COMMAND)
		command_locked(hp, (uint8_t)value);
	else if (offset == CPUHP_DATA)
		return data_locked(hp, (uint32_t)value);
	else if (offset == CPUHP_OST)
		return ost_locked(hp, (uint32_t)value, (uint32_t)(value >> 32));
	return false;
}

static uint8_t status(const struct cpuhp_slot *s)
{
	return (uint8_t)((slot_enabled(s->state) ? CPUHP_ENABLED : 0) |
			 (s->insert_pending ? CPUHP_INSERT : 0) |
			 (s->remove_pending ? CPUHP_REMOVE : 0));
}

static uint64_t answer_locked(const struct cpuhp *hp) HOLDS(hp->lock)
{
	if (hp->command == CPUHP_CMD_NEXT)
		return hp->selector;
	if (hp->command == CPUHP_CMD_ARCH_ID)
		return topology_arch_id(hp->topo, hp->selector);
	return 0;
}

static uint8_t status_locked(struct cpuhp *hp) HOLDS(hp->lock)
{
	struct cpuhp_slot *s = &hp->slot[hp->selector];

	if (s->insert_pending && s->seen_ns == 0)
		s->seen_ns = now_ns();
	if (s->remove_pending) /* it notifies first and acknowledges then */
		s->underway = true;
	return status(s);
}

static uint32_t next_locked(struct cpuhp *hp) HOLDS(hp->lock)
{
	uint32_t events;

	select_next_locked(hp);
	events = status_locked(hp) & (CPUHP_INSERT | CPUHP_REMOVE);
	return hp->selector | events << CPUHP_NEXT_STATUS_SHIFT |
	       (hp->pending > 1 ? CPUHP_NEXT_MORE : 0);
}

static uint32_t read_locked(struct cpuhp *hp, uint64_t offset) HOLDS(hp->lock)
{
	if (hp->selector >= hp->topo->max_vcpus)
		return 0;
	if (offset == CPUHP_DATA2)
		return (uint32_t)(answer_locked(hp) >> 32);
	if (offset == CPUHP_STATUS)
		return status_locked(hp);
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

	mtx_lock(&hp->lock);
	if (write)
		news = write_locked(hp, offset, bus_get(data, len));
	else
		value = read_locked(hp, offset);
	mtx_unlock(&hp->lock);
	if (!write)
		bus_put(data, len, value);
	if (news)
		cpuhp_wake(hp);
}
