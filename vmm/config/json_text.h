#ifndef VMM_CONFIG_JSON_TEXT_H
#define VMM_CONFIG_JSON_TEXT_H
/* json_text: JSON that a user wrote, and the sentences about what is wrong with it. */

#include <jansson.h>
#include <stddef.h>

#include "vmm/base/text.h"

/* Takes nothing but one object, without duplicate keys. 0 and *out, a new reference; or
 * -EINVAL with *why. */
int json_text_object(const char *text, size_t len, json_t **out, struct text *why);

/* Says that the value of "<in><key>" must be what is wanted ("a string"), and is another
 * thing. Returns -EINVAL. */
int json_text_wrong_type(const char *in, const char *key, const char *wanted,
			 const json_t *found, struct text *why);

#endif
