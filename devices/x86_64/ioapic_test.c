#include "devices/x86_64/ioapic.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "devices/bus.h"

#define PIN    20
#define LEVEL  UINT64_C(0x8000)
#define MASKED UINT64_C(0x10000)
#define IRR    UINT64_C(0x4000)

struct world {
	struct ioapic a;
	bool nobody; /* takes messages */
	bool raise;  /* PIN's line, while we are told */
	unsigned sent_meanwhile;
	unsigned sent, told;
	struct ioapic_message last, watched[IOAPIC_PINS];
};

static bool take(void *ctx, const struct ioapic_message *msg)
{
	struct world *w = ctx;

	if (w->nobody)
		return false;
	w->sent++;
	w->last = *msg;
	return true;
}

static void watch(void *ctx, const struct ioapic_message *msg)
{
	struct world *w = ctx;

	w->told++;
	memcpy(w->watched, msg, sizeof(w->watched));
	if (w->raise) {
		unsigned sent = w->sent;

		ioapic_set_line(&w->a, PIN, true); /* as another thread would */
		w->sent_meanwhile = w->sent - sent;
	}
}

static void make(struct world *w)
{
	const struct ioapic_out out = { take, watch, w };

	memset(w, 0, sizeof(*w));
	ioapic_init(&w->a, &out);
}

static void refuse(struct world *w, bool nobody)
{
	w->nobody = nobody;
}

static void put(struct ioapic *a, uint64_t offset, uint32_t value)
{
	uint8_t data[4];

	bus_put(data, 4, value);
	ioapic_access(a, offset, data, 4, true);
}

static uint32_t get(struct ioapic *a, uint64_t offset)
{
	uint8_t data[4];

	ioapic_access(a, offset, data, 4, false);
	return (uint32_t)bus_get(data, 4);
}

static uint32_t read_reg(struct ioapic *a, uint8_t reg)
{
	put(a, 0, reg);
	return get(a, 0x10);
}

/* As guests do it: the high half first. */
static void put_entry(struct ioapic *a, uint32_t pin, uint64_t entry)
{
	put(a, 0, 0x11 + 2 * pin);
	put(a, 0x10, (uint32_t)(entry >> 32));
	put(a, 0, 0x10 + 2 * pin);
	put(a, 0x10, (uint32_t)entry);
}

static uint64_t get_entry(struct ioapic *a, uint8_t pin)
{
	return read_reg(a, (uint8_t)(0x10 + 2 * pin)) |
	       (uint64_t)read_reg(a, (uint8_t)(0x11 + 2 * pin)) << 32;
}

/* To a CPU's id of 15 bits. */
static uint64_t entry_to(uint32_t id, uint64_t low)
{
	return (uint64_t)(id & 0xff) << 56 | (uint64_t)(id >> 8) << 49 | low;
}

static void registers_are_those_of_the_chip(void **state)
{
	struct world w;

	(void)state;
	make(&w);
	assert_int_equal(read_reg(&w.a, 1), 0x170011);
	put(&w.a, 0, 0);
	put(&w.a, 0x10, UINT32_MAX);
	assert_int_equal(read_reg(&w.a, 0), 0x0f000000);
	assert_int_equal(read_reg(&w.a, 2), 0x0f000000);
	for (uint8_t pin = 0; pin < IOAPIC_PINS; pin++)
		assert_int_equal(get_entry(&w.a, pin), MASKED);
	put_entry(&w.a, 23, UINT64_MAX);
	assert_int_equal(get_entry(&w.a, 23), UINT64_MAX & ~(IRR | 0x1000));
	for (unsigned reg = 0; reg < 0x100; reg++) {
		bool entry = reg >= 0x10 && reg < 0x40;

		if (reg > 2 && !entry) {
			put(&w.a, 0, reg);
			put(&w.a, 0x10, UINT32_MAX);
			assert_int_equal(read_reg(&w.a, (uint8_t)reg), 0);
		}
	}
	assert_int_equal(get(&w.a, 4), 0);
	assert_int_equal(w.sent, 0);
}

