/* The register block of cpuhp, as a guest uses it, and as one that misbehaves does. */
#include "devices/cpuhp_fixture.h"

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

static void next_tells_cpu_events_and_whether_there_are_more(void **state)
{
	struct fixture *f = *state;

	plug(f, 3, 8);
	select_cpu(f, 4);
	assert_int_equal(rd(f, CPUHP_NEXT, 4),
			 8 | CPUHP_INSERT << CPUHP_NEXT_STATUS_SHIFT | CPUHP_NEXT_MORE);
	assert_true(cpuhp_get(&f->hp, 8).seen_ns > 0);
	assert_int_equal(cpuhp_get(&f->hp, 3).seen_ns, 0);
	wr(f, CPUHP_CONTROL, 1, CPUHP_INSERT);
	assert_int_equal(rd(f, CPUHP_NEXT, 4),
			 3 | CPUHP_INSERT << CPUHP_NEXT_STATUS_SHIFT);
	assert_true(f->line);
	wr(f, CPUHP_CONTROL, 1, CPUHP_INSERT);
	assert_false(f->line);
	assert_int_equal(rd(f, CPUHP_NEXT, 4), 3); /* none: unchanged */
}

/* As a guest that stops at the last one must be told of what comes behind it. */
static void next_leaves_the_line_up_for_an_event_behind_the_last(void **state)
{
	struct fixture *f = *state;
	const uint32_t one = 4;

	cpuhp_plug(&f->hp, &one, 1);
	assert_int_equal(rd(f, CPUHP_NEXT, 4),
			 4 | CPUHP_INSERT << CPUHP_NEXT_STATUS_SHIFT);
	cpuhp_ask_removal(&f->hp, &one, 1);
	wr(f, CPUHP_CONTROL, 1, CPUHP_INSERT);
	assert_true(f->line);
	assert_int_equal(rd(f, CPUHP_NEXT, 4),
			 4 | CPUHP_REMOVE << CPUHP_NEXT_STATUS_SHIFT);
	wr(f, CPUHP_CONTROL, 1, CPUHP_REMOVE);
	assert_false(f->line);
}

static void next_leaves_the_command_as_it_is(void **state)
{
	struct fixture *f = *state;

	plug(f, 3, 8);
	select_cpu(f, 0);
	wr(f, CPUHP_COMMAND, 1, CPUHP_CMD_ARCH_ID);
	(void)rd(f, CPUHP_NEXT, 4);
	assert_int_equal(rd(f, CPUHP_DATA, 4), topology_arch_id(&f->topo, 3));
}

/* The enumeration of the specification: data is non-zero for each possible index but
 * 0. */
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

typedef void say_fn(struct fixture *f, uint32_t index, uint32_t event, uint32_t status);

static void check_success(struct fixture *f, say_fn *say, uint32_t index)
{
	struct ost ost;

	say(f, index, OST_DEVICE_CHECK, OST_SUCCESS);
	assert_int_equal(cpuhp_get(&f->hp, index).state, SLOT_REGISTERED);
	assert_true(cpuhp_next_ost(&f->hp, &ost));
	assert_int_equal(ost.index, index);
	assert_int_equal(ost.event, OST_DEVICE_CHECK);
	assert_int_equal(ost.status, OST_SUCCESS);
	assert_true(ost.ns > 0);
	assert_false(cpuhp_next_ost(&f->hp, &ost));
}

static void ost_success_registers_the_cpu_and_is_reported(void **state)
{
	struct fixture *f = *state;

	plug(f, 4, 5);
	check_success(f, say_ost, 4);
	assert_int_equal(f->wakes, 1);
	assert_int_equal(cpuhp_get(&f->hp, 5).state, SLOT_PLUGGED);
	check_success(f, say_ost_at_once, 5);
	assert_int_equal(f->wakes, 2);
}

static void check_other(struct fixture *f, say_fn *say)
{
	struct ost ost;

	say(f, 4, OST_DEVICE_CHECK, 0x81);
	say(f, 4, 0x12345678, OST_SUCCESS);
	say(f, 4, 0xfedcba98, 0x87654321);
	assert_int_equal(cpuhp_get(&f->hp, 4).state, SLOT_PLUGGED);
	assert_true(cpuhp_next_ost(&f->hp, &ost));
	assert_int_equal(ost.status, 0x81);
	assert_true(cpuhp_next_ost(&f->hp, &ost));
	assert_int_equal(ost.event, 0x12345678);
	assert_true(cpuhp_next_ost(&f->hp, &ost));
	assert_int_equal(ost.event, 0xfedcba98);
	assert_int_equal(ost.status, 0x87654321);
}

