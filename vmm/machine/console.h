#ifndef VMM_MACHINE_CONSOLE_H
#define VMM_MACHINE_CONSOLE_H
/* console: what stands at the other end of the UART's wire. Main only. The guest never
 * waits for it, and it never waits for a reader: what nobody takes stays in the UART
 * until that says busy; on a socket without a client it is dropped. */

#include "devices/uart.h"
#include "vmm/base/text.h"
#include "vmm/base/wake.h"

struct event_base;
struct console;

/* where is as in serial.h; a socket has mode 0600, and one client at a time. A terminal
 * on stdio is made raw, and put back by console_free() or, on any other way out of the
 * process, by the console itself; the escape Ctrl-A x calls quit(ctx).
 * *wake is rung by the UART. 0; or -errno with *why. */
int console_new(struct event_base *base, const char *where, struct uart *uart,
		struct wake *wake, void (*quit)(void *ctx), void *ctx,
		struct console **out, struct text *why);

/* Writes what the guest still has to say, within reason, and closes. Takes NULL. */
void console_free(struct console *c);

#endif
