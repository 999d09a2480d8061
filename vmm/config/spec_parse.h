#ifndef VMM_CONFIG_SPEC_PARSE_H
#define VMM_CONFIG_SPEC_PARSE_H
/* spec_parse: the words of a spec, from the command line, a file or a patch. Pure. Each
 * parser takes what it reads whole, or leaves *s alone and returns -EINVAL with *why. */

#include <stdint.h>

#include "vmm/base/text.h"
#include "vmm/config/spec.h"

/* --- numbers of CPUs --- */

/* "maxSockets"; a static string. */
const char *spec_cpu_name(enum spec_cpu k);

/* The number of that name, or -ENOENT. */
int spec_find_cpu(const char *name);

uint32_t spec_count(const struct cpu_counts *c, enum spec_cpu k);

/* Whether value may be such a number. 0 and *out; or -EINVAL with *why. */
int spec_check_count(const char *name, int64_t value, uint32_t *out, struct text *why);

/* What a file says of one of them. 0; or -ENOENT when there is no such name, or -EINVAL,
 * with *why. */
int spec_set_cpus(const char *name, int64_t value, struct spec *s, struct text *why);

/* "sockets=2,cores=1,threads=1,maxSockets=8", as the command line says it; what is not
 * named is left alone. */
int spec_parse_cpus(const char *text, struct spec *s, struct text *why);

/* --- the others --- */

/* A size with an optional suffix K, M, G, T, or Ki and so on, powers of 1024 all of them;
 * none means MiB. */
int spec_parse_memory(const char *text, struct spec *s, struct text *why);

/* So many bytes, rounded up to MiB; shown is what the user wrote. */
int spec_set_memory(const char *shown, uint64_t bytes, struct spec *s, struct text *why);

int spec_parse_guest_eject(const char *text, struct spec *s, struct text *why);
int spec_parse_boot(const char *text, struct spec *s, struct text *why);
int spec_parse_nested(const char *text, struct spec *s, struct text *why);
int spec_parse_on_reset(const char *text, struct spec *s, struct text *why);

/* As in serial.h; *s keeps a pointer into the text. */
int spec_parse_serial(const char *text, struct spec *s, struct text *why);

#endif
