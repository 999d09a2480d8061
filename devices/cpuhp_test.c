#include "devices/cpuhp.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "acpi/layout.h"
#include "devices/bus.h"

#define NCPUS 12 /* 2 sockets x 3 cores x 2 threads: APIC ids with holes */

struct fixture {
	struct topology topo;
	struct ged ged;
	struct cpuhp hp;
	bool line;
	unsigned wakes;
};

static void set_line(void *ctx, bool level)
{
	((struct fixture *)ctx)->line = level;
}

static void wake(void *ctx)
{
	((struct fixture *)ctx)->wakes++;
}

/* CPU 0 is there at boot, as in a real machine. */
static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	assert_int_equal(topology_init(&f->topo, 2, 3, 2), 0);
	ged_init(&f->ged, set_line, f);
	assert_int_equal(cpuhp_init(&f->hp, &f->topo, &f->ged, false, wake, f), 0);
	cpuhp_boot(&f->hp, 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	cpuhp_destroy(&f->hp);
	test_free(f);
	return 0;
}

static void wr(struct fixture *f, uint64_t offset, uint32_t len, uint64_t value)
{
	uint8_t data[8];

	bus_put(data, len, value);
	cpuhp_access(&f->hp, offset, data, len, true);
}

static uint64_t rd(struct fixture *f, uint64_t offset, uint32_t len)
{
	uint8_t data[8];

	memset(data, 0xaa, sizeof(data));
	cpuhp_access(&f->hp, offset, data, len, false);
	return bus_get(data, len);
}

static void select_cpu(struct fixture *f, uint32_t index)
{
	wr(f, CPUHP_SELECTOR, 4, index);
}

static uint64_t status_of(struct fixture *f, uint32_t index)
{
	select_cpu(f, index);
	return rd(f, CPUHP_STATUS, 1);
}

static void say_ost(struct fixture *f, uint32_t index, uint32_t event, uint32_t status)
{
	select_cpu(f, index);
	wr(f, CPUHP_COMMAND, 1, CPUHP_CMD_OST_EVENT);
	wr(f, CPUHP_DATA, 4, event);
	wr(f, CPUHP_COMMAND, 1, CPUHP_CMD_OST_STATUS);
	wr(f, CPUHP_DATA, 4, status);
}

static void plug(struct fixture *f, uint32_t a, uint32_t b)
{
	const uint32_t index[] = { a, b };

	cpuhp_plug(&f->hp, index, 2);
}

/* The DSDT reads it at any time, so it is true after each step and not only at its end. */
static void the_guest_reads_each_sta_in_memory(void **state)
{
	static const unsigned char boot[NCPUS + 1] = { CPU_STA_ENABLED,
						       [1 ... NCPUS - 1] = CPU_STA_ABSENT,
						       0xEE };
	struct fixture *f = *state;
	unsigned char sta[NCPUS + 1] = { [NCPUS] = 0xEE };
	const uint32_t index[] = { 4, 5 };

	cpuhp_show(&f->hp, sta);
	assert_memory_equal(sta, boot, sizeof(sta));
	plug(f, 4, 5);
	assert_int_equal(sta[4], CPU_STA_ENABLED);
	assert_int_equal(sta[5], CPU_STA_ENABLED);
	assert_int_equal(cpuhp_unplug(&f->hp, index + 1, 1), 0);
	assert_int_equal(sta[5], CPU_STA_ABSENT);
	say_ost(f, 4, 1, 0);
	cpuhp_runs(&f->hp, 4, true);
	cpuhp_ask_removal(&f->hp, index, 1);
	assert_int_equal(sta[4], CPU_STA_ENABLED);
	select_cpu(f, 4);
	wr(f, CPUHP_CONTROL, 1,
	   CPUHP_EJECT); /* the guest looks before anything is parked */
	assert_memory_equal(sta, boot, sizeof(sta));
	cpuhp_park(&f->hp, 4);
	assert_memory_equal(sta, boot, sizeof(sta));
}

