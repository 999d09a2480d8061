#include "devices/cpuhp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "devices/clock.h"
#include "acpi/layout.h"
#include "devices/bus.h"

#define RING_MIN 64
#define RING_PER_CPU                                                                     \
	4 /* an add or a removal reports at most twice, with as much in hand */

int cpuhp_init(struct cpuhp *hp, const struct topology *topo, struct ged *ged,
	       bool accept_ejects, void (*wake)(void *ctx), void *ctx)
{
	size_t n = topo->max_vcpus, ring_len = RING_MIN + RING_PER_CPU * n;
	struct cpuhp_slot *slot =
		calloc(1, n * sizeof(*slot) + ring_len * sizeof(struct ost));

	if (slot == NULL)
		return -ENOMEM;
	*hp = (struct cpuhp){
		.topo = topo,
		.ged = ged,
		.wake = wake,
		.wake_ctx = ctx,
		.ring_len = (uint32_t)ring_len,
		.accept_ejects = accept_ejects,
		.lock = MTX_INIT,
		.slot = slot,
		.ring = (struct ost *)(slot + n),
		.memory = slot,
	};
	return 0;
}

void cpuhp_destroy(struct cpuhp *hp)
{
	free(hp->memory);
	hp->memory = NULL;
}

/* Where the guest's ACPI looks. */
static void show_locked(struct cpuhp *hp, const struct cpuhp_slot *s) HOLDS(hp->lock)
{
	if (hp->sta != NULL)
		__atomic_store_n(&hp->sta[s - hp->slot],
				 slot_enabled(s->state) ? CPU_STA_ENABLED
							: CPU_STA_ABSENT,
				 __ATOMIC_RELEASE);
}

/* As slot_step(), of a slot's state. */
static int step_locked(struct cpuhp *hp, struct cpuhp_slot *s, enum slot_event ev)
	HOLDS(hp->lock)
{
	int err = slot_step(&s->state, ev);

	if (err == 0)
		show_locked(hp, s);
	return err;
}

void cpuhp_show(struct cpuhp *hp, unsigned char *sta)
{
	mtx_lock(&hp->lock);
	hp->sta = sta;
	for (uint32_t i = 0; i < hp->topo->max_vcpus; i++)
		show_locked(hp, &hp->slot[i]);
	mtx_unlock(&hp->lock);
}

static bool has_event(const struct cpuhp_slot *s)
{
	return s->insert_pending || s->remove_pending;
}

/* Sets a slot's event marks, where the guest can see them, and keeps the count in step. */
static void mark_locked(struct cpuhp *hp, struct cpuhp_slot *s, bool insert, bool remove)
	HOLDS(hp->lock)
{
	hp->pending -= has_event(s);
	s->insert_pending = insert && !hp->no_acpi;
	s->remove_pending = remove && !hp->no_acpi;
	hp->pending += has_event(s);
}

static void tell_ged_locked(struct cpuhp *hp) HOLDS(hp->lock)
{
	ged_set(hp->ged, GED_CPU, hp->pending > 0);
}

/* Those of an add. */
static void forget_steps(struct cpuhp_slot *s)
{
	s->seen_ns = s->acked_ns = s->started_ns = s->registered_ns = s->online_ns = 0;
}

static void plug_locked(struct cpuhp *hp, uint32_t index) HOLDS(hp->lock)
{
	struct cpuhp_slot *s = &hp->slot[index];
	int err = step_locked(hp, s, SLOT_PLUG);

	assert(err == 0);
	(void)err;
	forget_steps(s);
	s->offlining_ns = s->ejected_ns = s->gone_ns = 0;
	s->ost_due = s->withdrawn = s->in_tables = false;
}

void cpuhp_boot(struct cpuhp *hp, uint32_t index)
{
	mtx_lock(&hp->lock);
	plug_locked(hp, index);
	hp->slot[index].in_tables = true;
	mtx_unlock(&hp->lock);
}

void cpuhp_plug(struct cpuhp *hp, const uint32_t *index, size_t n)
{
	mtx_lock(&hp->lock);
	for (size_t i = 0; i < n; i++) {
		struct cpuhp_slot *s = &hp->slot[index[i]];

		plug_locked(hp, index[i]);
		mark_locked(hp, s, true, false);
		if (hp->no_acpi)
			s->registered_ns = now_ns();
	}
	tell_ged_locked(hp);
	mtx_unlock(&hp->lock);
}

void cpuhp_remind(struct cpuhp *hp, const uint32_t *index, size_t n)
{
	mtx_lock(&hp->lock);
	for (size_t i = 0; i < n; i++) {
		struct cpuhp_slot *s = &hp->slot[index[i]];

		if (s->state == SLOT_PLUGGED)
			mark_locked(hp, s, true, s->remove_pending);
	}
	tell_ged_locked(hp);
	mtx_unlock(&hp->lock);
}

