#include "devices/uart.h"

#include <errno.h>

#include "devices/bus.h"

enum { RBR_THR = 0, IER = 1, IIR_FCR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6, SCR = 7 };

#define IER_RX    0x01
#define IER_TX    0x02
#define IER_MASK  0x0f
#define IIR_NONE  0x01
#define IIR_TX    0x02
#define IIR_RX    0x04
#define IIR_FIFO  0xc0
#define FCR_ON    0x01
#define FCR_CLRX  0x02
#define LCR_DLAB  0x80
#define MCR_DTR   0x01
#define MCR_RTS   0x02
#define MCR_OUT1  0x04
#define MCR_OUT2  0x08
#define MCR_LOOP  0x10
#define MCR_MASK  0x1f
#define LSR_DR    0x01
#define LSR_EMPTY 0x60 /* holding register and shifter */
#define MSR_CTS   0x10
#define MSR_DSR   0x20
#define MSR_RI    0x40
#define MSR_DCD   0x80

#define FIFO_LEN                                                                         \
	16 /* a driver that sees the transmitter empty may write this many bytes */

/* 9600 baud. Linux with console=uart8250,... and no baud divides by it, in its
 * decompressor, too. */
#define DLL_AT_POWER_ON 12

void uart_init(struct uart *u, void (*irq)(void *ctx, bool level),
	       void (*wake)(void *ctx), void *ctx)
{
	*u = (struct uart){ .irq = irq,
			    .wake = wake,
			    .ctx = ctx,
			    .lock = MTX_INIT,
			    .s.dll = DLL_AT_POWER_ON };
}

static bool tx_room(const struct uart_state *s)
{
	return UART_TX_LEN - s->tx_count >= FIFO_LEN;
}

static uint8_t cause_locked(const struct uart *u) HOLDS(u->lock, RANK_UART)
{
	if ((u->s.ier & IER_RX) && u->s.rx_count > 0)
		return IIR_RX;
	if ((u->s.ier & IER_TX) && u->s.thri)
		return IIR_TX;
	return IIR_NONE;
}

static void update_irq_locked(struct uart *u) HOLDS(u->lock, RANK_UART)
{
	bool level = cause_locked(u) != IIR_NONE;

	if (level != u->level)
		u->irq(u->ctx, level);
	u->level = level;
}

static void push_rx_locked(struct uart *u, uint8_t byte) HOLDS(u->lock, RANK_UART)
{
	if (u->s.rx_count < UART_RX_LEN)
		u->s.rx[(u->s.rx_head + u->s.rx_count++) % UART_RX_LEN] = byte;
}

/* The byte is gone at once, so the line drops and rises: the guest sees an edge. */
static void transmit_locked(struct uart *u, uint8_t byte) HOLDS(u->lock, RANK_UART)
{
	if (u->s.mcr & MCR_LOOP)
		push_rx_locked(u, byte);
	else if (u->s.tx_count < UART_TX_LEN)
		u->s.tx[(u->s.tx_head + u->s.tx_count++) % UART_TX_LEN] = byte;
	u->s.thri = false;
	update_irq_locked(u);
	u->s.thri = tx_room(&u->s);
}

static void set_ier_locked(struct uart *u, uint8_t value) HOLDS(u->lock, RANK_UART)
{
	if ((value & IER_TX) && !(u->s.ier & IER_TX) && tx_room(&u->s))
		u->s.thri = true;
	u->s.ier = value & IER_MASK;
}

static void write_locked(struct uart *u, uint64_t offset, uint8_t value)
	HOLDS(u->lock, RANK_UART)
{
	bool dlab = u->s.lcr & LCR_DLAB;

	if (offset == RBR_THR && dlab)
		u->s.dll = value;
	else if (offset == RBR_THR)
		transmit_locked(u, value);
	else if (offset == IER && dlab)
		u->s.dlm = value;
	else if (offset == IER)
		set_ier_locked(u, value);
	else if (offset == IIR_FCR) {
		u->s.fcr = value;
		if (value & FCR_CLRX)
			u->s.rx_count = 0;
	} else if (offset == LCR)
		u->s.lcr = value;
	else if (offset == MCR)
		u->s.mcr = value & MCR_MASK;
	else if (offset == SCR)
		u->s.scr = value;
}

static uint8_t receive_locked(struct uart *u) HOLDS(u->lock, RANK_UART)
{
	uint8_t byte = 0;

	if (u->s.rx_count > 0) {
		byte = u->s.rx[u->s.rx_head];
		u->s.rx_head = (u->s.rx_head + 1) % UART_RX_LEN;
		u->s.rx_count--;
	}
	return byte;
}

static uint8_t iir_locked(struct uart *u) HOLDS(u->lock, RANK_UART)
{
	uint8_t cause = cause_locked(u);

	if (cause == IIR_TX)
		u->s.thri = false;
	return (uint8_t)(cause | (u->s.fcr & FCR_ON ? IIR_FIFO : 0));
}

