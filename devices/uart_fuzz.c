/* Any accesses of the guest and any input and output of the host, in any order
 * (fuzz_fixture.h): a twin that is saved and loaded anew before each step reads the same,
 * sets its line and wakes main the same; a state from elsewhere is refused or is one that
 * can be. */
#include "devices/uart.h"

#include "devices/fuzz_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct rig {
	struct uart u;
	bool line;
	bool loading;
	unsigned edges, wakes;
	uint64_t read; /* what was read, taken or taken in last */
};

static void set_line(void *ctx, bool level)
{
	struct rig *r = ctx;

	MUST(r->loading || r->line != level);
	r->line = level;
	r->edges += !r->loading;
}

static void wake(void *ctx)
{
	struct rig *r = ctx;

	r->wakes += !r->loading;
}

static void do_write(struct rig *r, const uint8_t *a)
{
	put(uart_access, &r->u, a[0] & 7, 1, byte(a + 1));
}

static void do_read(struct rig *r, const uint8_t *a)
{
	r->read = get(uart_access, &r->u, a[0] & 7, width(a[1]));
}

/* Up to all that it holds, and more. */
static void do_print(struct rig *r, const uint8_t *a)
{
	for (unsigned i = 0; i < a[0] * 1100u; i++)
		put(uart_access, &r->u, 0, 1, i);
}

static void do_input(struct rig *r, const uint8_t *a)
{
	uint8_t bytes[15 * 20];

	memset(bytes, byte(a + 1), sizeof(bytes));
	r->read = uart_input(&r->u, bytes, (size_t)a[0] * 20);
}

static void do_take(struct rig *r, const uint8_t *a)
{
	static uint8_t bytes[UART_TX_LEN];
	size_t n = uart_take_output(&r->u, bytes, a[0] < 15 ? a[0] : sizeof(bytes));

	r->read = n;
	for (size_t i = 0; i < n; i++)
		r->read = r->read * 31 + bytes[i];
}

static void do_reset(struct rig *r, const uint8_t *a)
{
	(void)a;
	uart_reset(&r->u);
}

/* Of what was saved one byte is another, but for the buffers. */
static void do_foreign(struct rig *r, const uint8_t *a)
{
	static struct uart_state was, s, is;

	uart_save(&r->u, &was);
	s = was;
	((unsigned char *)&s)[byte(a) % offsetof(struct uart_state, rx)] ^= byte(a + 2);
	r->loading = true;
	if (uart_load(&r->u, &s) < 0)
		s = was;
	r->loading = false;
	uart_save(&r->u, &is);
	MUST(memcmp(&is, &s, sizeof(s)) == 0);
}

static const struct step {
	char letter;
	unsigned char args;
	void (*fn)(struct rig *r, const uint8_t *a);
} steps[] = {
	{ 'w', 3, do_write },   { 'r', 2, do_read }, { 'P', 1, do_print },
	{ 'i', 3, do_input },   { 't', 1, do_take }, { 'z', 0, do_reset },
	{ 'x', 4, do_foreign },
};
#define NSTEPS (sizeof(steps) / sizeof(steps[0]))

static void move(struct rig *r)
{
	static struct uart_state s;

	uart_save(&r->u, &s);
	r->line = false;
	uart_init(&r->u, set_line, wake, r);
	r->loading = true;
	MUST(uart_load(&r->u, &s) == 0);
	r->loading = false;
}

static void check(struct rig *r, struct rig *twin)
{
	static struct uart_state a, b;

	uart_save(&r->u, &a);
	uart_save(&twin->u, &b);
	MUST(memcmp(&a, &b, sizeof(a)) == 0);
	MUST(a.rx_count <= UART_RX_LEN && a.tx_count <= UART_TX_LEN);
	MUST(r->line == r->u.level && r->line == twin->line);
	MUST(r->edges == twin->edges && r->wakes == twin->wakes);
	MUST(r->read == twin->read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rig r, twin;
	uint8_t a[STEP_ARGS];

	memset(&r, 0, sizeof(r));
	memset(&twin, 0, sizeof(twin));
	uart_init(&r.u, set_line, wake, &r);
	uart_init(&twin.u, set_line, wake, &twin);
	for (const uint8_t *p = data, *end = data + size; p < end;) {
		const struct step *step = steps;

		while (step < steps + NSTEPS && step->letter != (char)*p)
			step++;
		p++;
		if (step == steps + NSTEPS)
			continue;
		if (end - p < step->args)
			break;
		take_args(a, p, step->args);
		step->fn(&r, a);
		move(&twin);
		step->fn(&twin, a);
		check(&r, &twin);
		p += step->args;
	}
	return 0;
}