int cpuhp_unplug(struct cpuhp *hp, const uint32_t *index, size_t n)
{
	int err = 0;

	mtx_lock(&hp->lock);
	for (size_t i = 0; i < n; i++)
		if (hp->slot[index[i]].state != SLOT_PLUGGED ||
		    hp->slot[index[i]].in_tables)
			err = -EBUSY;
	for (size_t i = 0; err == 0 && i < n; i++) {
		struct cpuhp_slot *s = &hp->slot[index[i]];

		err = step_locked(hp, s, SLOT_UNPLUG);
		assert(err == 0);
		s->remove_requested = false;
		mark_locked(hp, s, false, false);
	}
	tell_ged_locked(hp);
	mtx_unlock(&hp->lock);
	return err;
}

static void begin_offlining(struct cpuhp_slot *s)
{
	if (s->remove_requested && s->offlining_ns == 0)
		s->offlining_ns = now_ns();
}

static bool may_eject(const struct cpuhp *hp, const struct cpuhp_slot *s)
{
	return s != &hp->slot[0] &&
	       (s->remove_requested || s->withdrawn || hp->accept_ejects);
}

static bool eject_locked(struct cpuhp *hp, struct cpuhp_slot *s) HOLDS(hp->lock)
{
	if (!may_eject(hp, s) || step_locked(hp, s, SLOT_EJECT) < 0) {
		hp->ignored++;
		return false;
	}
	begin_offlining(s);
	s->ejected_ns = now_ns();
	s->by_guest = !s->remove_requested && !s->withdrawn;
	s->remove_requested = false;
	s->ost_due = !hp->no_acpi;
	hp->ejected++;
	mark_locked(hp, s, false, false);
	tell_ged_locked(hp);
	return true;
}

void cpuhp_ask_removal(struct cpuhp *hp, const uint32_t *index, size_t n)
{
	mtx_lock(&hp->lock);
	for (size_t i = 0; i < n; i++) {
		struct cpuhp_slot *s = &hp->slot[index[i]];

		if (!slot_enabled(s->state))
			continue;
		s->withdrawn = false;
		s->remove_requested = true;
		s->offlining_ns = s->ejected_ns = s->gone_ns = 0;
		mark_locked(hp, s, s->insert_pending, true);
		if (hp->no_acpi && s->state != SLOT_ONLINE)
			(void)eject_locked(hp, s);
	}
	tell_ged_locked(hp);
	mtx_unlock(&hp->lock);
}

void cpuhp_withdraw_removal(struct cpuhp *hp, const uint32_t *index, size_t n)
{
	mtx_lock(&hp->lock);
	for (size_t i = 0; i < n; i++) {
		struct cpuhp_slot *s = &hp->slot[index[i]];

		if (!slot_enabled(s->state))
			continue;
		s->withdrawn = s->remove_requested && !s->remove_pending;
		s->remove_requested = false;
		mark_locked(hp, s, s->insert_pending, false);
	}
	tell_ged_locked(hp);
	mtx_unlock(&hp->lock);
}

bool cpuhp_next_ejected(struct cpuhp *hp, uint32_t *index)
{
	bool any;

	mtx_lock(&hp->lock);
	any = hp->ejected > 0;
	for (uint32_t i = 0; any && i < hp->topo->max_vcpus; i++)
		if (hp->slot[i].state == SLOT_EJECTED) {
			*index = i;
			break;
		}
	mtx_unlock(&hp->lock);
	return any;
}

static void check_gone(struct cpuhp_slot *s)
{
	if (s->state == SLOT_ABSENT && !s->ost_due)
		s->gone_ns = now_ns();
}

void cpuhp_park(struct cpuhp *hp, uint32_t index)
{
	struct cpuhp_slot *s = &hp->slot[index];

	mtx_lock(&hp->lock);
	if (step_locked(hp, s, SLOT_PARK) == 0) {
		hp->ejected--;
		check_gone(s);
	}
	mtx_unlock(&hp->lock);
}

void cpuhp_forgive_ost(struct cpuhp *hp, uint32_t index)
{
	mtx_lock(&hp->lock);
	hp->slot[index].ost_due = false;
	check_gone(&hp->slot[index]);
	mtx_unlock(&hp->lock);
}

/* It goes as if the guest had let it go at this moment. */
static void drop_locked(struct cpuhp *hp, struct cpuhp_slot *s) HOLDS(hp->lock)
{
	int err = step_locked(hp, s, SLOT_UNPLUG);

	assert(err == 0);
	(void)err;
	s->remove_requested = false;
	s->gone_ns = now_ns();
	if (s->offlining_ns == 0)
		s->offlining_ns = s->gone_ns;
	s->ejected_ns = s->gone_ns;
}

