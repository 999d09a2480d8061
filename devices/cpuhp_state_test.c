/* A cpuhp that is saved and loaded: what comes back is what was there, or is refused. */
#include "devices/cpuhp_fixture.h"

#include <errno.h>

struct saved {
	size_t len;
	struct cpuhp_state *st;
};

static struct saved save(struct fixture *f)
{
	struct saved s = { .st = test_calloc(1, cpuhp_state_max(&f->hp)) };

	s.len = cpuhp_save(&f->hp, s.st);
	return s;
}

static struct acpihp_ost *ost_of(struct saved *s)
{
	return (struct acpihp_ost *)(s->st->slot + s->st->acpi.nslots);
}

/* CPU 0 runs, 4 is registered, 5 has its event, 6 was ejected and its _OST is due; two
 * reports wait, and the register file is in the middle of an _OST. */
static void make_everything_different(struct fixture *f)
{
	const uint32_t index[] = { 4, 5, 6 };

	cpuhp_runs(&f->hp, 0, true);
	cpuhp_plug(&f->hp, index, 3);
	say_ost(f, 4, OST_DEVICE_CHECK, OST_SUCCESS);
	(void)status_of(f, 6);
	cpuhp_ask_removal(&f->hp, index + 2, 1);
	say_ost(f, 6, OST_EJECT_REQUEST, OST_IN_PROGRESS);
	wr(f, CPUHP_CONTROL, 1, CPUHP_EJECT);
	say_ost(f, 7, 0x77, 0); /* ignored */
	wr(f, CPUHP_SELECTOR, 4, 5);
	wr(f, CPUHP_COMMAND, 1, CPUHP_CMD_OST_EVENT);
	wr(f, CPUHP_DATA, 4, 0x1234);
}

static void check_reports(struct fixture *f)
{
	struct ost ost;

	assert_true(cpuhp_next_ost(&f->hp, &ost));
	assert_int_equal(ost.index, 4);
	assert_int_equal(ost.event, OST_DEVICE_CHECK);
	assert_true(cpuhp_next_ost(&f->hp, &ost));
	assert_int_equal(ost.index, 6);
	assert_int_equal(ost.status, OST_IN_PROGRESS);
	assert_false(cpuhp_next_ost(&f->hp, &ost));
}

static void a_loaded_one_goes_on_where_the_saved_one_was(void **state)
{
	struct fixture *f = *state, *to;
	unsigned char sta[NCPUS];
	uint32_t ejected;
	struct saved s;

	make_everything_different(f);
	s = save(f);
	assert_int_equal(setup((void **)&to), 0);
	cpuhp_show(&to->hp, sta);
	assert_int_equal(cpuhp_load(&to->hp, s.st, s.len), 0);
	assert_true(to->line);
	assert_int_equal(to->wakes, 1);
	assert_int_equal(sta[5], CPU_STA_ENABLED);
	assert_int_equal(sta[6], CPU_STA_ABSENT);
	assert_int_equal(cpuhp_ignored(&to->hp), 1);
	check_reports(to);
	wr(to, CPUHP_COMMAND, 1, CPUHP_CMD_OST_STATUS); /* of the event said before */
	wr(to, CPUHP_DATA, 4, 0x56);
	assert_int_equal(cpuhp_get(&to->hp, 5).ost.event, 0x1234);
	assert_int_equal(cpuhp_get(&to->hp, 5).ost.status, 0x56);
	assert_true(cpuhp_next_ejected(&to->hp, &ejected));
	assert_int_equal(ejected, 6);
	cpuhp_park(&to->hp, 6);
	assert_false(cpuhp_get(&to->hp, 6).gone);
	say_ost(to, 6, OST_EJECT_REQUEST, OST_SUCCESS);
	assert_true(cpuhp_get(&to->hp, 6).gone);
	test_free(s.st);
	teardown((void **)&to);
}

/* Another host's clock says nothing here. */
static void what_has_happened_is_known_and_its_time_is_that_of_the_load(void **state)
{
	struct fixture *f = *state, *to;
	struct cpuhp_slot was, is;
	struct saved s;
	uint64_t loaded_ns;

	make_everything_different(f);
	s = save(f);
	was = cpuhp_get(&f->hp, 4);
	assert_int_equal(setup((void **)&to), 0);
	loaded_ns = cpuhp_plug(&to->hp, &(uint32_t){ 9 }, 1);
	assert_int_equal(cpuhp_load(&to->hp, s.st, s.len), 0);
	is = cpuhp_get(&to->hp, 4);
	assert_true(was.registered && is.registered && !is.ran && !is.ejected);
	assert_true(was.registered_ns < loaded_ns && is.registered_ns >= loaded_ns);
	assert_int_equal(is.online_ns, 0);
	assert_true(is.ost.ns >= loaded_ns);
	assert_int_equal(cpuhp_get(&to->hp, 9).state, SLOT_ABSENT);
	assert_int_equal(cpuhp_get(&to->hp, 9).ost.ns, 0);
	test_free(s.st);
	teardown((void **)&to);
}

static void slots_of_another(struct saved *s)
{
	s->st->acpi.nslots--;
}

static void reports_that_are_not_there(struct saved *s)
{
	s->st->acpi.nosts++;
}

static void no_boot_cpu(struct saved *s)
{
	s->st->slot[0].state = SLOT_ABSENT;
}

static void boot_cpu_to_go(struct saved *s)
{
	s->st->slot[0].facts |= ACPIHP_REMOVE_REQUESTED;
}

static void no_such_state(struct saved *s)
{
	s->st->slot[4].state = SLOT_NSTATES;
}

static void no_such_fact(struct saved *s)
{
	s->st->slot[4].facts |= ACPIHP_FACTS + 1;
}

