/* The host's side of cpuhp, and what both sides do together. */
#include "devices/cpuhp_fixture.h"

#include <errno.h>

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
	(void)status_of(f, 4);
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

/* Plugs CPU 4 in a VM that ignores ejects of the guest's own; asks to remove it, which
 * the guest sees and does not acknowledge, and withdraws that. */
static void withdraw_a_seen_removal(struct fixture *f, const uint32_t *four)
{
	plug(f, 4, 5);
	(void)status_of(f, 4);
	cpuhp_ask_removal(&f->hp, four, 1);
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

/* It notifies itself, and only then acknowledges: a removal that is withdrawn between the
 * two goes on all the same, and so does one that is asked for and withdrawn once more
 * meanwhile. */
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

/* CPU 0 runs, 2 was registered, 3 is half way through a removal, 4 went and its last _OST
 * is due, 5 has an event; 1 is absent. */
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
	assert_int_equal(f->hp.acpi.pending, 0);
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

/* It may have found it when it looked at all of them. */
static void what_is_taken_back_is_looked_at_again(void **state)
{
	const uint32_t four = 4;
	struct fixture *f = *state;

	cpuhp_plug(&f->hp, &four, 1);
	assert_true(cpuhp_get(&f->hp, 4).may_know);
	assert_int_equal(cpuhp_unplug(&f->hp, &four, 1), 0);
	assert_true(f->line);
	assert_int_equal(rd(f, CPUHP_NEXT, 4),
			 4 | CPUHP_INSERT << CPUHP_NEXT_STATUS_SHIFT);
	wr(f, CPUHP_CONTROL, 1, CPUHP_INSERT);
	assert_false(f->line);
	say_ost(f, 4, OST_DEVICE_CHECK, OST_SUCCESS); /* it has trimmed it */
	assert_int_equal(cpuhp_ignored(&f->hp), 1);
	assert_int_equal(cpuhp_get(&f->hp, 4).state, SLOT_ABSENT);
	cpuhp_plug(&f->hp, &four, 1);
	assert_false(cpuhp_get(&f->hp, 4).may_know); /* it looks no more by itself */
}

/* It has notified itself, comes to what is there again, and then acknowledges. */
static void what_it_looks_at_again_cannot_be_taken_back_once_more(void **state)
{
	const uint32_t four = 4;
	struct fixture *f = *state;

	cpuhp_plug(&f->hp, &four, 1);
	assert_int_equal(cpuhp_unplug(&f->hp, &four, 1), 0);
	assert_true(rd(f, CPUHP_NEXT, 4) & CPUHP_INSERT << CPUHP_NEXT_STATUS_SHIFT);
	cpuhp_plug(&f->hp, &four, 1);
	assert_int_equal(cpuhp_unplug(&f->hp, &four, 1), -EBUSY);
	assert_true(cpuhp_get(&f->hp, 4).may_know);
}

static void what_is_taken_back_is_on_its_way_no_more(void **state)
{
	const uint32_t four = 4;
	struct fixture *f = *state;

	cpuhp_plug(&f->hp, &four, 1);
	f->hp.acpi.slot[4].facts |= ACPIHP_UNDERWAY;
	assert_int_equal(cpuhp_unplug(&f->hp, &four, 1), 0);
	assert_false(cpuhp_get(&f->hp, 4).underway);
}

static void what_it_begins_to_start_cannot_be_unplugged(void **state)
{
	const uint32_t four = 4;
	struct fixture *f = *state;

	cpuhp_plug(&f->hp, &four, 1);
	cpuhp_started(&f->hp, 4);
	assert_int_equal(cpuhp_unplug(&f->hp, &four, 1), -EBUSY);
}

static void the_first_access_ends_what_it_finds_by_itself_until_a_reset(void **state)
{
	const uint32_t index[] = { 4, 5 };
	struct fixture *f = *state;

	(void)rd(f, CPUHP_NEXT, 4);
	cpuhp_plug(&f->hp, index, 1);
	assert_false(cpuhp_get(&f->hp, 4).may_know);
	cpuhp_reset(&f->hp);
	cpuhp_plug(&f->hp, index + 1, 1);
	assert_false(cpuhp_get(&f->hp, 4).may_know); /* that is in its tables */
	assert_true(cpuhp_get(&f->hp, 5).may_know);
}

/* Nobody needs to be asked, and no _OST is due. */
static void what_the_guest_has_not_seen_goes_at_once(void **state)
{
	const uint32_t index[] = { 4, 5 };
	struct fixture *f = *state;
	uint32_t gone;

	cpuhp_plug(&f->hp, index, 2);
	assert_int_equal(status_of(f, 5), CPUHP_ENABLED | CPUHP_INSERT);
	cpuhp_ask_removal(&f->hp, index, 2);
	assert_true(cpuhp_next_ejected(&f->hp, &gone));
	assert_int_equal(gone, 4);
	cpuhp_park(&f->hp, 4);
	assert_false(cpuhp_next_ejected(&f->hp, &gone));
	assert_true(cpuhp_get(&f->hp, 4).gone);
	assert_int_equal(status_of(f, 4), CPUHP_INSERT); /* look again */
	assert_int_equal(status_of(f, 5), CPUHP_ENABLED | CPUHP_INSERT | CPUHP_REMOVE);
}

static void a_guest_without_acpi_is_told_nothing_and_lets_go_by_stopping(void **state)
{
	const uint32_t four = 4;
	struct fixture *f = *state;
	uint32_t gone;

	f->hp.acpi.w.flags = CPUHP_NO_ACPI;
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

	f->hp.acpi.w.flags = CPUHP_NO_ACPI;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_guest_reads_each_sta_in_memory),
		TEST(a_reset_shows_the_sta_that_the_guest_boots_with),
		TEST(what_the_guest_has_seen_it_may_still_carry_out),
		TEST(what_the_guest_has_refused_or_not_seen_it_may_not),
		TEST(running_before_any_ost_counts_as_registered_and_online),
		TEST(an_absent_cpu_cannot_run),
		TEST(a_reminder_raises_the_event_again_for_those_who_have_not_answered),
		TEST(a_reset_finishes_removals_and_enables_what_was_plugged),
		TEST(a_reset_clears_the_registers_and_keeps_the_reports),
		TEST(what_is_there_at_boot_cannot_be_unplugged),
		TEST(what_the_guest_has_seen_cannot_be_unplugged),
		TEST(what_is_taken_back_is_looked_at_again),
		TEST(what_it_looks_at_again_cannot_be_taken_back_once_more),
		TEST(what_is_taken_back_is_on_its_way_no_more),
		TEST(what_it_begins_to_start_cannot_be_unplugged),
		TEST(the_first_access_ends_what_it_finds_by_itself_until_a_reset),
		TEST(what_the_guest_has_not_seen_goes_at_once),
		TEST(a_guest_without_acpi_is_told_nothing_and_lets_go_by_stopping),
		TEST(a_guest_without_acpi_cannot_hold_what_it_does_not_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
