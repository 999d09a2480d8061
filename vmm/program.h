#ifndef VMM_PROGRAM_H
#define VMM_PROGRAM_H
/* program: the machine, and all that looks at it and asks it for something: what is
 * remembered, written and told of it, the control socket, and signals. */

#include "vmm/config/spec.h"
#include "vmm/machine/ending.h"

/* Runs the VM until something ends it. spec is resolved, and so is topo; kvm_fd is taken
 * over. The exit status; what it was is told in one line if it is no power-off. */
enum machine_exit program_run(struct spec *spec, const struct topology *topo, int kvm_fd);

#endif
