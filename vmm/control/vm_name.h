#ifndef VMM_CONTROL_VM_NAME_H
#define VMM_CONTROL_VM_NAME_H
/* vm_name: the name that people know the VM by. Pure. */

#include "vmm/config/spec.h"

#define VM_NAME_LEN 64 /* bytes, with the final 0 */

/* The spec's name, or that of its control socket, without folders and ending, or
 * "hotsocket". Letters, digits, and -._ ; each other byte is a '-'. Cut where it is too
 * long. */
void vm_name(const struct spec *s, char out[VM_NAME_LEN]);

#endif
