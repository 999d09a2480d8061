#include "vmm/machine/ending.h"

#include <stdio.h>

#include "vmm/machine/machine_parts.h"

void machine_end(struct machine *m, enum machine_exit how, const char *reason,
		 bool by_guest, const char *detail)
{
	mtx_lock(&m->end_lock);
	if (m->ending.how == MACHINE_RUNNING) {
		m->ending.how = how;
		m->ending.reason = reason;
		m->ending.by_guest = by_guest;
		(void)snprintf(m->ending.detail, sizeof(m->ending.detail), "%s", detail);
	}
	mtx_unlock(&m->end_lock);
	wake_ring(&m->end_wake);
}

bool machine_has_ended(struct machine *m)
{
	bool ended;

	mtx_lock(&m->end_lock);
	ended = m->ending.how != MACHINE_RUNNING;
	mtx_unlock(&m->end_lock);
	return ended;
}
