#include "vmm/control/report_metrics.h"

#include <stdio.h>
#include <stdlib.h>

#include "devices/clock.h"
#include "vmm/config/spec.h"
#include "vmm/control/control.h"
#include "vmm/control/record.h"
#include "vmm/control/vm_name.h"
#include "vmm/hotplug/hotplug.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/vcpu_stats.h"
#include "vmm/machine/machine.h"

static void count_states(struct machine *m, uint32_t n[VCPU_NSTATES])
{
	for (uint32_t i = 0; i < machine_topology(m)->max_vcpus; i++) {
		struct cpuhp_slot s = cpuhp_get(machine_cpuhp(m), i);

		n[vcpu_state(&s)]++;
	}
}

/* Those that were made. */
static uint32_t look_at_vcpus(const struct machine *m, struct metrics_vcpu *out)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < machine_topology(m)->max_vcpus; i++) {
		struct vcpu *vcpu = machine_vcpus(m)[i];
		struct metrics_vcpu *v = &out[n];

		if (vcpu == NULL)
			continue;
		*v = (struct metrics_vcpu){ .index = i };
		v->cpu_ns = vcpu_stats_cpu_ns(vcpu);
		v->has_exits = vcpu_stats_exits(vcpu, &v->exits) == 0;
		n++;
	}
	return n;
}

static void print(const struct control *c, struct metrics_vcpu *vcpu, FILE *out)
{
	struct machine *m = c->machine;
	const struct sockets *sockets = hotplug_sockets(machine_hotplug(m));
	char name[VM_NAME_LEN];
	struct metrics_now now = {
		.vm = name,
		.paused = machine_paused(m),
		.started = (double)c->record->started_ns / (double)NS_PER_S,
		.memory = c->spec->memory,
		.sockets = sockets_count(sockets),
		.guest_sockets = sockets_taken(sockets),
		.max_sockets = machine_topology(m)->max_sockets,
		.writes_ignored = cpuhp_ignored(machine_cpuhp(m)),
		.osts_lost = cpuhp_lost(machine_cpuhp(m)),
		.storms = machine_storms(m),
		.events_dropped = c->record->events.dropped,
		.vcpu = vcpu,
		.nvcpu = look_at_vcpus(m, vcpu),
	};

	vm_name(c->spec, name);
	count_states(m, now.vcpus);
	metrics_print(&c->record->metrics, &now, out);
}

char *report_metrics_text(const struct control *c, size_t *len)
{
	struct metrics_vcpu *vcpu =
		calloc(machine_topology(c->machine)->max_vcpus, sizeof(*vcpu));
	char *text = NULL;
	FILE *out = vcpu != NULL ? open_memstream(&text, len) : NULL;

	if (out != NULL) {
		print(c, vcpu, out);
		if (fclose(out) != 0) {
			free(text);
			text = NULL;
		}
	}
	free(vcpu);
	return text;
}

json_t *report_metrics(const struct control *c)
{
	size_t len;
	char *text = report_metrics_text(c, &len);
	json_t *o = json_pack("{s:s}", "text", text != NULL ? text : "");

	free(text);
	return o;
}
