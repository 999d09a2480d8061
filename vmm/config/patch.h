#ifndef VMM_CONFIG_PATCH_H
#define VMM_CONFIG_PATCH_H
/* patch: reads what a Kubernetes client would patch a VM with. Pure.
 *
 * A merge patch (RFC 7386) of a VirtualMachine, {"spec": {"template": {"spec": {"domain":
 * {"cpu": {"sockets": 7}}}}}}, or of a VirtualMachineInstance, which has no template; or
 * a JSON patch (RFC 6902), [{"op": "replace", "path":
 * "/spec/template/spec/domain/cpu/sockets", "value": 7}], with replace, add and test.
 * Nothing but cpu can be patched, and nothing of it removed. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/text.h"
#include "vmm/config/spec.h"

#define PATCH_PLACE_LEN 64

struct patch {
	int64_t cpu[SPEC_CPU_KEYS]; /* what the spec says with the patch */
	bool named[SPEC_CPU_KEYS];
	char place[PATCH_PLACE_LEN]; /* what stands before the name of a number */
};

/* Whether this is a JSON patch: NULL and "merge" say no, "json" says yes. 0; or -EINVAL
 * with *why. */
int patch_type(const char *type, bool *is_json, struct text *why);

/* cpu is what the spec says without the patch. All numbers of *p but sockets are from 1
 * to UINT32_MAX then. 0; or -EINVAL with *why. */
int patch_read(const json_t *patch, bool is_json, const uint32_t cpu[SPEC_CPU_KEYS],
	       struct patch *p, struct text *why);

/* Puts the place of one number, "spec.domain.cpu.sockets", before a sentence about it; or
 * nothing where the patch does not name it. Returns err. */
int patch_blame(const struct patch *p, enum spec_cpu k, int err, struct text *why);

#endif
