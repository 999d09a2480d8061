#include "vmm/machine/load.h"

#include <errno.h>
#include <stdlib.h>

#include "vmm/boot/arch_boot.h"
#include "vmm/kvm/arch.h"
#include "vmm/machine/machine_parts.h"

static int add_vcpus(struct machine *m, struct text *why)
{
	uint32_t boot = m->spec->cpus.sockets * m->topo->per_socket;

	for (uint32_t i = 0; i < arch_first_vcpus(m->topo, boot); i++) {
		int err = vcpu_create(&m->env, i, &m->vcpu[i]);

		if (err < 0)
			return text_set(why, err, "KVM cannot make vCPU %u: %s", i,
					text_errno(-err));
	}
	for (uint32_t i = 0; i < boot; i++)
		cpuhp_boot(&m->cpuhp, i);
	return arch_vm_complete(m->vm, why);
}

/* Its tables have the CPUs that are in_tables. */
static int load(struct machine *m, struct text *why)
{
	unsigned char *enabled = calloc(m->topo->max_vcpus, 1), *sta;
	int err;

	if (enabled == NULL)
		return text_set(why, -ENOMEM, "no memory to load the guest");
	for (uint32_t i = 0; i < m->topo->max_vcpus; i++)
		enabled[i] = cpuhp_get(&m->cpuhp, i).in_tables;
	err = arch_load(m->vm, m->vcpu[0], m->spec, &m->files, enabled, &sta, why);
	free(enabled);
	if (err == 0)
		cpuhp_show(&m->cpuhp, sta);
	return err;
}

int machine_load_first(struct machine *m, struct text *why)
{
	int err = add_vcpus(m, why);

	return err < 0 ? err : load(m, why);
}

int machine_load_again(struct machine *m, struct text *why)
{
	struct text reason;
	int err = load(m, &reason);

	if (err < 0)
		text_set(why, err, "the guest cannot start again: %s", reason.s);
	return err;
}

/* CPU 0 runs; and where the host does not say which others do, they are taken to. */
void machine_note_boot(struct machine *m)
{
	(void)cpuhp_runs(&m->cpuhp, 0, true);
	for (uint32_t i = 1; m->spec->found.host.boot_only && i < m->topo->max_vcpus; i++)
		(void)cpuhp_runs(&m->cpuhp, i, true);
}