static void any_other_ost_is_reported_and_changes_no_state(void **state)
{
	struct fixture *f = *state;

	plug(f, 4, 5);
	check_other(f, say_ost);
	check_other(f, say_ost_at_once);
}

static void a_narrow_write_of_an_ost_is_zero_extended(void **state)
{
	struct fixture *f = *state;
	struct ost ost;

	plug(f, 4, 5);
	select_cpu(f, 4);
	wr(f, CPUHP_OST, 1, 0xfe);
	assert_true(cpuhp_next_ost(&f->hp, &ost));
	assert_int_equal(ost.event, 0xfe);
	assert_int_equal(ost.status, 0);
	assert_int_equal(cpuhp_get(&f->hp, 4).state, SLOT_PLUGGED);
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

	for (uint32_t i = 0; i < 10 * f->hp.acpi.ring_len; i++)
		say_ost(f, 0, 0x77, i);
	plug(f, 4, 5);
	say_ost(f, 4, OST_DEVICE_CHECK, OST_SUCCESS);
	assert_int_equal(cpuhp_get(&f->hp, 4).state, SLOT_REGISTERED);
	while (cpuhp_next_ost(&f->hp, &ost))
		assert_int_equal(ost.status, n++);
	assert_int_equal(n, f->hp.acpi.ring_len);
	assert_int_equal(cpuhp_lost(&f->hp), 9 * f->hp.acpi.ring_len + 1);
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
	f->hp.acpi.slot[4].facts |= ACPIHP_REMOVE_REQUESTED;
	wr(f, CPUHP_SELECTOR, 4, 4);
	wr(f, CPUHP_CONTROL, 1, CPUHP_INSERT | CPUHP_REMOVE);
	wr(f, CPUHP_CONTROL, 1, CPUHP_EJECT);
	assert_int_equal(cpuhp_get(&f->hp, 4).state, SLOT_EJECTED);
	assert_int_equal(rd(f, CPUHP_STATUS, 1), 0);
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
				wr(f, offset, 8, UINT64_MAX);
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
			uint64_t want =
				offset == CPUHP_STATUS ? CPUHP_ENABLED | CPUHP_INSERT
				: offset == CPUHP_DATA ? 4
				: offset == CPUHP_NEXT
					? 4 | CPUHP_INSERT << CPUHP_NEXT_STATUS_SHIFT |
						  CPUHP_NEXT_MORE
					: 0;

			select_cpu(f, 4);
			wr(f, CPUHP_COMMAND, 1, CPUHP_CMD_NEXT);
			if (widths[w] < 4)
				want &= (1u << 8 * widths[w]) - 1;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_boot_cpu_is_enabled_without_an_event),
		TEST(a_plugged_cpu_raises_the_line_until_its_event_is_acknowledged),
		TEST(command_0_finds_the_next_event_from_the_selector_on_and_around),
		TEST(next_tells_cpu_events_and_whether_there_are_more),
		TEST(next_leaves_the_line_up_for_an_event_behind_the_last),
		TEST(next_leaves_the_command_as_it_is),
		TEST(the_guest_can_count_the_possible_cpus),
		TEST(command_3_tells_the_arch_id),
		TEST(ost_success_registers_the_cpu_and_is_reported),
		TEST(any_other_ost_is_reported_and_changes_no_state),
		TEST(a_narrow_write_of_an_ost_is_zero_extended),
		TEST(ost_of_an_absent_cpu_is_ignored_and_counted),
		TEST(a_flood_of_ost_loses_reports_and_nothing_else),
		TEST(an_eject_that_nobody_asked_for_is_ignored_and_counted),
		TEST(a_requested_eject_works_after_its_event_was_acknowledged),
		TEST(a_selector_past_the_end_turns_everything_else_off),
		TEST(every_width_and_offset_is_defined),
		TEST(a_wide_write_of_the_control_uses_its_low_byte),
		TEST(unknown_commands_are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
