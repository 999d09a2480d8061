#ifndef VMM_MACHINE_ENDING_H
#define VMM_MACHINE_ENDING_H
/* ending: how the VM ends. */

#include <stdbool.h>

#include "devices/mtx.h"

struct machine;

/* How it ended, which is the program's exit status, too. The texts of --help and README
 * follow this list. */
enum machine_exit {
	MACHINE_POWERED_OFF = 0,  /* by the guest, or by quit */
	MACHINE_HOST_ERROR = 1,   /* could not start, or the host failed */
	MACHINE_USAGE = 2,        /* what was asked for cannot be */
	MACHINE_RESET = 3,        /* by a reset, where that ends it */
	MACHINE_TRIPLE_FAULT = 4, /* by a triple fault, or by too many */
	MACHINE_KVM_ERROR = 5,    /* KVM cannot run the guest's code */
	MACHINE_RUNNING = -1,
};

/* Ends the VM; any thread. The first reason stands: one of QEMU's ShutdownCause, a static
 * string. detail is a sentence, or empty. */
void machine_end(struct machine *m, enum machine_exit how, const char *reason,
		 bool by_guest, const char *detail) NOT_HOLDING(RANK_LEAF);

/* Whether it has ended. Any thread. */
bool machine_has_ended(struct machine *m) NOT_HOLDING(RANK_LEAF);

#endif
