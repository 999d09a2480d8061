#ifndef VMM_CONTROL_CONDITIONS_H
#define VMM_CONTROL_CONDITIONS_H
/* conditions: what holds of the VM now, in KubeVirt's words. Pure: no clock. */

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/text.h"

enum condition_type {
	CONDITION_READY,            /* the VM runs */
	CONDITION_HOT_VCPU_CHANGE,  /* a change runs; else why the last one failed */
	CONDITION_RESTART_REQUIRED, /* a change is stored that a restart takes up */
	CONDITION_NTYPES
};

struct condition {
	bool holds;
	const char *reason; /* CamelCase; static string */
	char message[TEXT_LEN];
	uint64_t since_ns; /* CLOCK_REALTIME, when holds changed last */
};

struct conditions {
	struct condition c[CONDITION_NTYPES];
};

/* None holds, and nothing has changed yet. */
void conditions_init(struct conditions *cs, uint64_t wall_ns);

/* reason is a static string; message is copied. */
void conditions_set(struct conditions *cs, enum condition_type t, bool holds,
		    const char *reason, const char *message, uint64_t wall_ns);

/* A static string. */
const char *condition_type_name(enum condition_type t);

#endif