static void an_edge_is_one_message_where_it_is_not_masked(void **state)
{
	struct world w;

	(void)state;
	make(&w);
	ioapic_set_line(&w.a, 4, true);
	ioapic_set_line(&w.a, 4, false);
	assert_int_equal(w.sent, 0);
	put_entry(&w.a, 4, entry_to(1, 0x41));
	ioapic_set_line(&w.a, 4, true);
	ioapic_set_line(&w.a, 4, true);
	assert_int_equal(w.sent, 1);
	assert_int_equal(w.last.address, 0xfee01000);
	assert_int_equal(w.last.data, 0x41);
	ioapic_set_line(&w.a, 4, false);
	ioapic_set_line(&w.a, 4, true);
	assert_int_equal(w.sent, 2);
	assert_int_equal(w.told, 0);
}

static void ids_have_15_bits(void **state)
{
	static const uint32_t ids[] = { 0, 254, 255, 256, 287, 1023, 0x7fff };
	struct world w;

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		make(&w);
		put_entry(&w.a, 4, entry_to(ids[i], 0x41));
		ioapic_set_line(&w.a, 4, true);
		assert_int_equal(w.last.address & UINT32_MAX, 0xfee00000 | (ids[i] & 0xff)
										   << 12);
		assert_int_equal(w.last.address >> 32, ids[i] & ~UINT32_C(0xff));
	}
}

static void modes_go_with_the_message(void **state)
{
	struct world w;

	(void)state;
	make(&w);
	put_entry(&w.a, 4, entry_to(3, 0x900 | 0x41)); /* logical, lowest priority */
	ioapic_set_line(&w.a, 4, true);
	assert_int_equal(w.last.address, 0xfee03004);
	assert_int_equal(w.last.data, 0x141);
}

static void a_level_line_interrupts_again_after_each_end(void **state)
{
	struct world w;

	(void)state;
	make(&w);
	put_entry(&w.a, PIN, entry_to(287, LEVEL | 0x40));
	ioapic_set_line(&w.a, PIN, true);
	ioapic_set_line(&w.a, PIN, true);
	assert_int_equal(w.sent, 1);
	assert_int_equal(w.last.data, 0xc040);
	assert_int_equal(get_entry(&w.a, PIN), entry_to(287, LEVEL | IRR | 0x40));
	ioapic_eoi(&w.a, 0x41);
	assert_int_equal(w.sent, 1);
	ioapic_eoi(&w.a, 0x40);
	assert_int_equal(w.sent, 2);
	ioapic_set_line(&w.a, PIN, false);
	ioapic_eoi(&w.a, 0x40);
	assert_int_equal(w.sent, 2);
	assert_int_equal(get_entry(&w.a, PIN), entry_to(287, LEVEL | 0x40));
}

static void a_high_line_interrupts_when_it_is_unmasked(void **state)
{
	struct world w;

	(void)state;
	make(&w);
	ioapic_set_line(&w.a, PIN, true);
	put_entry(&w.a, PIN, LEVEL | MASKED | 0x40);
	assert_int_equal(w.sent, 0);
	put_entry(&w.a, PIN, LEVEL | 0x40);
	assert_int_equal(w.sent, 1);
	put_entry(&w.a, PIN, LEVEL | MASKED | 0x40);
	ioapic_eoi(&w.a, 0x40);
	assert_int_equal(w.sent, 1);
	put_entry(&w.a, PIN, LEVEL | 0x40);
	assert_int_equal(w.sent, 2);
}