static void a_reset_shows_the_sta_that_the_guest_boots_with(void **state)
{
	struct fixture *f = *state;
	unsigned char sta[NCPUS];
	const uint32_t index[] = { 4 };

	plug(f, 4, 5);
	cpuhp_show(&f->hp, sta);
	cpuhp_ask_removal(&f->hp, index, 1);
	cpuhp_reset(&f->hp);
	assert_int_equal(sta[4], CPU_STA_ABSENT);
	assert_int_equal(sta[5], CPU_STA_ENABLED);
	memset(sta, 0, sizeof(sta)); /* memory is cleared */
	cpuhp_show(&f->hp, sta);
	assert_int_equal(sta[0], CPU_STA_ENABLED);
	assert_int_equal(sta[4], CPU_STA_ABSENT);
	assert_int_equal(sta[5], CPU_STA_ENABLED);
}

static void a_boot_cpu_is_enabled_without_an_event(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(status_of(f, 0), CPUHP_ENABLED);
	assert_int_equal(status_of(f, 1), 0);
	assert_false(f->line);
}

static void a_plugged_cpu_raises_the_line_until_its_event_is_acknowledged(void **state)
{
	struct fixture *f = *state;

	plug(f, 4, 5);
	assert_true(f->line);
	assert_int_equal(status_of(f, 4), CPUHP_ENABLED | CPUHP_INSERT);
	wr(f, CPUHP_CONTROL, 1, CPUHP_INSERT);
	assert_int_equal(status_of(f, 4), CPUHP_ENABLED);
	assert_true(f->line); /* CPU 5 */
	select_cpu(f, 5);
	wr(f, CPUHP_CONTROL, 1, CPUHP_INSERT);
	assert_false(f->line);
}

static void command_0_finds_the_next_event_from_the_selector_on_and_around(void **state)
{
	struct fixture *f = *state;

	plug(f, 3, 8);
	select_cpu(f, 4);
	wr(f, CPUHP_COMMAND, 1, CPUHP_CMD_NEXT);
	assert_int_equal(rd(f, CPUHP_DATA, 4), 8);
	assert_int_equal(rd(f, CPUHP_DATA2, 4), 0);
	assert_int_equal(rd(f, CPUHP_STATUS, 1), CPUHP_ENABLED | CPUHP_INSERT);
	wr(f, CPUHP_CONTROL, 1, CPUHP_INSERT);
	wr(f, CPUHP_COMMAND, 1, CPUHP_CMD_NEXT);
	assert_int_equal(rd(f, CPUHP_DATA, 4), 3);
	wr(f, CPUHP_CONTROL, 1, CPUHP_INSERT);
	wr(f, CPUHP_COMMAND, 1, CPUHP_CMD_NEXT);
	assert_int_equal(rd(f, CPUHP_DATA, 4), 3); /* none: unchanged */
	assert_int_equal(rd(f, CPUHP_STATUS, 1), CPUHP_ENABLED);
}

/* The enumeration of the specification: data is non-zero for each possible index but 0. */
static void the_guest_can_count_the_possible_cpus(void **state)
{
	struct fixture *f = *state;
	uint32_t n = 0;

	select_cpu(f, 0);
	wr(f, CPUHP_COMMAND, 1, CPUHP_CMD_NEXT);
	do
		select_cpu(f, ++n);
	while (rd(f, CPUHP_DATA, 4) != 0);
	assert_int_equal(n, NCPUS);
}

static void command_3_tells_the_arch_id(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < NCPUS; i++) {
		select_cpu(f, i);
		wr(f, CPUHP_COMMAND, 1, CPUHP_CMD_ARCH_ID);
		assert_int_equal(rd(f, CPUHP_DATA, 4), topology_arch_id(&f->topo, i));
		assert_int_equal(rd(f, CPUHP_DATA2, 4), 0);
	}
}

