#include "vmm/control/report.h"

#include <inttypes.h>
#include <stdio.h>

#include "devices/clock.h"
#include "vmm/base/arch_name.h"
#include "vmm/machine/machine.h"
#include "vmm/qmp/qmp_message.h"
#include "vmm/qmp/qmp_server.h"
#include "vmm/control/trace.h"
#include "vmm/control/vcpu_state.h"
#include "vmm/hotplug/cpu_text.h"
#include "vmm/kvm/vcpu_stats.h"

const char report_driver[] = "host-" ARCH_NAME "-cpu";

static uint64_t elapsed_us(const struct job *job, uint64_t ns)
{
	return ns > job->start_ns ? (ns - job->start_ns) / 1000 : 0;
}

static json_t *cpu_list(const struct job *job)
{
	json_t *list = json_array();

	UNITS_EACH (cpu, &job->units)
		json_array_append_new(list, json_integer(cpu));
	return list;
}

/* What every message about a job has. */
static json_t *job_object(const struct machine *m, const struct job *job,
			  enum job_phase phase)
{
	return json_pack("{s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:I}", "job",
			 (json_int_t)job->id, "resource",
			 job_resource_name(job->resource), "operation",
			 job_operation_name(job->operation), "phase",
			 job_phase_name(phase), "from-sockets", (json_int_t)job->from,
			 "sockets", (json_int_t)job->to, "max-sockets",
			 (json_int_t)m->topo.max_sockets, "vcpus",
			 (json_int_t)job->to * m->topo.per_socket, "cpus", cpu_list(job),
			 "elapsed-us", (json_int_t)elapsed_us(job, job->phase_ns[phase]));
}

json_t *report_job(const struct machine *m, const struct job *job)
{
	json_t *o = job_object(m, job, job->phase);
	bool running = job_running(job);

	json_object_set_new(o, "state", json_string(running ? "running" : "completed"));
	if (!running)
		json_object_set_new(o, "result",
				    json_string(job_result_name(job->result)));
	else if (cpuhp_no_acpi(&m->cpuhp))
		json_object_set_new(o, "note", json_string(cpu_text_no_acpi));
	return o;
}

static void emit(const struct machine *m, const char *event, json_t *data)
{
	if (m->qmp != NULL)
		qmp_server_emit(m->qmp, event, data);
	else
		json_decref(data);
}

static void on_phase(void *ctx, const struct job *job, enum job_phase phase)
{
	const struct machine *m = ctx;

	emit(m, "HOTPLUG_PHASE", job_object(m, job, phase));
}

static json_t *trace_list(struct machine *m, const struct job *job)
{
	struct trace_step step[TRACE_STEPS];
	size_t n = trace_add(job, &m->cpuhp, m->vcpu, step);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:I}", "step", step[i].name, "elapsed-us",
					(json_int_t)elapsed_us(job, step[i].ns)));
	return list;
}

static void on_completed(void *ctx, const struct job *job)
{
	struct machine *m = ctx;
	json_t *o = job_object(m, job, job->phase);

	json_object_set_new(o, "result", json_string(job_result_name(job->result)));
	json_object_set_new(o, "elapsed-us",
			    json_integer((json_int_t)elapsed_us(job, now_ns())));
	if (job->operation == JOB_ADD)
		json_object_set_new(o, "trace", trace_list(m, job));
	json_object_set_new(o, "sockets", json_integer(job->count));
	json_object_set_new(o, "vcpus",
			    json_integer((json_int_t)job->count * m->topo.per_socket));
	if (job->message.s[0] != '\0')
		json_object_set_new(o, "message", json_string(job->message.s));
	emit(m, "HOTPLUG_COMPLETED", o);
}

/* QEMU's ACPIOSTInfo. */
static json_t *ost_info(const struct machine *m, uint32_t index, const struct ost *ost)
{
	const struct sockets *sockets = hotplug_sockets(m->hotplug);
	uint32_t socket = index / m->topo.per_socket;
	char slot[16];
	json_t *o;

	(void)snprintf(slot, sizeof(slot), "%" PRIu32, index);
	o = json_pack("{s:s, s:s, s:I, s:I}", "slot", slot, "slot-type", "CPU", "source",
		      (json_int_t)ost->event, "status", (json_int_t)ost->status);
	if (sockets_has(sockets, socket)) {
		char id[SOCKETS_ID_LEN];

		sockets_id(sockets, socket, id);
		json_object_set_new(o, "device", json_string(id));
	}
	return o;
}

static void on_ost(void *ctx, const struct ost *ost)
{
	const struct machine *m = ctx;

	emit(m, "ACPI_DEVICE_OST",
	     json_pack("{s:o}", "info", ost_info(m, ost->index, ost)));
}

static json_t *device(const struct machine *m, uint32_t socket)
{
	char id[SOCKETS_ID_LEN], path[SOCKETS_ID_LEN + 32];

	sockets_id(hotplug_sockets(m->hotplug), socket, id);
	(void)snprintf(path, sizeof(path), "/machine/peripheral/%s", id);
	return json_pack("{s:s, s:s}", "device", id, "path", path);
}

static void on_deleted(void *ctx, uint32_t socket, bool by_guest)
{
	const struct machine *m = ctx;
	json_t *o = device(m, socket);

	json_object_set_new(o, "by-guest", json_boolean(by_guest));
	emit(m, "DEVICE_DELETED", o);
}

static void on_refused(void *ctx, uint32_t socket)
{
	const struct machine *m = ctx;

	emit(m, "DEVICE_UNPLUG_GUEST_ERROR", device(m, socket));
}

struct hotplug_listener report_listener(struct machine *m)
{
	return (struct hotplug_listener){ on_phase,   on_completed, on_ost,
					  on_deleted, on_refused,   m };
}