static void reset_locked(struct cpuhp *hp, struct cpuhp_slot *s) HOLDS(hp->lock)
{
	int err = step_locked(hp, s, SLOT_RESET);

	assert(err == 0);
	(void)err;
	mark_locked(hp, s, false, false);
	s->ost = (struct ost){ 0 };
	forget_steps(s);
	s->by_guest = s->withdrawn = false;
	if (s->remove_requested)
		drop_locked(hp, s);
	s->in_tables = slot_enabled(s->state);
	if (s->ost_due) {
		s->ost_due = false;
		check_gone(s);
	}
}

void cpuhp_reset(struct cpuhp *hp)
{
	mtx_lock(&hp->lock);
	for (uint32_t i = 0; i < hp->topo->max_vcpus; i++)
		reset_locked(hp, &hp->slot[i]);
	hp->selector = hp->ost_event = 0;
	hp->command = 0;
	tell_ged_locked(hp);
	mtx_unlock(&hp->lock);
}

static void run_locked(struct cpuhp *hp, struct cpuhp_slot *s) HOLDS(hp->lock)
{
	if (step_locked(hp, s, SLOT_RUN) < 0)
		return;
	s->online_ns = now_ns();
	if (s->started_ns == 0)
		s->started_ns = s->online_ns;
	if (s->registered_ns == 0)
		s->registered_ns = s->online_ns;
}

static void stopped_locked(struct cpuhp *hp, struct cpuhp_slot *s) HOLDS(hp->lock)
{
	begin_offlining(s);
	if (hp->no_acpi && s->remove_requested)
		(void)eject_locked(hp, s);
}

void cpuhp_runs(struct cpuhp *hp, uint32_t index, bool running)
{
	struct cpuhp_slot *s = &hp->slot[index];

	mtx_lock(&hp->lock);
	if (running)
		run_locked(hp, s);
	else if (step_locked(hp, s, SLOT_STOP) == 0)
		stopped_locked(hp, s);
	mtx_unlock(&hp->lock);
	hp->wake(hp->wake_ctx);
}

void cpuhp_started(struct cpuhp *hp, uint32_t index)
{
	struct cpuhp_slot *s = &hp->slot[index];

	mtx_lock(&hp->lock);
	if (s->started_ns == 0)
		s->started_ns = now_ns();
	mtx_unlock(&hp->lock);
}

struct cpuhp_slot cpuhp_get(struct cpuhp *hp, uint32_t index)
{
	struct cpuhp_slot s;

	mtx_lock(&hp->lock);
	s = hp->slot[index];
	mtx_unlock(&hp->lock);
	return s;
}

bool cpuhp_next_ost(struct cpuhp *hp, struct ost *out)
{
	bool any;

	mtx_lock(&hp->lock);
	any = hp->ring_count > 0;
	if (any) {
		*out = hp->ring[hp->ring_head];
		hp->ring_head = (hp->ring_head + 1) % hp->ring_len;
		hp->ring_count--;
	}
	mtx_unlock(&hp->lock);
	return any;
}

uint64_t cpuhp_ignored(struct cpuhp *hp)
{
	uint64_t n;

	mtx_lock(&hp->lock);
	n = hp->ignored;
	mtx_unlock(&hp->lock);
	return n;
}

/* CPUHP_CMD_NEXT: from the selected CPU on, around; unchanged when there is none. */
static void select_next_locked(struct cpuhp *hp) HOLDS(hp->lock)
{
	uint32_t n = hp->topo->max_vcpus, i = hp->selector;

	if (hp->pending == 0)
		return;
	while (!has_event(&hp->slot[i]))
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
		check_gone(s);
		return true;
	}
	if (!slot_enabled(s->state))
		return false;
	if (is_eject(ost->event) && ost->status == OST_IN_PROGRESS)
		begin_offlining(s);
	if (ost->event == OST_DEVICE_CHECK && ost->status == OST_SUCCESS &&
	    step_locked(hp, s, SLOT_REGISTER) == 0 && s->registered_ns == 0)
		s->registered_ns = ost->ns;
	return true;
}

/* Returns whether main has something to look at. */
static bool ost_locked(struct cpuhp *hp, uint32_t status) HOLDS(hp->lock)
{
	struct ost ost = { hp->selector, hp->ost_event, status, now_ns() };
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
		return ost_locked(hp, value);
	return false;
}

static bool control_locked(struct cpuhp *hp, uint8_t value) HOLDS(hp->lock)
{
	struct cpuhp_slot *s = &hp->slot[hp->selector];
	bool insert = s->insert_pending && !(value & CPUHP_INSERT);
	bool remove = s->remove_pending && !(value & CPUHP_REMOVE);

	if (!insert && s->insert_pending)
		s->acked_ns = now_ns();
	if (insert != s->insert_pending || remove != s->remove_pending) {
		mark_locked(hp, s, insert, remove);
		tell_ged_locked(hp);
	}
	return (value & CPUHP_EJECT) && eject_locked(hp, s);
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
	return status(s);
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
		hp->wake(hp->wake_ctx);
}