static void ost_success_registers_the_cpu_and_is_reported(void **state)
{
	struct fixture *f = *state;
	struct ost ost;

	plug(f, 4, 5);
	say_ost(f, 4, OST_DEVICE_CHECK, OST_SUCCESS);
	assert_int_equal(cpuhp_get(&f->hp, 4).state, SLOT_REGISTERED);
	assert_int_equal(cpuhp_get(&f->hp, 5).state, SLOT_PLUGGED);
	assert_int_equal(f->wakes, 1);
	assert_true(cpuhp_next_ost(&f->hp, &ost));
	assert_int_equal(ost.index, 4);
	assert_int_equal(ost.event, OST_DEVICE_CHECK);
	assert_int_equal(ost.status, OST_SUCCESS);
	assert_true(ost.ns > 0);
	assert_false(cpuhp_next_ost(&f->hp, &ost));
}

static void any_other_ost_is_reported_and_changes_no_state(void **state)
{
	struct fixture *f = *state;
	struct ost ost;

	plug(f, 4, 5);
	say_ost(f, 4, OST_DEVICE_CHECK, 0x81);
	say_ost(f, 4, 0x12345678, OST_SUCCESS);
	assert_int_equal(cpuhp_get(&f->hp, 4).state, SLOT_PLUGGED);
	assert_true(cpuhp_next_ost(&f->hp, &ost));
	assert_int_equal(ost.status, 0x81);
	assert_true(cpuhp_next_ost(&f->hp, &ost));
	assert_int_equal(ost.event, 0x12345678);
}

static void ost_of_an_absent_cpu_is_ignored_and_counted(void **state)
{
	struct fixture *f = *state;
	struct ost ost;

	say_ost(f, 7, OST_DEVICE_CHECK, OST_SUCCESS);
	assert_int_equal(cpuhp_get(&f->hp, 7).state, SLOT_ABSENT);
	assert_false(cpuhp_next_ost(&f->hp, &ost));
	assert_int_equal(cpuhp_ignored(&f->hp), 1);
}

static void a_flood_of_ost_loses_reports_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct ost ost;
	uint32_t n = 0;

	for (uint32_t i = 0; i < 10 * f->hp.ring_len; i++)
		say_ost(f, 0, 0x77, i);
	plug(f, 4, 5);
	say_ost(f, 4, OST_DEVICE_CHECK, OST_SUCCESS);
	assert_int_equal(cpuhp_get(&f->hp, 4).state, SLOT_REGISTERED);
	while (cpuhp_next_ost(&f->hp, &ost))
		assert_int_equal(ost.status, n++);
	assert_int_equal(n, f->hp.ring_len);
	assert_int_equal(f->hp.lost, 9 * f->hp.ring_len + 1);
}

static void an_eject_that_nobody_asked_for_is_ignored_and_counted(void **state)
{
	struct fixture *f = *state;

	plug(f, 4, 5);
	select_cpu(f, 4);
	wr(f, CPUHP_CONTROL, 1, CPUHP_EJECT);
	select_cpu(f, 0);
	wr(f, CPUHP_CONTROL, 1, CPUHP_EJECT);
	assert_int_equal(cpuhp_get(&f->hp, 4).state, SLOT_PLUGGED);
	assert_int_equal(cpuhp_get(&f->hp, 0).state, SLOT_PLUGGED);
	assert_int_equal(cpuhp_ignored(&f->hp), 2);
}

/* The fault of a peer: the acknowledgement must not forget that the host asked. */
static void a_requested_eject_works_after_its_event_was_acknowledged(void **state)
{
	struct fixture *f = *state;

	plug(f, 4, 5);
	f->hp.slot[4].remove_requested = true;
	wr(f, CPUHP_SELECTOR, 4, 4);
	wr(f, CPUHP_CONTROL, 1, CPUHP_INSERT | CPUHP_REMOVE);
	wr(f, CPUHP_CONTROL, 1, CPUHP_EJECT);
	assert_int_equal(cpuhp_get(&f->hp, 4).state, SLOT_EJECTED);
	assert_int_equal(rd(f, CPUHP_STATUS, 1), 0);
}

/* Plugs CPU 4 in a VM that ignores ejects of the guest's own; asks to remove it, which the guest sees
 * and does not acknowledge, and withdraws that. */
