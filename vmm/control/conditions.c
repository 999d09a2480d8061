#include "vmm/control/conditions.h"

#include <stdio.h>

static const struct {
	const char *name, *first_reason;
} types[CONDITION_NTYPES] = {
	[CONDITION_READY] = { "Ready", "Starting" },
	[CONDITION_HOT_VCPU_CHANGE] = { "HotVCPUChange", "NoChange" },
	[CONDITION_RESTART_REQUIRED] = { "RestartRequired", "UpToDate" },
};

void conditions_init(struct conditions *cs, uint64_t wall_ns)
{
	for (int t = 0; t < CONDITION_NTYPES; t++)
		cs->c[t] = (struct condition){ .reason = types[t].first_reason,
					       .since_ns = wall_ns };
}

void conditions_set(struct conditions *cs, enum condition_type t, bool holds,
		    const char *reason, const char *message, uint64_t wall_ns)
{
	struct condition *c = &cs->c[t];

	if (c->holds != holds)
		c->since_ns = wall_ns;
	c->holds = holds;
	c->reason = reason;
	(void)snprintf(c->message, sizeof(c->message), "%s", message);
}

const char *condition_type_name(enum condition_type t)
{
	return types[t].name;
}
