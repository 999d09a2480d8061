#ifndef TOOLS_CTL_YAML_H
#define TOOLS_CTL_YAML_H
/* ctl_yaml: prints a JSON document as YAML. A string that YAML would take for something
 * else, or that has control characters, is quoted. */

#include <jansson.h>
#include <stdio.h>

/* 0; or -ENOMEM, or -EIO when out takes no more. */
int yaml_print(const json_t *document, FILE *out);

#endif
