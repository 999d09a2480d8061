#ifndef VMM_BASE_SIZE_H
#define VMM_BASE_SIZE_H
/* size: a number of bytes as people write it on a command line: 512M, 2Gi. Pure. */

#include <stdint.h>

/* Reads a whole number with a suffix K, M, G or T, or Ki, Mi, Gi or Ti, all powers of
 * 1024, in either case; a bare number counts units of 2^shift bytes. 0 and *out; -EINVAL
 * when it is not written so; -ERANGE when it has more than 64 bits. */
int size_parse(const char *text, int shift, uint64_t *out);

#endif
