#include "guest-tests/images/bare.h"

#include "acpi/layout.h"

enum { THR = 0, IER = 1, FCR = 2, LCR = 3, MCR = 4, LSR = 5 };

#define LSR_READY 0x01
#define LSR_EMPTY 0x20
#define FIFO_LEN  16

static const char *cmdline = "";

void uart_setup(bool interrupts)
{
	out8(UART_BASE + LCR, 0x03);
	out8(UART_BASE + FCR, 0x07);
	out8(UART_BASE + MCR, 0x0b);
	out8(UART_BASE + IER, interrupts ? 1 : 0);
}

bool uart_get(uint8_t *byte)
{
	if (!(in8(UART_BASE + LSR) & LSR_READY))
		return false;
	*byte = in8(UART_BASE + THR);
	return true;
}

void uart_put(uint8_t byte)
{
	static unsigned room;

	/* An access to a register takes long: ask once for a whole FIFO. */
	while (room == 0)
		if (in8(UART_BASE + LSR) & LSR_EMPTY)
			room = FIFO_LEN;
	room--;
	out8(UART_BASE + THR, byte);
}

void say(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n')
			uart_put('\r');
		uart_put((uint8_t)*text);
	}
}

static void say_number(uint64_t v, unsigned base)
{
	char buf[24], *p = buf + sizeof(buf) - 1;

	*p = '\0';
	do {
		*--p = "0123456789abcdef"[v % base];
		v /= base;
	} while (v > 0);
	say(p);
}

void say_dec(uint64_t v)
{
	say_number(v, 10);
}

void say_hex(uint64_t v)
{
	say("0x");
	say_number(v, 16);
}

void cmdline_set(uint64_t gpa)
{
	if (gpa != 0)
		cmdline = (const char *)gpa;
	say("bare: cmdline ");
	say(cmdline);
	say("\n");
}

static unsigned length(const char *s)
{
	unsigned n = 0;

	while (s[n] != '\0')
		n++;
	return n;
}

bool same_text(const char *a, const char *b, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

/* What follows the word in the command line, or NULL. */
static const char *find(const char *word)
{
	unsigned len = length(word);

	for (const char *p = cmdline; *p != '\0'; p++)
		if ((p == cmdline || p[-1] == ' ') && same_text(p, word, len))
			return p + len;
	return (const char *)0;
}

bool option(const char *word)
{
	const char *end = find(word);

	return end != (const char *)0 && (*end == '\0' || *end == ' ');
}

uint64_t option_number(const char *key, uint64_t otherwise)
{
	const char *p = find(key);
	uint64_t v = 0;

	if (p == (const char *)0)
		return otherwise;
	for (; *p >= '0' && *p <= '9'; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	return v;
}
