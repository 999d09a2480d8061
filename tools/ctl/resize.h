#ifndef TOOLS_CTL_RESIZE_H
#define TOOLS_CTL_RESIZE_H
/* ctl_resize: tells the story of one job, of which the VM speaks in the reply to "resize"
 * and in events before and after it. Each phase is told once, in the order of time. */

#include <jansson.h>
#include <stdbool.h>

enum { CTL_DONE, CTL_FAILED, CTL_USAGE, CTL_TIMED_OUT }; /* exit status */

struct resize {
	bool json, trace;
	json_int_t job;
	json_t *told; /* the phases, as members of an object */
};

/* Takes the reply and the events before it. True and *status when the job has ended. */
bool resize_begin(struct resize *r, const json_t *job, const json_t *early, int *status);

/* Takes any event. True and *status when the job has ended by it. */
bool resize_event(struct resize *r, const json_t *event, int *status);

#endif
