#ifndef VMM_CONTROL_REPORT_METRICS_H
#define VMM_CONTROL_REPORT_METRICS_H
/* report_metrics: looks at the VM, for metrics.c to print. Changes nothing. Main only. */

#include <jansson.h>
#include <stddef.h>

struct control;

/* Prometheus' text of the VM as it is now, to be freed; its length in *len. NULL without
 * memory. */
char *report_metrics_text(const struct control *c, size_t *len);

/* The same as the answer to a query, a new reference; without memory the text is
 * empty. */
json_t *report_metrics(const struct control *c);

#endif