static void withdraw_a_seen_removal(struct fixture *f, const uint32_t *four)
{
	f->hp.accept_ejects = false;
	plug(f, 4, 5);
	cpuhp_ask_removal(&f->hp, four, 1);
	wr(f, CPUHP_SELECTOR, 4, 4);
	assert_true(rd(f, CPUHP_STATUS, 1) & CPUHP_REMOVE);
	cpuhp_withdraw_removal(&f->hp, four, 1);
	assert_false(rd(f, CPUHP_STATUS, 1) & CPUHP_REMOVE);
}

/* And once more, before the guest looks. Then it ejects. */
static void withdraw_an_unseen_removal_and_eject(struct fixture *f, const uint32_t *four)
{
	cpuhp_ask_removal(&f->hp, four, 1);
	cpuhp_withdraw_removal(&f->hp, four, 1);
	assert_false(rd(f, CPUHP_STATUS, 1) & CPUHP_REMOVE);
	wr(f, CPUHP_CONTROL, 1, CPUHP_EJECT);
}

/* It notifies itself, and only then acknowledges: a removal that is withdrawn between the two goes
 * on all the same, and so does one that is asked for and withdrawn once more meanwhile. */
static void what_the_guest_has_seen_it_may_still_carry_out(void **state)
{
	struct fixture *f = *state;
	const uint32_t four = 4;

	withdraw_a_seen_removal(f, &four);
	withdraw_an_unseen_removal_and_eject(f, &four);
	assert_int_equal(cpuhp_get(&f->hp, 4).state, SLOT_EJECTED);
	assert_false(cpuhp_get(&f->hp, 4).by_guest);
}

static void what_the_guest_has_refused_or_not_seen_it_may_not(void **state)
{
	struct fixture *f = *state;
	const uint32_t four = 4;

	withdraw_a_seen_removal(f, &four);
	say_ost(f, 4, OST_EJECT_REQUEST, OST_IN_PROGRESS);
	say_ost(f, 4, OST_EJECT_REQUEST, 1);
	wr(f, CPUHP_CONTROL, 1, CPUHP_EJECT);
	assert_int_equal(cpuhp_get(&f->hp, 4).state, SLOT_PLUGGED);
	withdraw_an_unseen_removal_and_eject(f, &four);
	assert_int_equal(cpuhp_get(&f->hp, 4).state, SLOT_PLUGGED);
}

static void running_before_any_ost_counts_as_registered_and_online(void **state)
{
	struct fixture *f = *state;
	struct cpuhp_slot s;

	plug(f, 4, 5);
	cpuhp_runs(&f->hp, 4, true);
	s = cpuhp_get(&f->hp, 4);
	assert_int_equal(s.state, SLOT_ONLINE);
	assert_true(s.registered_ns > 0 && s.registered_ns == s.online_ns);
	assert_true(s.insert_pending); /* the guest still owes the acknowledgement */
	cpuhp_runs(&f->hp, 4, false);
	assert_int_equal(cpuhp_get(&f->hp, 4).state, SLOT_OFFLINE);
}

static void an_absent_cpu_cannot_run(void **state)
{
	struct fixture *f = *state;

	cpuhp_runs(&f->hp, 7, true);
	assert_int_equal(cpuhp_get(&f->hp, 7).state, SLOT_ABSENT);
}

static void
a_reminder_raises_the_event_again_for_those_who_have_not_answered(void **state)
{
	struct fixture *f = *state;
	const uint32_t both[] = { 4, 5 };

	plug(f, 4, 5);
	for (uint32_t i = 4; i <= 5; i++) {
		select_cpu(f, i);
		wr(f, CPUHP_CONTROL, 1, CPUHP_INSERT);
	}
	say_ost(f, 4, OST_DEVICE_CHECK, OST_SUCCESS);
	cpuhp_remind(&f->hp, both, 2);
	assert_true(f->line);
	assert_int_equal(status_of(f, 4), CPUHP_ENABLED);
	assert_int_equal(status_of(f, 5), CPUHP_ENABLED | CPUHP_INSERT);
}

