#include "vmm/control/announce.h"

#include "devices/clock.h"
#include "vmm/control/control.h"
#include "vmm/control/report.h"
#include "vmm/control/trace.h"
#include "vmm/machine/machine.h"
#include "vmm/qmp/qmp_message.h"
#include "vmm/qmp/qmp_server.h"

static void emit(const struct control *c, const char *event, json_t *data)
{
	if (c->qmp != NULL)
		qmp_server_emit(c->qmp, event, data);
	else
		json_decref(data);
}

static void on_phase(void *ctx, const struct job *job, enum job_phase phase)
{
	const struct control *c = ctx;

	emit(c, "HOTPLUG_PHASE", report_job_at(c->machine, job, phase));
}

static json_t *trace_list(struct machine *m, const struct job *job)
{
	struct trace_step step[TRACE_STEPS];
	size_t n = trace_add(job, machine_cpuhp(m), machine_vcpus(m), step);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:I}", "step", step[i].name, "elapsed-us",
					(json_int_t)report_elapsed_us(job, step[i].ns)));
	return list;
}

static void on_completed(void *ctx, const struct job *job)
{
	const struct control *c = ctx;
	json_t *o = report_job_at(c->machine, job, job->phase);

	json_object_set_new(o, "result", json_string(job_result_name(job->result)));
	json_object_set_new(o, "elapsed-us",
			    json_integer((json_int_t)report_elapsed_us(job, now_ns())));
	if (job->operation == JOB_ADD)
		json_object_set_new(o, "trace", trace_list(c->machine, job));
	json_object_set_new(o, "sockets", json_integer(job->count));
	json_object_set_new(o, "vcpus",
			    json_integer((json_int_t)job->count *
					 machine_topology(c->machine)->per_socket));
	if (job->message.s[0] != '\0')
		json_object_set_new(o, "message", json_string(job->message.s));
	emit(c, "HOTPLUG_COMPLETED", o);
}

static void on_ost(void *ctx, const struct ost *ost)
{
	const struct control *c = ctx;

	emit(c, "ACPI_DEVICE_OST",
	     json_pack("{s:o}", "info", report_ost(c->machine, ost->index, ost)));
}

static void on_deleted(void *ctx, uint32_t socket, bool by_guest)
{
	const struct control *c = ctx;
	json_t *o = report_device(c->machine, socket);

	json_object_set_new(o, "by-guest", json_boolean(by_guest));
	emit(c, "DEVICE_DELETED", o);
}

static void on_refused(void *ctx, uint32_t socket)
{
	const struct control *c = ctx;

	emit(c, "DEVICE_UNPLUG_GUEST_ERROR", report_device(c->machine, socket));
}

struct hotplug_listener announce_hotplug(struct control *c)
{
	return (struct hotplug_listener){ .phase = on_phase,
					  .completed = on_completed,
					  .ost = on_ost,
					  .deleted = on_deleted,
					  .refused = on_refused,
					  .ctx = c };
}

static void on_paused(void *ctx)
{
	emit(ctx, "STOP", NULL);
}

static void on_resumed(void *ctx)
{
	emit(ctx, "RESUME", NULL);
}

static void on_powerdown(void *ctx)
{
	emit(ctx, "POWERDOWN", NULL);
}

static void on_reset(void *ctx, bool by_guest, const char *reason)
{
	emit(ctx, "RESET", json_pack("{s:b, s:s}", "guest", by_guest, "reason", reason));
}

static void on_ended(void *ctx, bool by_guest, const char *reason)
{
	emit(ctx, "SHUTDOWN",
	     json_pack("{s:b, s:s}", "guest", by_guest, "reason", reason));
}

struct machine_listener announce_machine(struct control *c)
{
	return (struct machine_listener){ .paused = on_paused,
					  .resumed = on_resumed,
					  .powerdown = on_powerdown,
					  .reset = on_reset,
					  .ended = on_ended,
					  .ctx = c };
}

void announce_spec_write_failed(struct control *c, const char *file, const char *reason)
{
	emit(c, "SPEC_WRITE_FAILED",
	     json_pack("{s:o, s:o}", "file", qmp_text(file), "reason", qmp_text(reason)));
}