static void edge_and_back_ends_a_level_one(void **state)
{
	struct world w;

	(void)state;
	make(&w);
	put_entry(&w.a, PIN, LEVEL | 0x40);
	ioapic_set_line(&w.a, PIN, true);
	ioapic_set_line(&w.a, PIN, false);
	put_entry(&w.a, PIN, MASKED | 0x40);
	put_entry(&w.a, PIN, LEVEL | 0x40);
	assert_int_equal(get_entry(&w.a, PIN), LEVEL | 0x40);
	assert_int_equal(w.sent, 1);
}

static void what_nobody_took_is_sent_again(void **state)
{
	struct world w;

	(void)state;
	make(&w);
	refuse(&w, true);
	put_entry(&w.a, PIN, entry_to(9, LEVEL | 0x40));
	ioapic_set_line(&w.a, PIN, true);
	assert_int_equal(get_entry(&w.a, PIN), entry_to(9, LEVEL | 0x40));
	refuse(&w, false);
	put_entry(&w.a, PIN, entry_to(0, LEVEL | 0x40));
	assert_int_equal(w.sent, 1);
}

/* To be told is dear: it happens when a destination changes, and not at each
 * interrupt. */
static void only_changes_of_level_messages_are_told(void **state)
{
	struct world w;

	(void)state;
	make(&w);
	put_entry(&w.a, PIN, entry_to(287, LEVEL | 0x40));
	assert_int_equal(w.told, 1);
	assert_int_equal(w.watched[PIN].address >> 32, 256);
	assert_int_equal(w.watched[PIN].data, 0xc040);
	for (unsigned i = 0; i < IOAPIC_PINS; i++)
		assert_true(i == PIN || w.watched[i].data == 0);
	ioapic_set_line(&w.a, PIN, true);
	put_entry(&w.a, PIN, entry_to(287, LEVEL | MASKED | 0x40));
	ioapic_eoi(&w.a, 0x40);
	put_entry(&w.a, PIN, entry_to(287, LEVEL | 0x40));
	assert_int_equal(w.told, 1);
	put_entry(&w.a, PIN, entry_to(2, LEVEL | 0x40));
	assert_true(w.told > 1);
	assert_int_equal(w.watched[PIN].address, 0xfee02000);
	ioapic_reset(&w.a);
	assert_int_equal(w.watched[PIN].data, 0);
}

/* A host takes milliseconds for it: neither does a line wait, nor is an end missed. */
static void a_line_that_rises_while_a_change_is_told_interrupts_after_it(void **state)
{
	struct world w;

	(void)state;
	make(&w);
	w.raise = true;
	put_entry(&w.a, PIN, entry_to(0, LEVEL | 0x40));
	assert_int_equal(w.told, 1);
	assert_int_equal(w.sent_meanwhile, 0);
	assert_int_equal(w.sent, 1);
	assert_int_equal(get_entry(&w.a, PIN) & IRR, IRR);
	ioapic_eoi(&w.a, 0x40);
	assert_int_equal(w.sent, 2); /* the line is still high */
}

static void a_reset_masks_all_and_lowers_the_lines(void **state)
{
	struct world w;

	(void)state;
	make(&w);
	put_entry(&w.a, PIN, LEVEL | 0x40);
	ioapic_set_line(&w.a, PIN, true);
	ioapic_reset(&w.a);
	assert_int_equal(get_entry(&w.a, PIN), MASKED);
	put_entry(&w.a, PIN, LEVEL | 0x40);
	assert_int_equal(w.sent, 1);
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* What a guest or a device may do, more often than chance would have it where it
 * matters. */
static void do_anything(struct ioapic *a, uint32_t *random)
{
	uint8_t data[8] = { 0 };
	uint32_t r = next_random(random), len = 1u << (r >> 8 & 3);

	bus_put(data, 8, (uint64_t)next_random(random) << 32 | next_random(random));
	if (r >> 30 == 0)
		ioapic_set_line(a, r % IOAPIC_PINS, r >> 16 & 1);
	else if (r >> 29 == 2)
		ioapic_eoi(a, (uint8_t)a->s.entry[r % IOAPIC_PINS]);
	else if (r >> 29 == 3)
		put(a, 0, 0x10 + r % (2 * IOAPIC_PINS));
	else if (r >> 29 == 4)
		ioapic_access(a, r % (IOAPIC_LEN - len + 1), data, len, r >> 16 & 1);
	else
		ioapic_access(a, 0x10, data, len, true);
}

static void nothing_that_a_guest_does_breaks_the_rules(void **state)
{
	uint32_t random = 1;
	struct world w;

	(void)state;
	make(&w);
	for (unsigned i = 0; i < 200000; i++) {
		do_anything(&w.a, &random);
		for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
			uint64_t e = w.a.s.entry[pin];
			bool due = (w.a.s.lines >> pin & 1) &&
				   (e & (LEVEL | MASKED)) == LEVEL;

			assert_true((e & LEVEL) || !(e & IRR));
			assert_true(!due || (e & IRR));
		}
	}
	assert_true(w.sent > 1000);
}

