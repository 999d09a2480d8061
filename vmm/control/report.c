#include "vmm/control/report.h"

#include <inttypes.h>
#include <stdio.h>

#include "devices/clock.h"
#include "vmm/base/arch_name.h"
#include "vmm/config/spec.h"
#include "vmm/control/control.h"
#include "vmm/control/vcpu_state.h"
#include "vmm/hotplug/cpu_text.h"
#include "vmm/hotplug/hotplug.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/vcpu_stats.h"
#include "vmm/machine/machine.h"

const char report_driver[] = "host-" ARCH_NAME "-cpu";

uint64_t report_elapsed_us(const struct job *job, uint64_t ns)
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

json_t *report_job_at(struct machine *m, const struct job *job, enum job_phase phase)
{
	const struct topology *topo = machine_topology(m);

	return json_pack(
		"{s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:I}", "job",
		(json_int_t)job->id, "resource", job_resource_name(job->resource),
		"operation", job_operation_name(job->operation), "phase",
		job_phase_name(phase), "from-sockets", (json_int_t)job->from, "sockets",
		(json_int_t)job->to, "max-sockets", (json_int_t)topo->max_sockets,
		"vcpus", (json_int_t)job->to * topo->per_socket, "cpus", cpu_list(job),
		"elapsed-us", (json_int_t)report_elapsed_us(job, job->phase_ns[phase]));
}

json_t *report_job(struct machine *m, const struct job *job)
{
	json_t *o = report_job_at(m, job, job->phase);
	bool running = job_running(job);

	json_object_set_new(o, "state", json_string(running ? "running" : "completed"));
	if (!running)
		json_object_set_new(o, "result",
				    json_string(job_result_name(job->result)));
	else if (cpuhp_no_acpi(machine_cpuhp(m)))
		json_object_set_new(o, "note", json_string(cpu_text_no_acpi));
	return o;
}

json_t *report_ost(struct machine *m, uint32_t index, const struct ost *ost)
{
	const struct topology *topo = machine_topology(m);
	const struct sockets *sockets = hotplug_sockets(machine_hotplug(m));
	uint32_t socket = index / topo->per_socket;
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
	if (ost->merged > 0)
		json_object_set_new(o, "merged", json_integer(ost->merged));
	return o;
}

json_t *report_device(struct machine *m, uint32_t socket)
{
	char id[SOCKETS_ID_LEN], path[SOCKETS_ID_LEN + 32];

	sockets_id(hotplug_sockets(machine_hotplug(m)), socket, id);
	(void)snprintf(path, sizeof(path), "/machine/peripheral/%s", id);
	return json_pack("{s:s, s:s}", "device", id, "path", path);
}

json_t *report_commands(const char *const *names, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s}", "name", names[i]));
	return list;
}

json_t *report_status(struct machine *m)
{
	bool paused = machine_paused(m);

	return json_pack("{s:s, s:b, s:b}", "status", paused ? "paused" : "running",
			 "running", !paused, "singlestep", 0);
}

json_t *report_topology(const struct control *c)
{
	struct machine *m = c->machine;
	const struct topology *topo = machine_topology(m);
	const struct job *job = hotplug_job(machine_hotplug(m));
	uint32_t sockets = sockets_count(hotplug_sockets(machine_hotplug(m)));
	json_t *o;

	o = json_pack("{s:I, s:I, s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:I}", "sockets",
		      (json_int_t)sockets, "cores", (json_int_t)topo->cores, "threads",
		      (json_int_t)topo->threads, "max-sockets",
		      (json_int_t)topo->max_sockets, "max-sockets-source",
		      spec_limit_source(c->spec).s, "vcpus",
		      (json_int_t)sockets * topo->per_socket, "max-vcpus",
		      (json_int_t)topo->max_vcpus, "guest-writes-ignored",
		      (json_int_t)cpuhp_ignored(machine_cpuhp(m)), "guest-osts-lost",
		      (json_int_t)cpuhp_lost(machine_cpuhp(m)), "guest-event-storms",
		      (json_int_t)machine_storms(m));
	if (cpuhp_no_acpi(machine_cpuhp(m)))
		json_object_set_new(o, "note", json_string(cpu_text_no_acpi));
	if (job != NULL && job_running(job))
		json_object_set_new(o, "job", report_job(m, job));
	return o;
}

