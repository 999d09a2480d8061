#include "guest-tests/images/bare.h"

#include "acpi/layout.h"

#define UNMAPPED     UINT64_C(0x4000000000)
#define NOWHERE      UINT64_C(0xd0000000) /* in the hole below 4 GiB */
#define PATIENCE_TSC UINT64_C(60000000000)

/* The machine may take a moment to end. */
static void rest(void)
{
	uint64_t start = rdtsc();

	while (rdtsc() - start < PATIENCE_TSC)
		;
	say("bare: FAULT still here\n");
	for (;;)
		__asm__ volatile("cli; hlt");
}

void power_off(void)
{
	say("bare: poweroff\n");
	if (sleep_control != 0)
		*mem8(sleep_control) = SLEEP_SLP_EN | SLEEP_S5_TYPE << 2;
	rest();
}

void reset(void)
{
	say("bare: reset\n");
	if (reset_register != 0)
		*mem8(reset_register) = reset_value;
	rest();
}

static void cf9(void)
{
	out8(0xcf9, 0x02);
	out8(0xcf9, 0x06);
	rest();
}

static void kbd(void)
{
	while (in8(0x64) & 2)
		;
	out8(0x64, 0xfe);
	rest();
}

/* A page fault without an IDT. */
void triple_fault(void)
{
	static const struct __attribute__((packed)) {
		uint16_t limit;
		uint64_t base;
	} none = { 0, 0 };

	__asm__ volatile("lidt %0" : : "m"(none));
	(void)*mem8(UNMAPPED);
	rest();
}

/* Code where no memory is: KVM cannot fetch it, whichever kind of KVM it is. */
void bad_instruction(void)
{
	((void (*)(void))NOWHERE)();
	rest();
}

static void halt(void)
{
	say("bare: halt\n");
	for (;;)
		__asm__ volatile("cli; hlt");
}

static void echo(void)
{
	uint8_t byte;

	say("bare: ready\n");
	for (;;)
		if (uart_get(&byte))
			uart_put(byte);
}

static void flood(void)
{
	for (uint64_t n = 0;; n++) {
		say("bare: flood ");
		say_dec(n);
		say("\n");
	}
}

/* One instruction that leaves the guest a billion times: each byte is an access of its
 * own. */
static void string_out(void)
{
	uint64_t from = 32 << 20; /* nothing is there */
	uint64_t count = 1000000000;

	say("bare: string\n");
	__asm__ volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(0x3f8) : "memory");
}

static void wait_for_byte(void)
{
	uint8_t byte;

	say("bare: waits\n");
	while (!uart_get(&byte))
		;
}

void obey_end(void)
{
	static const struct {
		const char *mode;
		void (*fn)(void);
	} ends[] = {
		{ "mode=poweroff", power_off },
		{ "mode=reset", reset },
		{ "mode=cf9", cf9 },
		{ "mode=kbd", kbd },
		{ "mode=triple", triple_fault },
		{ "mode=badinsn", bad_instruction },
		{ "mode=halt", halt },
		{ "mode=echo", echo },
		{ "mode=flood", flood },
		{ "mode=string", string_out },
	};

	for (unsigned i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (!option(ends[i].mode))
			continue;
		if (option("wait"))
			wait_for_byte();
		ends[i].fn();
	}
}

static uint32_t next_random(uint32_t *state)
{
	uint32_t x = *state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return *state = x;
}

/* Reads or writes 1, 2, 4 or 8 bytes. */
static void touch(uint64_t gpa, uint32_t how, uint64_t v)
{
	switch (how % 8) {
	case 0:
		*mem8(gpa) = (uint8_t)v;
		break;
	case 1:
		*(volatile uint16_t *)gpa = (uint16_t)v;
		break;
	case 2:
		*mem32(gpa) = (uint32_t)v;
		break;
	case 3:
		*mem64(gpa) = v;
		break;
	case 4:
		(void)*mem8(gpa);
		break;
	case 5:
		(void)*(volatile uint16_t *)gpa;
		break;
	case 6:
		(void)*mem32(gpa);
		break;
	default:
		(void)*mem64(gpa);
		break;
	}
}

/* Nonsense, but more often than chance would have it values that mean something. */
static uint32_t some_value(uint32_t *state)
{
	uint32_t r = next_random(state);

	switch (r >> 29) {
	case 0:
	case 1:
	case 2:
		return r % 16;
	case 3:
		return r % BARE_CPUS_MAX;
	case 4:
		return 0xffffffff;
	default:
		return next_random(state);
	}
}

static void touch_port(uint32_t *state)
{
	uint32_t r = next_random(state);
	uint16_t port =
		r & 1 ? (uint16_t)(UART_BASE + (r >> 8) % UART_LEN) : (uint16_t)(r >> 8);

	if (port >= 0xcf6 && port <= 0xcff) /* an access may be wide */
		return;
	if (port >= 0x61 && port <= 0x64)
		return;
	switch (r >> 28 & 3) {
	case 0:
		(void)in8(port);
		break;
	case 1:
		out8(port, (uint8_t)next_random(state));
		break;
	case 2:
		__asm__ volatile("outl %0, %1" : : "a"(next_random(state)), "Nd"(port));
		break;
	default:
		__asm__ volatile("outw %0, %1"
				 :
				 : "a"((uint16_t)next_random(state)), "Nd"(port));
		break;
	}
}

/* The sleep control byte and the reset byte would end it, so these are only read; the
 * status byte between them is written. */
static void touch_sleep(uint32_t *state)
{
	uint32_t r = next_random(state);

	if (r & 1)
		*mem8(SLEEP_BASE + SLEEP_STATUS) = (uint8_t)(r >> 8);
	else
		touch(SLEEP_BASE + (r >> 8) % 8, 4 + (r >> 16) % 4, 0);
}

void hostile(uint32_t index)
{
	uint64_t count = option_number("count=", 20000);
	uint32_t state = 2463534242u + index * 7919;
	static volatile bool all; /* are there: they begin together */

	if (index == 0)
		all = true;
	while (!all)
		;
	for (uint64_t i = 0; i < count; i++) {
		uint32_t what = next_random(&state) % 16;

		if (what < 9)
			touch(CPUHP_BASE + next_random(&state) % (CPUHP_LEN + 4),
			      next_random(&state), some_value(&state));
		else if (what < 11)
			*mem32(CPUHP_BASE + CPUHP_SELECTOR) = some_value(&state);
		else if (what < 13)
			touch(GED_BASE + next_random(&state) % (GED_LEN + 4),
			      next_random(&state), some_value(&state));
		else if (what < 14)
			touch_sleep(&state);
		else
			touch_port(&state);
	}
}