static void a_selector_past_the_end_turns_everything_else_off(void **state)
{
	static const uint32_t past[] = { NCPUS, NCPUS + 1, 0x80000000, UINT32_MAX };
	struct fixture *f = *state;

	plug(f, 4, 5);
	for (size_t i = 0; i < sizeof(past) / sizeof(past[0]); i++) {
		select_cpu(f, past[i]);
		for (uint64_t offset = 0; offset < CPUHP_LEN; offset++) {
			assert_int_equal(rd(f, offset, 1), 0);
			if (offset >= CPUHP_CONTROL)
				wr(f, offset, 1, 0xff);
		}
		assert_int_equal(status_of(f, 4), CPUHP_ENABLED | CPUHP_INSERT);
	}
}

/* Every offset with every width, read and written: what does not start a register reads 0
 * and changes nothing. */
static void every_width_and_offset_is_defined(void **state)
{
	static const uint32_t widths[] = { 1, 2, 4, 8 };
	struct fixture *f = *state;

	plug(f, 4, 5);
	for (size_t w = 0; w < 4; w++) {
		for (uint64_t offset = 0; offset + widths[w] <= CPUHP_LEN; offset++) {
			uint64_t want = offset == CPUHP_STATUS
						? CPUHP_ENABLED | CPUHP_INSERT
					: offset == CPUHP_DATA ? 4
							       : 0;

			select_cpu(f, 4);
			wr(f, CPUHP_COMMAND, 1, CPUHP_CMD_NEXT);
			assert_int_equal(rd(f, offset, widths[w]), want);
			if (offset == CPUHP_SELECTOR || offset == CPUHP_CONTROL)
				continue;
			wr(f, offset, widths[w], UINT64_MAX);
			assert_int_equal(rd(f, CPUHP_STATUS, 1),
					 CPUHP_ENABLED | CPUHP_INSERT);
			assert_int_equal(rd(f, CPUHP_DATA, 4), 4);
		}
	}
}

static void a_wide_write_of_the_control_uses_its_low_byte(void **state)
{
	struct fixture *f = *state;

	plug(f, 4, 5);
	select_cpu(f, 4);
	wr(f, CPUHP_CONTROL, 4, 0xffffff00);
	assert_int_equal(rd(f, CPUHP_STATUS, 4), CPUHP_ENABLED | CPUHP_INSERT);
	wr(f, CPUHP_CONTROL, 4, 0xffffff00 | CPUHP_INSERT);
	assert_int_equal(rd(f, CPUHP_STATUS, 1), CPUHP_ENABLED);
}

static void unknown_commands_are_ignored(void **state)
{
	struct fixture *f = *state;

	select_cpu(f, 5);
	wr(f, CPUHP_COMMAND, 1, CPUHP_CMD_ARCH_ID);
	for (unsigned c = CPUHP_CMD_ARCH_ID + 1; c < 256; c++)
		wr(f, CPUHP_COMMAND, 1, c);
	assert_int_equal(rd(f, CPUHP_DATA, 4), topology_apic_id(&f->topo, 5));
}

/* CPU 0 runs, 2 was registered, 3 is half way through a removal, 4 went and its last _OST is
 * due, 5 has an event; 1 is absent. */
static void make_everything_different(struct fixture *f)
{
	const uint32_t index[] = { 2, 3, 4, 5 }, going[] = { 3, 4 };

	cpuhp_runs(&f->hp, 0, true);
	cpuhp_plug(&f->hp, index, 4);
	for (uint32_t i = 2; i < 5; i++) {
		select_cpu(f, i);
		wr(f, CPUHP_CONTROL, 1, CPUHP_INSERT);
		say_ost(f, i, OST_DEVICE_CHECK, OST_SUCCESS);
	}
	cpuhp_ask_removal(&f->hp, going, 2);
	select_cpu(f, 3);
	wr(f, CPUHP_CONTROL, 1, CPUHP_REMOVE);
	say_ost(f, 3, OST_EJECT_REQUEST, OST_IN_PROGRESS);
	select_cpu(f, 4);
	wr(f, CPUHP_CONTROL, 1, CPUHP_EJECT);
	cpuhp_park(&f->hp, 4);
}

