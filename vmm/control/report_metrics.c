#include "vmm/control/report_metrics.h"

#include <stdio.h>
#include <stdlib.h>

#include "devices/clock.h"
#include "vmm/control/vm_name.h"
#include "vmm/machine/machine.h"
#include "vmm/kvm/vcpu_stats.h"

static void count_states(struct machine *m, uint32_t n[VCPU_NSTATES])
{
	for (uint32_t i = 0; i < m->topo.max_vcpus; i++) {
		struct cpuhp_slot s = cpuhp_get(&m->cpuhp, i);

		n[vcpu_state(&s)]++;
	}
}

/* Those that were made. */
static uint32_t look_at_vcpus(const struct machine *m, struct metrics_vcpu *out)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->topo.max_vcpus; i++) {
		struct metrics_vcpu *v = &out[n];

		if (m->vcpu[i] == NULL)
			continue;
		*v = (struct metrics_vcpu){ .index = i };
		v->cpu_ns = vcpu_stats_cpu_ns(m->vcpu[i]);
		v->has_exits = vcpu_stats_exits(m->vcpu[i], &v->exits) == 0;
		n++;
	}
	return n;
}

static void print(struct machine *m, struct metrics_vcpu *vcpu, FILE *out)
{
	const struct sockets *sockets = hotplug_sockets(m->hotplug);
	char name[VM_NAME_LEN];
	struct metrics_now now = {
		.vm = name,
		.paused = m->paused,
		.started = (double)m->record.started_ns / (double)NS_PER_S,
		.memory = m->spec.memory,
		.sockets = sockets_count(sockets),
		.guest_sockets = sockets_taken(sockets),
		.max_sockets = m->topo.max_sockets,
		.writes_ignored = cpuhp_ignored(&m->cpuhp),
		.storms = ged_storms(&m->ged),
		.events_dropped = m->record.events.dropped,
		.vcpu = vcpu,
		.nvcpu = look_at_vcpus(m, vcpu),
	};

	vm_name(&m->spec, name);
	count_states(m, now.vcpus);
	metrics_print(&m->record.metrics, &now, out);
}

char *gather_metrics(struct machine *m, size_t *len)
{
	struct metrics_vcpu *vcpu = calloc(m->topo.max_vcpus, sizeof(*vcpu));
	char *text = NULL;
	FILE *out = vcpu != NULL ? open_memstream(&text, len) : NULL;

	if (out != NULL) {
		print(m, vcpu, out);
		if (fclose(out) != 0) {
			free(text);
			text = NULL;
		}
	}
	free(vcpu);
	return text;
}
