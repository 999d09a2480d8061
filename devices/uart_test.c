#include "devices/uart.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { RBR_THR = 0, IER = 1, IIR_FCR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6, SCR = 7 };

struct fixture {
	struct uart uart;
	bool level;
	unsigned edges, wakes;
};

static void irq(void *ctx, bool level)
{
	struct fixture *f = ctx;

	f->edges += level && !f->level;
	f->level = level;
}

static void wake(void *ctx)
{
	((struct fixture *)ctx)->wakes++;
}

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	uart_init(&f->uart, irq, wake, f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	test_free(*state);
	return 0;
}

static void wr(struct fixture *f, uint64_t reg, uint8_t value)
{
	uart_access(&f->uart, reg, &value, 1, true);
}

static uint8_t rd(struct fixture *f, uint64_t reg)
{
	uint8_t value = 0xaa;

	uart_access(&f->uart, reg, &value, 1, false);
	return value;
}

static unsigned divisor(struct fixture *f)
{
	unsigned d;

	wr(f, LCR, 0x80);
	d = rd(f, RBR_THR) | (unsigned)rd(f, IER) << 8;
	wr(f, LCR, 0);
	return d;
}

/* Linux divides by it where its command line names no baud. */
static void the_divisor_is_never_0_at_the_start(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(divisor(f), 12); /* after a reset, too: see there */
}

static void output_waits_for_main_and_wakes_it_once(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[8];

	wr(f, RBR_THR, 'h');
	wr(f, RBR_THR, 'i');
	assert_int_equal(f->wakes, 1);
	assert_int_equal(uart_take_output(&f->uart, buf, sizeof(buf)), 2);
	assert_memory_equal(buf, "hi", 2);
	assert_int_equal(uart_take_output(&f->uart, buf, sizeof(buf)), 0);
}

static void a_full_transmitter_says_busy_and_interrupts_when_there_is_room(void **state)
{
	static uint8_t buf[UART_TX_LEN];
	struct fixture *f = *state;
	unsigned n = 0;

	wr(f, IER, 0x02);
	for (; rd(f, LSR) & 0x20; n++)
		wr(f, RBR_THR, (uint8_t)n);
	assert_true(n > UART_TX_LEN - 32 && n <= UART_TX_LEN);
	(void)rd(f, IIR_FCR);
	assert_false(f->level);
	f->edges = 0;
	assert_int_equal(uart_take_output(&f->uart, buf, sizeof(buf)), n);
	assert_int_equal(f->edges, 1);
	assert_int_equal(rd(f, IIR_FCR) & 0xf, 0x02);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(buf[i], (uint8_t)i);
}

static void each_byte_written_gives_a_new_edge(void **state)
{
	struct fixture *f = *state;

	wr(f, IER, 0x02);
	f->edges = 0;
	wr(f, RBR_THR, 'a');
	wr(f, RBR_THR, 'b');
	assert_int_equal(f->edges, 2);
}

static void input_interrupts_until_it_is_read(void **state)
{
	struct fixture *f = *state;

	wr(f, IER, 0x01);
	assert_int_equal(uart_input(&f->uart, (const uint8_t *)"ab", 2), 2);
	assert_true(f->level);
	assert_int_equal(rd(f, IIR_FCR) & 0xf, 0x04);
	assert_int_equal(rd(f, LSR) & 1, 1);
	assert_int_equal(rd(f, RBR_THR), 'a');
	assert_true(f->level);
	assert_int_equal(rd(f, RBR_THR), 'b');
	assert_false(f->level);
	assert_int_equal(rd(f, LSR) & 1, 0);
}

static void refused_input_wakes_main_when_the_guest_has_read_all(void **state)
{
	struct fixture *f = *state;
	uint8_t in[UART_RX_LEN + 10] = { 0 };

	assert_int_equal(uart_input(&f->uart, in, sizeof(in)), UART_RX_LEN);
	for (int i = 0; i < UART_RX_LEN - 1; i++)
		(void)rd(f, RBR_THR);
	assert_int_equal(f->wakes, 0);
	(void)rd(f, RBR_THR);
	assert_int_equal(f->wakes, 1);
	(void)rd(f, RBR_THR);
	assert_int_equal(f->wakes, 1);
}

static void loopback_is_what_drivers_probe_for(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[1];

	wr(f, MCR, 0x10 | 0x0a); /* loop, RTS, OUT2 */
	assert_int_equal(rd(f, MSR) & 0xf0, 0x90);
	wr(f, RBR_THR, 'x');
	assert_int_equal(rd(f, RBR_THR), 'x');
	assert_int_equal(uart_take_output(&f->uart, buf, 1), 0);
}

static void the_divisor_hides_behind_its_latch(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[1];

	wr(f, LCR, 0x83);
	wr(f, RBR_THR, 1);
	wr(f, IER, 2);
	assert_int_equal(rd(f, RBR_THR), 1);
	assert_int_equal(rd(f, IER), 2);
	wr(f, LCR, 0x03);
	assert_int_equal(rd(f, IER), 0);
	assert_int_equal(uart_take_output(&f->uart, buf, 1), 0);
	wr(f, SCR, 0x5a);
	assert_int_equal(rd(f, SCR), 0x5a);
	wr(f, IIR_FCR, 0x01);
	assert_int_equal(rd(f, IIR_FCR), 0xc1);
}

