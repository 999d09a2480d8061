#ifndef VMM_CONFIG_YAML_TEXT_H
#define VMM_CONFIG_YAML_TEXT_H
/* yaml_text: one YAML document, which may be JSON, as a JSON value.
 *
 * Words without quotes are what Kubernetes takes them for: null, true and false by their
 * YAML 1.1 names, decimal numbers, else strings. Aliases are refused, and so are tags but
 * !!str, a key twice, a key that is no word, a second document and more than
 * YAML_TEXT_DEPTH levels: what is read is never larger than the text. */

#include <jansson.h>
#include <stddef.h>

#include "vmm/base/text.h"

#define YAML_TEXT_DEPTH 32

/* 0 and *out, a new reference, null for an empty text; or -EINVAL with *why, which names
 * the line; or -ENOMEM. */
int yaml_text_load(const char *text, size_t len, json_t **out, struct text *why);

#endif