static void event_of_an_absent_cpu(struct saved *s)
{
	s->st->slot[8].facts |= ACPIHP_INSERT_PENDING;
}

static void removal_of_an_absent_cpu(struct saved *s)
{
	s->st->slot[8].facts |= ACPIHP_REMOVE_REQUESTED;
}

static void removal_that_nobody_asked_for(struct saved *s)
{
	s->st->slot[5].facts |= ACPIHP_REMOVE_PENDING;
}

static void online_and_never_ran(struct saved *s)
{
	s->st->slot[4].state = SLOT_ONLINE;
}

static void ejected_and_never_left(struct saved *s)
{
	s->st->slot[8].state = SLOT_EJECTED;
}

static void last_ost_due_of_what_is_there(struct saved *s)
{
	s->st->slot[5].facts |= ACPIHP_OST_DUE | ACPIHP_DID(ACPIHP_EJECTED);
}

static void last_ost_due_of_what_never_left(struct saved *s)
{
	s->st->slot[8].facts |= ACPIHP_OST_DUE;
}

static void gone_and_still_there(struct saved *s)
{
	s->st->slot[6].facts |= ACPIHP_DID(ACPIHP_GONE);
}

static void ost_that_was_not_said(struct saved *s)
{
	s->st->slot[8].ost_status = 1;
}

static void report_of_no_cpu(struct saved *s)
{
	ost_of(s)[1].index = NCPUS;
}

static void no_such_command(struct saved *s)
{
	s->st->command = CPUHP_CMD_ARCH_ID + 1;
}

static void more_at_the_end(struct saved *s)
{
	s->len++;
}

static void accessed_more_than_once(struct saved *s)
{
	s->st->acpi.accessed = 2;
}

static void what_nobody_knows(struct saved *s)
{
	s->st->acpi.reserved = 1;
}

static void no_head(struct saved *s)
{
	s->len = sizeof(*s->st) - 1;
}

static void a_state_that_cannot_be_is_refused_and_changes_nothing(void **state)
{
	static void (*const spoil[])(struct saved * s) = {
		slots_of_another,
		reports_that_are_not_there,
		no_boot_cpu,
		boot_cpu_to_go,
		no_such_state,
		no_such_fact,
		event_of_an_absent_cpu,
		removal_of_an_absent_cpu,
		removal_that_nobody_asked_for,
		online_and_never_ran,
		ejected_and_never_left,
		last_ost_due_of_what_is_there,
		last_ost_due_of_what_never_left,
		gone_and_still_there,
		ost_that_was_not_said,
		report_of_no_cpu,
		no_such_command,
		more_at_the_end,
		accessed_more_than_once,
		what_nobody_knows,
		no_head,
	};
	struct fixture *f = *state;
	struct saved was;

	make_everything_different(f);
	was = save(f);
	f->wakes = 0;
	for (size_t i = 0; i < sizeof(spoil) / sizeof(spoil[0]); i++) {
		struct saved s = save(f), is;

		spoil[i](&s);
		assert_int_equal(cpuhp_load(&f->hp, s.st, s.len), -EINVAL);
		is = save(f);
		assert_int_equal(is.len, was.len);
		assert_memory_equal(is.st, was.st, was.len);
		test_free(s.st);
		test_free(is.st);
	}
	assert_int_equal(f->wakes, 0);
	assert_int_equal(cpuhp_load(&f->hp, was.st, was.len), 0);
	test_free(was.st);
}

/* The records are all there, and no ring has room for them. */
static void more_reports_than_there_is_room_for_are_refused(void **state)
{
	struct fixture *f = *state;
	size_t max = cpuhp_state_max(&f->hp);
	struct cpuhp_state *st = test_calloc(1, max + sizeof(struct acpihp_ost));

	(void)cpuhp_save(&f->hp, st);
	st->acpi.nosts = f->hp.acpi.ring_len + 1;
	assert_int_equal(cpuhp_load(&f->hp, st, max + sizeof(struct acpihp_ost)),
			 -EINVAL);
	st->acpi.nosts = f->hp.acpi.ring_len;
	assert_int_equal(cpuhp_load(&f->hp, st, max), 0);
	test_free(st);
}

static void a_guest_without_acpi_has_no_events_to_load(void **state)
{
	struct fixture *f = *state;
	struct saved s;

	plug(f, 4, 5);
	s = save(f);
	f->hp.acpi.w.flags = CPUHP_NO_ACPI;
	assert_int_equal(cpuhp_load(&f->hp, s.st, s.len), -EINVAL);
	test_free(s.st);
}

/* It has its bit already, with what the guest has made of it. */
static void a_ged_that_was_loaded_before_keeps_its_count(void **state)
{
	struct fixture *f = *state;
	struct ged_state ged;
	struct saved s;

	plug(f, 4, 5);
	s = save(f);
	for (int i = 0; i < GED_STORM; i++)
		ged_access(&f->ged, 0, (uint8_t[4]){ 0 }, 4, false);
	assert_false(f->line);
	assert_int_equal(cpuhp_load(&f->hp, s.st, s.len), 0);
	assert_false(f->line);
	ged_save(&f->ged, &ged);
	assert_int_equal(ged.unacked, GED_STORM);
	test_free(s.st);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_loaded_one_goes_on_where_the_saved_one_was),
		TEST(what_has_happened_is_known_and_its_time_is_that_of_the_load),
		TEST(a_state_that_cannot_be_is_refused_and_changes_nothing),
		TEST(more_reports_than_there_is_room_for_are_refused),
		TEST(a_guest_without_acpi_has_no_events_to_load),
		TEST(a_ged_that_was_loaded_before_keeps_its_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
