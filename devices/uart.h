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

struct uart {
	/* Sets the interrupt line; called with the lock held, must not block. */
	void (*irq)(void *ctx, bool level);
	/* There is output to take, or room for input again; called without the lock. */
	void (*wake)(void *ctx);
	void *ctx;

	struct mtx lock; /* guards the fields from here on */
	uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
	bool thri;      /* transmitter-empty interrupt pending */
	bool level;     /* of the line */
	bool rx_wanted; /* input was refused: wake main when there is room */
	size_t rx_head, rx_count;
	size_t tx_head, tx_count;
	uint8_t rx[UART_RX_LEN];
	uint8_t tx[UART_TX_LEN];
};

void uart_init(struct uart *u, void (*irq)(void *ctx, bool level),
	       void (*wake)(void *ctx), void *ctx);

/* The machine starts again: registers and line as after uart_init(), and input that the
 * guest has not read is lost. Output that main has not taken stays: it is the guest's
 * last words. */
void uart_reset(struct uart *u) NOT_HOLDING(u->lock);

/* Bus access, a bus_fn; dev is the uart. */
void uart_access(void *dev, uint64_t offset, uint8_t *data, uint32_t len, bool write);

/* Moves up to cap bytes of the guest's output to buf; returns how many. Main. */
size_t uart_take_output(struct uart *u, uint8_t *buf, size_t cap) NOT_HOLDING(u->lock);

/* Offers input to the guest; returns how many bytes were taken. Main. */
size_t uart_input(struct uart *u, const uint8_t *buf, size_t len) NOT_HOLDING(u->lock);

#endif
