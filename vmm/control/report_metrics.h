#ifndef VMM_CONTROL_REPORT_METRICS_H
#define VMM_CONTROL_REPORT_METRICS_H
/* gather: looks at the machine, for metrics.c to print. Changes nothing. Main only. */

#include <stddef.h>

struct machine;

/* Prometheus' text of the machine as it is now, to be freed; its length in *len. NULL
 * without memory. */
char *gather_metrics(struct machine *m, size_t *len);

#endif
