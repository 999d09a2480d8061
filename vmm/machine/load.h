#ifndef VMM_MACHINE_LOAD_H
#define VMM_MACHINE_LOAD_H
/* load: the guest is put into the machine, at its start and at each reset. Main only. */

#include "vmm/base/text.h"

struct machine;

/* Makes the vCPUs that the guest starts with, and loads it. 0; or -errno with *why. */
int machine_load_first(struct machine *m, struct text *why);

/* Loads it again, with the CPUs that it has by now. 0; or -errno with *why. */
int machine_load_again(struct machine *m, struct text *why);

/* The guest begins: what is known of its CPUs without its saying. */
void machine_note_boot(struct machine *m);

#endif
