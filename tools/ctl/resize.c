#include "tools/ctl/resize.h"

#include <stdio.h>
#include <string.h>
#include "tools/ctl/show.h"

static void tell_phase(struct resize *r, const json_t *progress)
{
	const char *phase = show_text(progress, "phase");

	if (*phase == '\0' || json_object_get(r->told, phase))
		return;
	json_object_set_new(r->told, phase, json_true());
	if (!r->json)
		show_phase(progress);
}

static int tell_result(const struct resize *r, const json_t *end)
{
	const char *result = show_text(end, "result");
	const char *message = show_text(end, "message");
	bool late = strcmp(result, "timed-out") == 0;

	if (strcmp(result, "done") == 0) {
		if (!r->json)
			show_done(end);
		if (!r->json && r->trace)
			show_trace(end);
		return CTL_DONE;
	}
	if (*message == '\0')
		message = show_text(end, "phase");
	(void)fprintf(stderr, "hotsocketctl: resize %s: %s\n",
		      late ? "timed out" : result, message);
	return late ? CTL_TIMED_OUT : CTL_FAILED;
}

bool resize_event(struct resize *r, const json_t *event, int *status)
{
	const json_t *data = json_object_get(event, "data");
	const char *name = show_text(event, "event");
	bool ends = strcmp(name, "HOTPLUG_COMPLETED") == 0;

	if (show_number(data, "job") != r->job ||
	    (!ends && strcmp(name, "HOTPLUG_PHASE") != 0))
		return false;
	if (r->json)
		show_json(event);
	if (!ends || strcmp(show_text(data, "result"), "done") == 0)
		tell_phase(r, data);
	if (ends)
		*status = tell_result(r, data);
	return ends;
}

static bool is_before(const json_t *job, const json_t *event)
{
	return show_number(job, "elapsed-us") <
	       show_number(json_object_get(event, "data"), "elapsed-us");
}

bool resize_begin(struct resize *r, const json_t *job, const json_t *early, int *status)
{
	bool completed = strcmp(show_text(job, "state"), "completed") == 0;
	bool idle = completed && json_array_size(json_object_get(job, "cpus")) == 0;
	const json_t *event;
	size_t i;

	r->job = show_number(job, "job");
	if (r->json)
		show_json(job);
	else
		show_resize(job);
	json_array_foreach(early, i, event)
	{
		if (!completed && is_before(job, event))
			tell_phase(r, job);
		if (resize_event(r, event, status))
			return true;
	}
	if (!idle)
		tell_phase(r, job);
	if (completed)
		*status = tell_result(r, job);
	return completed;
}
