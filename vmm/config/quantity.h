#ifndef VMM_CONFIG_QUANTITY_H
#define VMM_CONFIG_QUANTITY_H
/* quantity: numbers as Kubernetes writes them: 2Gi, 512M, 1.5Gi, 1e9, 500m. Pure. */

#include <stdint.h>

/* Digits with at most one point, then nothing, one of n u m k M G T P E (powers of 1000),
 * one of Ki Mi Gi Ti Pi Ei (powers of 1024), or e or E with a decimal exponent. *out is
 * the value, rounded up to a whole number. 0; or -EINVAL when it is no quantity, -EDOM
 * when it is negative, -ERANGE when it is more than INT64_MAX. */
int quantity_parse(const char *text, uint64_t *out);

#endif
