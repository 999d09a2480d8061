/* reset: the guest starts again in place: same process, same threads and fds, and the
 * sockets that it has by then. Whoever wants it, on any thread, leaves a wish and wakes
 * main, which does all of it while every vCPU waits at the gate. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "vmm/kvm/arch.h"
#include "devices/clock.h"
#include "vmm/base/log.h"
#include "vmm/machine/machine.h"
#include "vmm/control/report.h"

#define FAULTS_NS UINT64_C(10000000000)

void machine_ask_reset(struct machine *m, const char *reason, bool by_guest,
		       bool by_fault)
{
	if (m->spec.exit_on_reset) {
		machine_end(m, MACHINE_RESET, reason, by_guest,
			    by_guest ? "the guest asked for a reset"
				     : "system_reset was asked for");
		return;
	}
	mtx_lock(&m->end_lock);
	if (m->wish.reason == NULL)
		m->wish = (struct reset_wish){ reason, by_guest, by_fault };
	mtx_unlock(&m->end_lock);
	wake_ring(&m->end_wake);
}

static struct reset_wish get_wish(struct machine *m)
{
	struct reset_wish w;

	mtx_lock(&m->end_lock);
	w = m->wish;
	mtx_unlock(&m->end_lock);
	return w;
}

/* Also what a guest wished again while its vCPUs were on their way to the gate. */
static void forget_wish(struct machine *m)
{
	mtx_lock(&m->end_lock);
	m->wish.reason = NULL;
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

	for (uint32_t i = 0; err == 0 && i < m->topo.max_vcpus; i++)
		if (m->vcpu[i] != NULL)
			err = vcpu_reset(m->vcpu[i]);
	if (err == 0)
		err = vm_clear_ram(m->vm);
	if (err < 0)
		text_set(why, err, "the host cannot reset the VM: %s", text_errno(-err));
	return err;
}

static int load_again(struct machine *m, struct text *why)
{
	unsigned char *enabled = calloc(m->topo.max_vcpus, 1);
	struct text reason;
	int err;

	if (enabled == NULL)
		return text_set(why, -ENOMEM, "no memory to start the guest again");
	for (uint32_t i = 0; i < m->topo.max_vcpus; i++)
		enabled[i] = cpuhp_get(&m->cpuhp, i).in_tables;
	err = machine_load(m, enabled, &reason);
	free(enabled);
	if (err < 0)
		text_set(why, err, "the guest cannot start again: %s", reason.s);
	return err;
}

static int machine_reset(struct machine *m, const struct reset_wish *w, struct text *why)
{
	uint64_t begun = now_ns(), at_gate;
	int err;

	vcpu_pause_all(&m->env);
	at_gate = now_ns();
	forget_wish(m);
	hotplug_reset(m->hotplug);
	uart_reset(&m->uart);
	ged_reset(&m->ged);
	err = reset_host(m, why);
	if (err == 0)
		err = load_again(m, why);
	if (err < 0)
		return err;
	machine_note_boot(m);
	hotplug_look(m->hotplug); /* jobs go on; what they plug now comes as an event */
	report_reset(m, w->by_guest, w->reason);
	record_reset(&m->record, w->by_guest, w->reason);
	log_info("reset reason=%s gate-us=%" PRIu64 " us=%" PRIu64, w->reason,
		 (at_gate - begun) / 1000, (now_ns() - begun) / 1000);
	if (!m->paused)
		vcpu_resume_all(&m->env);
	return 0;
}

void machine_obey_reset(struct machine *m)
{
	struct reset_wish w = get_wish(m);
	struct text why;

	if (w.reason == NULL)
		return;
	if (w.by_fault && faults_loop(m)) {
		text_set(&why, 0,
			 "the guest had more than %d within %d s, and would go on",
			 MACHINE_FAULTS_MAX, (int)(FAULTS_NS / 1000000000u));
		machine_end(m, MACHINE_TRIPLE_FAULT, "guest-panic", true, why.s);
	} else if (machine_reset(m, &w, &why) < 0) {
		machine_end(m, MACHINE_HOST_ERROR, "host-error", false, why.s);
	}
}