static void a_reset_clears_everything_but_the_last_words(void **state)
{
	static const uint8_t input[UART_RX_LEN + 1];
	struct fixture *f = *state;
	uint8_t buf[8];

	wr(f, IIR_FCR, 0x01);
	wr(f, LCR, 0x83);
	wr(f, RBR_THR, 1);
	wr(f, LCR, 0x03);
	wr(f, MCR, 0x0b);
	wr(f, SCR, 0x5a);
	wr(f, IER, 0x03);
	wr(f, RBR_THR, '!');
	assert_int_equal(uart_input(&f->uart, input, sizeof(input)), UART_RX_LEN);
	assert_true(f->level);
	f->wakes = 0;
	uart_reset(&f->uart);
	assert_false(f->level);
	assert_int_equal(f->wakes, 1); /* there is room for the input that was refused */
	for (uint64_t reg = IER; reg <= SCR; reg++)
		if (reg != LSR && reg != MSR && reg != IIR_FCR)
			assert_int_equal(rd(f, reg), 0);
	assert_int_equal(rd(f, IIR_FCR), 0x01);
	assert_int_equal(rd(f, LSR), 0x60);
	assert_int_equal(divisor(f), 12);
	assert_int_equal(uart_take_output(&f->uart, buf, sizeof(buf)), 1);
	assert_int_equal(buf[0], '!');
}

static void a_loaded_one_goes_on_where_the_saved_one_was(void **state)
{
	static struct uart_state s;
	struct fixture *f = *state, *to;
	uint8_t out[4];

	wr(f, IER, 1);
	wr(f, SCR, 0x42);
	wr(f, RBR_THR, 'o');
	assert_int_equal(uart_input(&f->uart, (const uint8_t *)"in", 2), 2);
	uart_save(&f->uart, &s);
	assert_int_equal(setup((void **)&to), 0);
	assert_int_equal(uart_load(&to->uart, &s), 0);
	assert_true(to->level);
	assert_int_equal(to->wakes, 1);
	assert_int_equal(rd(to, SCR), 0x42);
	assert_int_equal(rd(to, RBR_THR), 'i');
	assert_int_equal(rd(to, RBR_THR), 'n');
	assert_false(to->level);
	assert_int_equal(uart_take_output(&to->uart, out, sizeof(out)), 1);
	assert_int_equal(out[0], 'o');
	teardown((void **)&to);
}

static void no_such_ier(struct uart_state *s)
{
	s->ier = 0x10;
}

static void no_such_mcr(struct uart_state *s)
{
	s->mcr = 0x20;
}

static void no_bool(struct uart_state *s)
{
	s->thri = 2;
}

static void empty_with_no_room(struct uart_state *s)
{
	s->thri = 1;
	s->tx_count = UART_TX_LEN;
}

static void refused_with_room(struct uart_state *s)
{
	s->rx_wanted = 1;
}

static void rx_past_its_end(struct uart_state *s)
{
	s->rx_head = UART_RX_LEN;
}

static void more_rx_than_room(struct uart_state *s)
{
	s->rx_count = UART_RX_LEN + 1;
}

static void tx_past_its_end(struct uart_state *s)
{
	s->tx_head = UART_TX_LEN;
}

static void more_tx_than_room(struct uart_state *s)
{
	s->tx_count = UART_TX_LEN + 1;
}

static void more_than_there_is(struct uart_state *s)
{
	s->reserved[2] = 1;
}

static void a_state_that_cannot_be_is_refused_and_changes_nothing(void **state)
{
	static void (*const spoil[])(struct uart_state * s) = {
		no_such_ier,        no_such_mcr,       no_bool,
		empty_with_no_room, refused_with_room, rx_past_its_end,
		more_rx_than_room,  tx_past_its_end,   more_tx_than_room,
		more_than_there_is,
	};
	static struct uart_state was, s, is;
	struct fixture *f = *state;

	uart_save(&f->uart, &was);
	for (size_t i = 0; i < sizeof(spoil) / sizeof(spoil[0]); i++) {
		s = was;
		spoil[i](&s);
		assert_int_equal(uart_load(&f->uart, &s), -EINVAL);
		uart_save(&f->uart, &is);
		assert_memory_equal(&is, &was, sizeof(is));
	}
	assert_int_equal(f->wakes, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_divisor_is_never_0_at_the_start),
		TEST(output_waits_for_main_and_wakes_it_once),
		TEST(a_full_transmitter_says_busy_and_interrupts_when_there_is_room),
		TEST(each_byte_written_gives_a_new_edge),
		TEST(input_interrupts_until_it_is_read),
		TEST(refused_input_wakes_main_when_the_guest_has_read_all),
		TEST(loopback_is_what_drivers_probe_for),
		TEST(the_divisor_hides_behind_its_latch),
		TEST(a_reset_clears_everything_but_the_last_words),
		TEST(a_loaded_one_goes_on_where_the_saved_one_was),
		TEST(a_state_that_cannot_be_is_refused_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
