#include "vmm/machine/reset.h"

#include <inttypes.h>

#include "devices/clock.h"
#include "vmm/base/log.h"
#include "vmm/hotplug/hotplug.h"
#include "vmm/kvm/arch.h"
#include "vmm/machine/load.h"
#include "vmm/machine/machine_parts.h"

#define FAULTS_NS (10 * NS_PER_S)

void machine_ask_reset(struct machine *m, const char *reason, bool by_guest,
		       bool by_fault)
{
	if (m->spec->exit_on_reset) {
		machine_end(m, MACHINE_RESET, reason, by_guest,
			    by_guest ? "the guest asked for a reset"
				     : "system_reset was asked for");
		return;
	}
	mtx_lock(&m->end_lock);
	if (m->reset.reason == NULL)
		m->reset = (struct reset_request){ reason, by_guest, by_fault };
	mtx_unlock(&m->end_lock);
	wake_ring(&m->end_wake);
}

static struct reset_request get_request(struct machine *m)
{
	struct reset_request r;

	mtx_lock(&m->end_lock);
	r = m->reset;
	mtx_unlock(&m->end_lock);
	return r;
}

/* Also what a guest asked for again while its vCPUs were on their way to the gate. */
static void forget_request(struct machine *m)
{
	mtx_lock(&m->end_lock);
	m->reset.reason = NULL;
	mtx_unlock(&m->end_lock);
}

/* Notes a triple fault. Whether there were too many in too short a time: this guest would
 * never come further. */
static bool faults_loop(struct machine *m)
{
	uint64_t now = now_ns(),
		 *oldest = &m->fault_ns[m->nfaults++ % MACHINE_FAULTS_MAX];
	bool loop = *oldest != 0 && now - *oldest < FAULTS_NS;

	*oldest = now;
	return loop;
}

/* Parked vCPUs, too: their registers are of the guest that was. */
static int reset_host(struct machine *m, struct text *why)
{
	int err = arch_vm_reset(m->vm);

	for (uint32_t i = 0; err == 0 && i < m->topo->max_vcpus; i++)
		if (m->vcpu[i] != NULL)
			err = vcpu_reset(m->vcpu[i]);
	if (err == 0)
		err = vm_clear_ram(m->vm);
	if (err < 0)
		text_set(why, err, "the host cannot reset the VM: %s", text_errno(-err));
	return err;
}

static int reset(struct machine *m, const struct reset_request *r, struct text *why)
{
	bool paused = vcpu_all_paused(&m->env);
	uint64_t begun = now_ns(), at_gate;
	int err;

	vcpu_pause_all(&m->env);
	at_gate = now_ns();
	forget_request(m);
	hotplug_reset(m->hotplug);
	uart_reset(&m->uart);
	ged_reset(&m->ged);
	err = reset_host(m, why);
	if (err == 0)
		err = machine_load_again(m, why);
	if (err < 0)
		return err;
	machine_note_boot(m);
	hotplug_look(m->hotplug); /* jobs go on; what they plug now comes as an event */
	MACHINE_TELL(m, reset, r->by_guest, r->reason);
	log_info("reset reason=%s gate-us=%" PRIu64 " us=%" PRIu64, r->reason,
		 (at_gate - begun) / 1000, (now_ns() - begun) / 1000);
	if (!paused)
		vcpu_resume_all(&m->env);
	return 0;
}

void machine_obey_reset(struct machine *m)
{
	struct reset_request r = get_request(m);
	struct text why;

	if (r.reason == NULL)
		return;
	if (r.by_fault && faults_loop(m)) {
		text_set(&why, 0, "the guest had more than %d triple faults within %d s",
			 MACHINE_FAULTS_MAX, (int)(FAULTS_NS / NS_PER_S));
		machine_end(m, MACHINE_TRIPLE_FAULT, "guest-panic", true, why.s);
	} else if (reset(m, &r, &why) < 0) {
		machine_end(m, MACHINE_HOST_ERROR, "host-error", false, why.s);
	}
}
