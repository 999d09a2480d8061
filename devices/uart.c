#include "devices/uart.h"

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
			    .dll = DLL_AT_POWER_ON };
}

static bool tx_room_locked(const struct uart *u) HOLDS(u->lock)
{
	return UART_TX_LEN - u->tx_count >= FIFO_LEN;
}

static uint8_t cause_locked(const struct uart *u) HOLDS(u->lock)
{
	if ((u->ier & IER_RX) && u->rx_count > 0)
		return IIR_RX;
	if ((u->ier & IER_TX) && u->thri)
		return IIR_TX;
	return IIR_NONE;
}

static void update_irq_locked(struct uart *u) HOLDS(u->lock)
{
	bool level = cause_locked(u) != IIR_NONE;

	if (level != u->level)
		u->irq(u->ctx, level);
	u->level = level;
}

static void push_rx_locked(struct uart *u, uint8_t byte) HOLDS(u->lock)
{
	if (u->rx_count < UART_RX_LEN)
		u->rx[(u->rx_head + u->rx_count++) % UART_RX_LEN] = byte;
}

/* The byte is gone at once, so the line drops and rises: the guest sees an edge. */
static void transmit_locked(struct uart *u, uint8_t byte) HOLDS(u->lock)
{
	if (u->mcr & MCR_LOOP)
		push_rx_locked(u, byte);
	else if (u->tx_count < UART_TX_LEN)
		u->tx[(u->tx_head + u->tx_count++) % UART_TX_LEN] = byte;
	u->thri = false;
	update_irq_locked(u);
	u->thri = tx_room_locked(u);
}

static void set_ier_locked(struct uart *u, uint8_t value) HOLDS(u->lock)
{
	if ((value & IER_TX) && !(u->ier & IER_TX) && tx_room_locked(u))
		u->thri = true;
	u->ier = value & IER_MASK;
}

static void write_locked(struct uart *u, uint64_t offset, uint8_t value) HOLDS(u->lock)
{
	bool dlab = u->lcr & LCR_DLAB;

	if (offset == RBR_THR && dlab)
		u->dll = value;
	else if (offset == RBR_THR)
		transmit_locked(u, value);
	else if (offset == IER && dlab)
		u->dlm = value;
	else if (offset == IER)
		set_ier_locked(u, value);
	else if (offset == IIR_FCR) {
		u->fcr = value;
		if (value & FCR_CLRX)
			u->rx_count = 0;
	} else if (offset == LCR)
		u->lcr = value;
	else if (offset == MCR)
		u->mcr = value & MCR_MASK;
	else if (offset == SCR)
		u->scr = value;
}

static uint8_t receive_locked(struct uart *u) HOLDS(u->lock)
{
	uint8_t byte = 0;

	if (u->rx_count > 0) {
		byte = u->rx[u->rx_head];
		u->rx_head = (u->rx_head + 1) % UART_RX_LEN;
		u->rx_count--;
	}
	return byte;
}

static uint8_t iir_locked(struct uart *u) HOLDS(u->lock)
{
	uint8_t cause = cause_locked(u);

	if (cause == IIR_TX)
		u->thri = false;
	return (uint8_t)(cause | (u->fcr & FCR_ON ? IIR_FIFO : 0));
}

static uint8_t msr_locked(const struct uart *u) HOLDS(u->lock)
{
	if (!(u->mcr & MCR_LOOP))
		return MSR_DCD | MSR_DSR | MSR_CTS;
	return (uint8_t)((u->mcr & MCR_RTS ? MSR_CTS : 0) |
			 (u->mcr & MCR_DTR ? MSR_DSR : 0) |
			 (u->mcr & MCR_OUT1 ? MSR_RI : 0) |
			 (u->mcr & MCR_OUT2 ? MSR_DCD : 0));
}

static uint8_t read_locked(struct uart *u, uint64_t offset) HOLDS(u->lock)
{
	bool dlab = u->lcr & LCR_DLAB;

	switch (offset) {
	case RBR_THR:
		return dlab ? u->dll : receive_locked(u);
	case IER:
		return dlab ? u->dlm : u->ier;
	case IIR_FCR:
		return iir_locked(u);
	case LCR:
		return u->lcr;
	case MCR:
		return u->mcr;
	case LSR:
		return (uint8_t)((u->rx_count ? LSR_DR : 0) |
				 (tx_room_locked(u) ? LSR_EMPTY : 0));
	case MSR:
		return msr_locked(u);
	default:
		return u->scr;
	}
}

void uart_reset(struct uart *u)
{
	bool wake;

	mtx_lock(&u->lock);
	u->ier = u->fcr = u->lcr = u->mcr = u->scr = u->dlm = 0;
	u->dll = DLL_AT_POWER_ON;
	u->thri = false;
	u->rx_count = 0;
	wake = u->rx_wanted;
	u->rx_wanted = false;
	update_irq_locked(u);
	mtx_unlock(&u->lock);
	if (wake)
		u->wake(u->ctx);
}

/* Registers are bytes: a wider access acts on the first one. */
void uart_access(void *dev, uint64_t offset, uint8_t *data, uint32_t len, bool write)
{
	struct uart *u = dev;
	bool was_empty, wake;
	uint8_t value = 0;

	mtx_lock(&u->lock);
	was_empty = u->tx_count == 0;
	if (write)
		write_locked(u, offset, data[0]);
	else
		value = read_locked(u, offset);
	update_irq_locked(u);
	wake = (was_empty && u->tx_count > 0) || (u->rx_wanted && u->rx_count == 0);
	if (u->rx_count == 0)
		u->rx_wanted = false;
	mtx_unlock(&u->lock);
	if (!write)
		bus_put(data, len, value);
	if (wake)
		u->wake(u->ctx);
}

size_t uart_take_output(struct uart *u, uint8_t *buf, size_t cap)
{
	size_t n = 0;

	mtx_lock(&u->lock);
	bool had_room = tx_room_locked(u);

	for (; n < cap && u->tx_count > 0; n++, u->tx_count--) {
		buf[n] = u->tx[u->tx_head];
		u->tx_head = (u->tx_head + 1) % UART_TX_LEN;
	}
	if (!had_room && tx_room_locked(u))
		u->thri = true;
	update_irq_locked(u);
	mtx_unlock(&u->lock);
	return n;
}

size_t uart_input(struct uart *u, const uint8_t *buf, size_t len)
{
	size_t n = 0;

	mtx_lock(&u->lock);
	for (; n < len && u->rx_count < UART_RX_LEN; n++)
		push_rx_locked(u, buf[n]);
	u->rx_wanted = n < len;
	update_irq_locked(u);
	mtx_unlock(&u->lock);
	return n;
}