static void a_reset_finishes_removals_and_enables_what_was_plugged(void **state)
{
	static const enum slot_state want[] = { SLOT_PLUGGED, SLOT_ABSENT, SLOT_PLUGGED,
						SLOT_ABSENT,  SLOT_ABSENT, SLOT_PLUGGED };
	struct fixture *f = *state;

	make_everything_different(f);
	assert_true(f->line);
	cpuhp_reset(&f->hp);
	assert_false(f->line);
	assert_int_equal(f->hp.pending, 0);
	for (uint32_t i = 0; i < 6; i++) {
		struct cpuhp_slot s = cpuhp_get(&f->hp, i);

		assert_int_equal(s.state, want[i]);
		assert_int_equal(s.in_tables, want[i] == SLOT_PLUGGED);
		assert_false(s.insert_pending || s.remove_pending || s.remove_requested);
		assert_false(s.ost_due || s.by_guest);
		assert_int_equal(s.registered_ns + s.online_ns + s.ost.ns, 0);
		assert_int_equal(s.gone_ns > 0, i == 3 || i == 4);
		assert_int_equal(status_of(f, i),
				 want[i] == SLOT_PLUGGED ? CPUHP_ENABLED : 0);
	}
	cpuhp_runs(&f->hp, 5, true);
	assert_true(cpuhp_get(&f->hp, 5).registered_ns > 0);
}

static void a_reset_clears_the_registers_and_keeps_the_reports(void **state)
{
	struct fixture *f = *state;
	struct ost ost;

	make_everything_different(f);
	select_cpu(f, 7);
	wr(f, CPUHP_COMMAND, 1, CPUHP_CMD_OST_EVENT);
	wr(f, CPUHP_DATA, 4, 0x1234);
	cpuhp_reset(&f->hp);
	assert_int_equal(f->hp.selector, 0);
	assert_int_equal(f->hp.command, CPUHP_CMD_NEXT);
	assert_int_equal(f->hp.ost_event, 0);
	assert_true(cpuhp_next_ost(&f->hp, &ost));
	assert_int_equal(ost.index, 2);
}

/* The guest has it in its tables: it cannot be taken away without a word. */
static void what_is_there_at_boot_cannot_be_unplugged(void **state)
{
	const uint32_t four = 4;
	struct fixture *f = *state;

	cpuhp_plug(&f->hp, &four, 1);
	cpuhp_reset(&f->hp);
	assert_int_equal(cpuhp_unplug(&f->hp, &four, 1), -EBUSY);
	cpuhp_ask_removal(&f->hp, &four, 1);
	cpuhp_reset(&f->hp);
	cpuhp_plug(&f->hp, &four, 1);
	assert_int_equal(cpuhp_unplug(&f->hp, &four, 1), 0);
}

/* It may have read _STA, and register it a moment later. */
static void what_the_guest_has_seen_cannot_be_unplugged(void **state)
{
	const uint32_t index[] = { 4, 5 };
	struct fixture *f = *state;

	cpuhp_plug(&f->hp, index, 2);
	assert_int_equal(status_of(f, 4), CPUHP_ENABLED | CPUHP_INSERT);
	assert_int_equal(cpuhp_unplug(&f->hp, index, 2), -EBUSY);
	assert_int_equal(cpuhp_get(&f->hp, 5).state, SLOT_PLUGGED);
	assert_int_equal(cpuhp_unplug(&f->hp, index + 1, 1), 0);
	say_ost(f, 4, OST_DEVICE_CHECK, OST_SUCCESS);
	assert_int_equal(cpuhp_get(&f->hp, 4).state, SLOT_REGISTERED);
	cpuhp_plug(&f->hp, index + 1, 1); /* of this event it knows nothing */
	assert_int_equal(cpuhp_unplug(&f->hp, index + 1, 1), 0);
	cpuhp_plug(&f->hp, index + 1, 1);
	select_cpu(f, 5);
	wr(f, CPUHP_CONTROL, 1, CPUHP_INSERT); /* taken unread */
	assert_int_equal(cpuhp_unplug(&f->hp, index + 1, 1), -EBUSY);
}

