#ifndef VMM_MACHINE_RESET_H
#define VMM_MACHINE_RESET_H
/* reset: the guest starts again in place: same process, same threads and fds, and the
 * sockets that it has by then. Whoever asks for it, on any thread, leaves the request and
 * wakes main, which does all of it while every vCPU waits at the gate. */

#include <stdbool.h>

#include "devices/mtx.h"

struct machine;

/* Starts the guest again, or ends the VM, as --on-reset says; any thread: main does it.
 * Of several requests at a time the first stands. reason is one of QEMU's ShutdownCause,
 * a static string. */
void machine_ask_reset(struct machine *m, const char *reason, bool by_guest,
		       bool by_fault) NOT_HOLDING(RANK_LEAF);

/* Does what was asked for, if anything was. Main. */
void machine_obey_reset(struct machine *m);

#endif
