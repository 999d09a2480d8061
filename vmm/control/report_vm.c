#include "vmm/control/report_vm.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "devices/clock.h"
#include "vmm/config/spec_parse.h"
#include "vmm/control/amend.h"
#include "vmm/control/amender.h"
#include "vmm/control/control.h"
#include "vmm/control/record.h"
#include "vmm/control/report.h"
#include "vmm/control/vm_name.h"
#include "vmm/machine/machine.h"
#include "vmm/qmp/qmp_message.h"

#define API_VERSION "hotsocket/v1"

/* RFC 3339. */
static json_t *moment(uint64_t wall)
{
	time_t seconds = (time_t)(wall / NS_PER_S);
	char text[40], day[24];
	struct tm tm;

	(void)gmtime_r(&seconds, &tm);
	(void)strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(text, sizeof(text), "%s.%06uZ", day,
		       (unsigned)(wall % NS_PER_S / 1000));
	return json_string(text);
}

/* A Kubernetes quantity. */
static json_t *quantity(uint64_t bytes)
{
	static const char *const suffix[] = { "", "Ki", "Mi" };
	char text[32];
	int i = 0;

	for (; i < 2 && bytes % 1024 == 0 && bytes > 0; i++)
		bytes /= 1024;
	(void)snprintf(text, sizeof(text), "%llu%s", (unsigned long long)bytes,
		       suffix[i]);
	return json_string(text);
}

/* --- the VM --- */

static json_t *cpus(const struct machine *m)
{
	const struct topology *topo = machine_topology(m);
	uint32_t sockets = sockets_taken(hotplug_sockets(machine_hotplug(m)));

	return json_pack("{s:I, s:I, s:I}", "sockets", (json_int_t)sockets, "cores",
			 (json_int_t)topo->cores, "threads", (json_int_t)topo->threads);
}

static json_t *vm_spec(const struct control *c)
{
	json_t *cpu = json_object();

	for (int k = 0; k < SPEC_CPU_KEYS; k++)
		json_object_set_new(cpu, spec_cpu_name((enum spec_cpu)k),
				    json_integer(amend_spec(c, (enum spec_cpu)k)));
	return json_pack("{s:{s:o, s:{s:o}}}", "domain", "cpu", cpu, "memory", "guest",
			 quantity(c->spec->memory));
}

static json_t *condition(enum condition_type t, const struct condition *c)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:o}", "type", condition_type_name(t),
			 "status", c->holds ? "True" : "False", "reason", c->reason,
			 "message", qmp_text(c->message), "lastTransitionTime",
			 moment(c->since_ns));
}

static json_t *vm_status(const struct control *c)
{
	json_t *conditions = json_array();

	for (int t = 0; t < CONDITION_NTYPES; t++)
		json_array_append_new(conditions, condition((enum condition_type)t,
							    &c->record->conditions.c[t]));
	return json_pack("{s:s, s:o, s:o}", "phase",
			 machine_paused(c->machine) ? "Paused" : "Running",
			 "currentCPUTopology", cpus(c->machine), "conditions",
			 conditions);
}

json_t *report_vm(const struct control *c)
{
	char name[VM_NAME_LEN];

	vm_name(c->spec, name);
	return json_pack("{s:s, s:s, s:{s:s, s:o}, s:o, s:o}", "apiVersion", API_VERSION,
			 "kind", "VirtualMachineInstance", "metadata", "name", name,
			 "creationTimestamp", moment(c->record->started_ns), "spec",
			 vm_spec(c), "status", vm_status(c));
}

json_t *report_patched(const struct control *c, const struct amended *done)
{
	const struct condition *restart =
		&c->record->conditions.c[CONDITION_RESTART_REQUIRED];
	json_t *o = json_pack("{s:b, s:b}", "changed", done->changed, "restart-required",
			      restart->holds);

	if (restart->holds)
		json_object_set_new(o, "message", qmp_text(restart->message));
	if (done->job)
		json_object_set_new(
			o, "job",
			report_job(c->machine, hotplug_job(machine_hotplug(c->machine))));
	return o;
}

/* --- what happened --- */

static json_t *event(const struct event_entry *e)
{
	return json_pack("{s:s, s:s, s:o, s:I, s:o, s:o}", "type",
			 event_type_name(event_reason_type(e->reason)), "reason",
			 event_reason_name(e->reason), "message", qmp_text(e->message),
			 "count", (json_int_t)e->count, "firstTimestamp",
			 moment(e->first_ns), "lastTimestamp", moment(e->last_ns));
}

json_t *report_events(const struct record *r)
{
	json_t *items = json_array();

	for (size_t i = 0; i < r->events.n; i++)
		json_array_append_new(items, event(events_get(&r->events, i)));
	return json_pack("{s:s, s:s, s:o, s:I}", "apiVersion", API_VERSION, "kind",
			 "EventList", "items", items, "dropped",
			 (json_int_t)r->events.dropped);
}
