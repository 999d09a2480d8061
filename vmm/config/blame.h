#ifndef VMM_CONFIG_BLAME_H
#define VMM_CONFIG_BLAME_H
/* blame: the place that a refusal is about, before its sentence. */

#include "vmm/base/text.h"

/* Puts a file's name, or another place, before the sentence, which stays one line
 * whatever the user wrote. Returns err. */
int blame_place(const char *place, int err, struct text *why);

/* Says why a file cannot be read; -EINVAL is none that can be. Returns err. */
int blame_errno(int err, struct text *why);

#endif
