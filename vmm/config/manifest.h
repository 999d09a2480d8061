#ifndef VMM_CONFIG_MANIFEST_H
#define VMM_CONFIG_MANIFEST_H
/* manifest: what the user asked for, as a KubeVirt VirtualMachine or
 * VirtualMachineInstance in YAML or JSON. Only read, never written. Main only.
 *
 *	apiVersion: kubevirt.io/v1
 *	kind: VirtualMachine
 *	metadata:
 *	  name: vm1
 *	spec:
 *	  template:
 *	    spec:
 *	      domain:
 *	        cpu: { sockets: 2, cores: 1, threads: 1, maxSockets: 8 }
 *	        memory: { guest: 512Mi }
 *	        firmware:
 *	          kernelBoot:
 *	            kernelArgs: console=ttyS0
 *	            container: { kernelPath: vmlinuz, initrdPath: initrd.img }
 *
 * Also read are resources.requests and .limits: memory, where memory.guest is missing,
 * and cpu, where sockets, cores and threads all are. A 0 in the topology means 1, and as
 * maxSockets that it is not given. Memory is rounded up to MiB. Paths are those of this
 * host. What else a VM has is ignored, and named by manifest_ignored(). */

#include <stddef.h>

#include "vmm/base/text.h"
#include "vmm/config/spec.h"

struct manifest;

/* Reads the file into *s; what it does not name is left alone. s->from.manifest is then
 * the manifest, and s keeps pointers into it. 0; or -errno with *why, which names file
 * and field, and *s as it was. */
int manifest_open(const char *path, struct spec *s, struct text *why);

/* The same of a text; path is only what it is called. */
int manifest_parse(const char *path, const char *text, size_t len, struct spec *s,
		   struct text *why);

/* Takes NULL. */
void manifest_close(struct manifest *m);

/* The fields that mean nothing here, in one line; "" when there are none. */
const char *manifest_ignored(const struct manifest *m);

/* As the user named it. */
const char *manifest_name(const struct manifest *m);

/* Puts the file's name and the path of a field, "domain.cpu", before a sentence about it.
 * Returns err. */
int manifest_blame(const struct manifest *m, const char *field, int err,
		   struct text *why);

#endif