/* The CPU that was interrupted is loaded with the interrupt: it is not sent twice. */
static void a_loaded_one_owes_the_end_and_tells_the_list(void **state)
{
	struct ioapic_state s;
	struct world w, to;

	(void)state;
	make(&w);
	put_entry(&w.a, PIN, entry_to(287, LEVEL | 0x40));
	ioapic_set_line(&w.a, PIN, true);
	put(&w.a, 0, 1);
	ioapic_save(&w.a, &s);
	make(&to);
	assert_int_equal(ioapic_load(&to.a, &s), 0);
	assert_int_equal(to.sent, 0);
	assert_int_equal(to.told, 1);
	assert_int_equal(to.watched[PIN].data, 0xc040);
	assert_int_equal(get(&to.a, 0x10), 0x170011);
	ioapic_set_line(&to.a, PIN, true); /* its device is loaded after it */
	assert_int_equal(to.sent, 0);
	ioapic_eoi(&to.a, 0x40);
	assert_int_equal(to.sent, 1);
}

static void a_state_that_cannot_be_is_refused_and_changes_nothing(void **state)
{
	static const struct ioapic_state bad[] = {
		{ .entry[3] = IRR | 0x40 }, /* of an edge */
		{ .entry[23] = LEVEL | 0x1000 },
		{ .id = 1 },
		{ .lines = 1u << IOAPIC_PINS },
		{ .selected = 0x100 },
		{ .reserved = 1 },
	};
	struct world w;

	(void)state;
	make(&w);
	put_entry(&w.a, 4, 0x41);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(ioapic_load(&w.a, &bad[i]), -EINVAL);
		assert_int_equal(get_entry(&w.a, 4), 0x41);
		assert_int_equal(get_entry(&w.a, 3), MASKED);
	}
	assert_int_equal(w.sent + w.told, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_are_those_of_the_chip),
		cmocka_unit_test(an_edge_is_one_message_where_it_is_not_masked),
		cmocka_unit_test(ids_have_15_bits),
		cmocka_unit_test(modes_go_with_the_message),
		cmocka_unit_test(a_level_line_interrupts_again_after_each_end),
		cmocka_unit_test(a_high_line_interrupts_when_it_is_unmasked),
		cmocka_unit_test(edge_and_back_ends_a_level_one),
		cmocka_unit_test(what_nobody_took_is_sent_again),
		cmocka_unit_test(only_changes_of_level_messages_are_told),
		cmocka_unit_test(a_reset_masks_all_and_lowers_the_lines),
		cmocka_unit_test(
			a_line_that_rises_while_a_change_is_told_interrupts_after_it),
		cmocka_unit_test(nothing_that_a_guest_does_breaks_the_rules),
		cmocka_unit_test(a_loaded_one_owes_the_end_and_tells_the_list),
		cmocka_unit_test(a_state_that_cannot_be_is_refused_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