void report_spec_write_failed(struct machine *m, const char *file, const char *reason)
{
	emit(m, "SPEC_WRITE_FAILED",
	     json_pack("{s:o, s:o}", "file", qmp_text(file), "reason", qmp_text(reason)));
}

void report_shutdown(struct machine *m, bool by_guest, const char *reason)
{
	emit(m, "SHUTDOWN", json_pack("{s:b, s:s}", "guest", by_guest, "reason", reason));
}

void report_reset(struct machine *m, bool by_guest, const char *reason)
{
	emit(m, "RESET", json_pack("{s:b, s:s}", "guest", by_guest, "reason", reason));
}

json_t *report_commands(const char *const *names, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s}", "name", names[i]));
	return list;
}

json_t *report_status(const struct machine *m)
{
	return json_pack("{s:s, s:b, s:b}", "status", m->paused ? "paused" : "running",
			 "running", !m->paused, "singlestep", 0);
}

json_t *report_topology(struct machine *m)
{
	const struct job *job = hotplug_job(m->hotplug);
	uint32_t sockets = sockets_count(hotplug_sockets(m->hotplug));
	json_t *o;

	o = json_pack("{s:I, s:I, s:I, s:I, s:s, s:I, s:I, s:I, s:I}", "sockets",
		      (json_int_t)sockets, "cores", (json_int_t)m->topo.cores, "threads",
		      (json_int_t)m->topo.threads, "max-sockets",
		      (json_int_t)m->topo.max_sockets, "max-sockets-source",
		      spec_limit_source(&m->spec).s, "vcpus",
		      (json_int_t)sockets * m->topo.per_socket, "max-vcpus",
		      (json_int_t)m->topo.max_vcpus, "guest-writes-ignored",
		      (json_int_t)cpuhp_ignored(&m->cpuhp), "guest-event-storms",
		      (json_int_t)ged_storms(&m->ged));
	if (cpuhp_no_acpi(&m->cpuhp))
		json_object_set_new(o, "note", json_string(cpu_text_no_acpi));
	if (job != NULL && job_running(job))
		json_object_set_new(o, "job", report_job(m, job));
	return o;
}

/* A socket is one entity: it comes and goes with all its cores and threads. */
json_t *report_hotpluggable_cpus(const struct machine *m)
{
	json_t *list = json_array();

	for (uint32_t s = m->topo.max_sockets; s-- > 0;) {
		json_t *o = json_pack("{s:s, s:I, s:{s:I}}", "type", report_driver,
				      "vcpus-count", (json_int_t)m->topo.per_socket,
				      "props", "socket-id", (json_int_t)s);

		if (sockets_has(hotplug_sockets(m->hotplug), s)) {
			json_t *d = device(m, s);

			json_object_set(o, "qom-path", json_object_get(d, "path"));
			json_decref(d);
		}
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *props(const struct machine *m, uint32_t index)
{
	struct place p = topology_place(&m->topo, index);

	return json_pack("{s:I, s:I, s:I}", "socket-id", (json_int_t)p.socket, "core-id",
			 (json_int_t)p.core, "thread-id", (json_int_t)p.thread);
}

static bool has_thread(const struct machine *m, uint32_t index)
{
	return m->vcpu[index] != NULL && vcpu_has_thread(m->vcpu[index]);
}

json_t *report_cpus_fast(const struct machine *m)
{
	json_t *list = json_array();
	char path[48];

	for (uint32_t i = 0; i < m->topo.max_vcpus; i++) {
		if (!has_thread(m, i))
			continue;
		(void)snprintf(path, sizeof(path), "/machine/vcpu[%" PRIu32 "]", i);
		json_array_append_new(list, json_pack("{s:I, s:s, s:i, s:o, s:s}",
						      "cpu-index", (json_int_t)i,
						      "qom-path", path, "thread-id",
						      vcpu_tid(m->vcpu[i]), "props",
						      props(m, i), "target", ARCH_NAME));
	}
	return list;
}

static json_t *vcpu_object(struct machine *m, uint32_t i, uint64_t now)
{
	struct cpuhp_slot s = cpuhp_get(&m->cpuhp, i);
	json_t *o = props(m, i);
	uint64_t exits;

	json_object_set_new(o, "cpu-index", json_integer(i));
	json_object_set_new(o, "arch-id",
			    json_integer((json_int_t)topology_arch_id(&m->topo, i)));
	json_object_set_new(o, "state", json_string(vcpu_state_name(vcpu_state(&s))));
	if (has_thread(m, i))
		json_object_set_new(o, "host-thread-id",
				    json_integer(vcpu_tid(m->vcpu[i])));
	if (m->vcpu[i] != NULL && vcpu_stats_exits(m->vcpu[i], &exits) == 0)
		json_object_set_new(o, "exits", json_integer((json_int_t)exits));
	if (s.ost.ns != 0)
		json_object_set_new(o, "ost",
				    json_pack("{s:I, s:I, s:I}", "source",
					      (json_int_t)s.ost.event, "status",
					      (json_int_t)s.ost.status, "age-us",
					      (json_int_t)((now - s.ost.ns) / 1000)));
	return o;
}

json_t *report_vcpus(struct machine *m)
{
	json_t *list = json_array();
	uint64_t now = now_ns();

	for (uint32_t i = 0; i < m->topo.max_vcpus; i++)
		json_array_append_new(list, vcpu_object(m, i, now));
	return list;
}

json_t *report_ospm_status(struct machine *m)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < m->topo.max_vcpus; i++) {
		struct cpuhp_slot s = cpuhp_get(&m->cpuhp, i);

		json_array_append_new(list, ost_info(m, i, &s.ost));
	}
	return list;
}