/* A socket is one entity: it comes and goes with all its cores and threads. */
json_t *report_hotpluggable_cpus(struct machine *m)
{
	const struct topology *topo = machine_topology(m);
	json_t *list = json_array();

	for (uint32_t s = topo->max_sockets; s-- > 0;) {
		json_t *o = json_pack("{s:s, s:I, s:{s:I}}", "type", report_driver,
				      "vcpus-count", (json_int_t)topo->per_socket,
				      "props", "socket-id", (json_int_t)s);

		if (sockets_has(hotplug_sockets(machine_hotplug(m)), s)) {
			json_t *d = report_device(m, s);

			json_object_set(o, "qom-path", json_object_get(d, "path"));
			json_decref(d);
		}
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *props(struct machine *m, uint32_t index)
{
	struct place p = topology_place(machine_topology(m), index);

	return json_pack("{s:I, s:I, s:I}", "socket-id", (json_int_t)p.socket, "core-id",
			 (json_int_t)p.core, "thread-id", (json_int_t)p.thread);
}

static bool has_thread(struct vcpu *v)
{
	return v != NULL && vcpu_has_thread(v);
}

json_t *report_cpus_fast(struct machine *m)
{
	const struct topology *topo = machine_topology(m);
	json_t *list = json_array();
	char path[48];

	for (uint32_t i = 0; i < topo->max_vcpus; i++) {
		struct vcpu *v = machine_vcpus(m)[i];

		if (!has_thread(v))
			continue;
		(void)snprintf(path, sizeof(path), "/machine/vcpu[%" PRIu32 "]", i);
		json_array_append_new(list,
				      json_pack("{s:I, s:s, s:i, s:o, s:s}", "cpu-index",
						(json_int_t)i, "qom-path", path,
						"thread-id", vcpu_tid(v), "props",
						props(m, i), "target", ARCH_NAME));
	}
	return list;
}

static json_t *vcpu_object(struct machine *m, uint32_t i, uint64_t now)
{
	struct vcpu *v = machine_vcpus(m)[i];
	struct cpuhp_slot s = cpuhp_get(machine_cpuhp(m), i);
	json_t *o = props(m, i);
	uint64_t exits;

	json_object_set_new(o, "cpu-index", json_integer(i));
	json_object_set_new(
		o, "arch-id",
		json_integer((json_int_t)topology_arch_id(machine_topology(m), i)));
	json_object_set_new(o, "state", json_string(vcpu_state_name(vcpu_state(&s))));
	if (units_has(hotplug_settling(machine_hotplug(m)), i))
		json_object_set_new(o, "settling", json_true());
	if (has_thread(v))
		json_object_set_new(o, "host-thread-id", json_integer(vcpu_tid(v)));
	if (v != NULL && vcpu_stats_exits(v, &exits) == 0)
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
	const struct topology *topo = machine_topology(m);
	json_t *list = json_array();
	uint64_t now = now_ns();

	for (uint32_t i = 0; i < topo->max_vcpus; i++)
		json_array_append_new(list, vcpu_object(m, i, now));
	return list;
}

json_t *report_ospm_status(struct machine *m)
{
	const struct topology *topo = machine_topology(m);
	json_t *list = json_array();

	for (uint32_t i = 0; i < topo->max_vcpus; i++) {
		struct cpuhp_slot s = cpuhp_get(machine_cpuhp(m), i);

		json_array_append_new(list, report_ost(m, i, &s.ost));
	}
	return list;
}
