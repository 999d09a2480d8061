#ifndef VMM_CONFIG_ORIGIN_H
#define VMM_CONFIG_ORIGIN_H
/* origin: who said what is refused after all of it was read. The file of a spec, if there
 * is one, and the path of the field stand before the sentence then, unless the command
 * line said it. Main only. Each function returns err. */

#include "vmm/base/text.h"
#include "vmm/config/option.h"
#include "vmm/config/spec.h"

/* A refusal of spec_resolve(). */
int origin_blame_cpus(const struct spec *s, int err, struct text *why);

/* What one option asks for. */
int origin_blame(const struct spec *s, enum option_id id, int err, struct text *why);

/* Nothing names a kernel: the file could. */
int origin_blame_kernel(const struct spec *s, int err, struct text *why);

/* Closes the files. */
void origin_close(struct spec *s);

#endif
