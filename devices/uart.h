#ifndef DEVICES_UART_H
#define DEVICES_UART_H
/* uart: a 16550A. Bytes from the guest wait in a buffer until main takes them, so that no
 * vCPU thread ever waits for a terminal; when it is full the transmitter says busy.
 * Register names and bits as in the PC16550D data sheet. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/mtx.h"

#define UART_RX_LEN 256
#define UART_TX_LEN 16384

/* What it is, as plain data that can be saved. */
struct uart_state {
	uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
	uint8_t thri;      /* 0 or 1: transmitter-empty interrupt pending */
	uint8_t rx_wanted; /* 0 or 1: input was refused, wake main when there is room */
	uint8_t reserved[3];
	uint32_t rx_head, rx_count;
	uint32_t tx_head, tx_count;
	uint8_t rx[UART_RX_LEN];
	uint8_t tx[UART_TX_LEN];
};

struct uart {
	/* Sets the interrupt line; called with the lock held, must not block. */
	void (*irq)(void *ctx, bool level);
	/* There is output to take, or room for input again; called without the lock. */
	void (*wake)(void *ctx);
	void *ctx; /* as the two above constant */

	struct mtx lock; /* guards the fields from here on */
	bool level;      /* of the line, as the state says */
	struct uart_state s;
};

void uart_init(struct uart *u, void (*irq)(void *ctx, bool level),
	       void (*wake)(void *ctx), void *ctx);

/* The machine starts again: registers and line as after uart_init(), and input that the
 * guest has not read is lost. Output that main has not taken stays: it is the guest's
 * last words. */
void uart_reset(struct uart *u) NOT_HOLDING(FROM_UART);

/* Bus access, a bus_fn; dev is the uart. */
void uart_access(void *dev, uint64_t offset, uint8_t *data, uint32_t len, bool write);

/* Moves up to cap bytes of the guest's output to buf; returns how many. Main. */
size_t uart_take_output(struct uart *u, uint8_t *buf, size_t cap) NOT_HOLDING(FROM_UART);

/* Offers input to the guest; returns how many bytes were taken. Main. */
size_t uart_input(struct uart *u, const uint8_t *buf, size_t len) NOT_HOLDING(FROM_UART);

/* No vCPU runs. To load sets the line, whatever it was, and wakes main: there may be
 * output to take, and input that was refused can be offered again. What the line goes to
 * is loaded before, or takes the level for an edge. 0; or -EINVAL, and nothing is
 * changed, for what no uart can be. */
void uart_save(struct uart *u, struct uart_state *out) NOT_HOLDING(FROM_UART);
int uart_load(struct uart *u, const struct uart_state *in) NOT_HOLDING(FROM_UART);

#endif