static uint8_t msr_locked(const struct uart *u) HOLDS(u->lock, RANK_UART)
{
	if (!(u->s.mcr & MCR_LOOP))
		return MSR_DCD | MSR_DSR | MSR_CTS;
	return (uint8_t)((u->s.mcr & MCR_RTS ? MSR_CTS : 0) |
			 (u->s.mcr & MCR_DTR ? MSR_DSR : 0) |
			 (u->s.mcr & MCR_OUT1 ? MSR_RI : 0) |
			 (u->s.mcr & MCR_OUT2 ? MSR_DCD : 0));
}

static uint8_t read_locked(struct uart *u, uint64_t offset) HOLDS(u->lock, RANK_UART)
{
	bool dlab = u->s.lcr & LCR_DLAB;

	switch (offset) {
	case RBR_THR:
		return dlab ? u->s.dll : receive_locked(u);
	case IER:
		return dlab ? u->s.dlm : u->s.ier;
	case IIR_FCR:
		return iir_locked(u);
	case LCR:
		return u->s.lcr;
	case MCR:
		return u->s.mcr;
	case LSR:
		return (uint8_t)((u->s.rx_count ? LSR_DR : 0) |
				 (tx_room(&u->s) ? LSR_EMPTY : 0));
	case MSR:
		return msr_locked(u);
	default:
		return u->s.scr;
	}
}

void uart_reset(struct uart *u)
{
	bool wake;

	mtx_lock_at(&u->lock, &RANK_UART);
	u->s.ier = u->s.fcr = u->s.lcr = u->s.mcr = u->s.scr = u->s.dlm = 0;
	u->s.dll = DLL_AT_POWER_ON;
	u->s.thri = false;
	u->s.rx_count = 0;
	wake = u->s.rx_wanted;
	u->s.rx_wanted = false;
	update_irq_locked(u);
	mtx_unlock_at(&u->lock, &RANK_UART);
	if (wake)
		u->wake(u->ctx);
}

/* Registers are bytes: a wider access acts on the first one. */
void uart_access(void *dev, uint64_t offset, uint8_t *data, uint32_t len, bool write)
{
	struct uart *u = dev;
	bool was_empty, wake;
	uint8_t value = 0;

	mtx_lock_at(&u->lock, &RANK_UART);
	was_empty = u->s.tx_count == 0;
	if (write)
		write_locked(u, offset, data[0]);
	else
		value = read_locked(u, offset);
	update_irq_locked(u);
	wake = (was_empty && u->s.tx_count > 0) || (u->s.rx_wanted && u->s.rx_count == 0);
	if (u->s.rx_count == 0)
		u->s.rx_wanted = false;
	mtx_unlock_at(&u->lock, &RANK_UART);
	if (!write)
		bus_put(data, len, value);
	if (wake)
		u->wake(u->ctx);
}

size_t uart_take_output(struct uart *u, uint8_t *buf, size_t cap)
{
	size_t n = 0;

	mtx_lock_at(&u->lock, &RANK_UART);
	bool had_room = tx_room(&u->s);

	for (; n < cap && u->s.tx_count > 0; n++, u->s.tx_count--) {
		buf[n] = u->s.tx[u->s.tx_head];
		u->s.tx_head = (u->s.tx_head + 1) % UART_TX_LEN;
	}
	if (!had_room && tx_room(&u->s))
		u->s.thri = true;
	update_irq_locked(u);
	mtx_unlock_at(&u->lock, &RANK_UART);
	return n;
}

size_t uart_input(struct uart *u, const uint8_t *buf, size_t len)
{
	size_t n = 0;

	mtx_lock_at(&u->lock, &RANK_UART);
	for (; n < len && u->s.rx_count < UART_RX_LEN; n++)
		push_rx_locked(u, buf[n]);
	u->s.rx_wanted = n < len;
	update_irq_locked(u);
	mtx_unlock_at(&u->lock, &RANK_UART);
	return n;
}

void uart_save(struct uart *u, struct uart_state *out)
{
	mtx_lock_at(&u->lock, &RANK_UART);
	*out = u->s;
	mtx_unlock_at(&u->lock, &RANK_UART);
}

static bool buffers_can_be(const struct uart_state *s)
{
	return s->rx_head < UART_RX_LEN && s->rx_count <= UART_RX_LEN &&
	       s->tx_head < UART_TX_LEN && s->tx_count <= UART_TX_LEN;
}

static bool can_be(const struct uart_state *s)
{
	return buffers_can_be(s) && (s->ier & ~IER_MASK) == 0 &&
	       (s->mcr & ~MCR_MASK) == 0 && s->thri <= (tx_room(s) ? 1 : 0) &&
	       s->rx_wanted <= (s->rx_count > 0 ? 1 : 0) &&
	       (s->reserved[0] | s->reserved[1] | s->reserved[2]) == 0;
}

int uart_load(struct uart *u, const struct uart_state *in)
{
	if (!can_be(in))
		return -EINVAL;
	mtx_lock_at(&u->lock, &RANK_UART);
	u->s = *in;
	u->level = cause_locked(u) != IIR_NONE;
	u->irq(u->ctx, u->level);
	mtx_unlock_at(&u->lock, &RANK_UART);
	u->wake(u->ctx);
	return 0;
}
