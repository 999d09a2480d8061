#ifndef VMM_MACHINE_LISTENER_H
#define VMM_MACHINE_LISTENER_H
/* listener: whoever wants to know what becomes of the machine. What it needs to know
 * comes as arguments. All called on main; what is NULL is not. */

#include <stdbool.h>
#include <stdint.h>

struct machine_listener {
	/* The vCPUs run. */
	void (*started)(void *ctx, uint32_t sockets, uint32_t max_sockets);
	/* By request: no vCPU runs, until it is resumed. */
	void (*paused)(void *ctx);
	void (*resumed)(void *ctx);
	/* The guest starts again. reason is one of QEMU's ShutdownCause, static. */
	void (*reset)(void *ctx, bool by_guest, const char *reason);
	/* The guest is told that its power button was pressed. */
	void (*powerdown)(void *ctx);
	/* It takes an interrupt again and again without an answer; what is a sentence. */
	void (*interrupt_storm)(void *ctx, const char *what);
	/* It did something that hotplug has looked at, be it only counted. */
	void (*guest_acted)(void *ctx);
	/* No vCPU runs any more. reason as of a reset. */
	void (*ended)(void *ctx, bool by_guest, const char *reason);
	void *ctx;
};

#endif