static void a_guest_without_acpi_is_told_nothing_and_lets_go_by_stopping(void **state)
{
	const uint32_t four = 4;
	struct fixture *f = *state;
	uint32_t gone;

	f->hp.no_acpi = true;
	plug(f, 4, 5);
	assert_false(f->line);
	assert_int_equal(status_of(f, 4), CPUHP_ENABLED);
	assert_true(cpuhp_get(&f->hp, 4).registered_ns > 0);
	cpuhp_remind(&f->hp, &four, 1);
	assert_false(f->line);
	cpuhp_runs(&f->hp, 4, true);
	cpuhp_ask_removal(&f->hp, &four, 1);
	assert_false(f->line);
	assert_false(cpuhp_next_ejected(&f->hp, &gone)); /* it runs */
	cpuhp_runs(&f->hp, 4, false);
	assert_true(cpuhp_next_ejected(&f->hp, &gone));
	assert_int_equal(gone, 4);
	cpuhp_park(&f->hp, 4);
	assert_true(cpuhp_get(&f->hp, 4).gone_ns > 0); /* no _OST is due */
	assert_int_equal(status_of(f, 4), 0);
}

static void a_guest_without_acpi_cannot_hold_what_it_does_not_run(void **state)
{
	const uint32_t four = 4, five = 5;
	struct fixture *f = *state;
	uint32_t gone;

	f->hp.no_acpi = true;
	plug(f, 4, 5);
	cpuhp_ask_removal(&f->hp, &five, 1);
	assert_true(cpuhp_next_ejected(&f->hp, &gone));
	assert_int_equal(gone, 5);
	assert_int_equal(cpuhp_unplug(&f->hp, &four, 1), 0);
	cpuhp_plug(&f->hp, &four, 1);
	cpuhp_runs(&f->hp, 4, true);
	cpuhp_ask_removal(&f->hp, &four, 1);
	cpuhp_withdraw_removal(&f->hp, &four, 1);
	cpuhp_runs(&f->hp, 4, false);
	assert_int_equal(cpuhp_get(&f->hp, 4).state, SLOT_OFFLINE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_guest_reads_each_sta_in_memory),
		TEST(a_reset_shows_the_sta_that_the_guest_boots_with),
		TEST(a_boot_cpu_is_enabled_without_an_event),
		TEST(a_plugged_cpu_raises_the_line_until_its_event_is_acknowledged),
		TEST(command_0_finds_the_next_event_from_the_selector_on_and_around),
		TEST(the_guest_can_count_the_possible_cpus),
		TEST(command_3_tells_the_arch_id),
		TEST(ost_success_registers_the_cpu_and_is_reported),
		TEST(any_other_ost_is_reported_and_changes_no_state),
		TEST(ost_of_an_absent_cpu_is_ignored_and_counted),
		TEST(a_flood_of_ost_loses_reports_and_nothing_else),
		TEST(an_eject_that_nobody_asked_for_is_ignored_and_counted),
		TEST(a_requested_eject_works_after_its_event_was_acknowledged),
		TEST(what_the_guest_has_seen_it_may_still_carry_out),
		TEST(what_the_guest_has_refused_or_not_seen_it_may_not),
		TEST(running_before_any_ost_counts_as_registered_and_online),
		TEST(an_absent_cpu_cannot_run),
		TEST(a_reminder_raises_the_event_again_for_those_who_have_not_answered),
		TEST(a_selector_past_the_end_turns_everything_else_off),
		TEST(every_width_and_offset_is_defined),
		TEST(a_wide_write_of_the_control_uses_its_low_byte),
		TEST(unknown_commands_are_ignored),
		TEST(a_reset_finishes_removals_and_enables_what_was_plugged),
		TEST(a_reset_clears_the_registers_and_keeps_the_reports),
		TEST(what_is_there_at_boot_cannot_be_unplugged),
		TEST(what_the_guest_has_seen_cannot_be_unplugged),
		TEST(a_guest_without_acpi_is_told_nothing_and_lets_go_by_stopping),
		TEST(a_guest_without_acpi_cannot_hold_what_it_does_not_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
