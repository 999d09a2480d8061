#include "vmm/machine/machine.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "acpi/layout.h"
#include "vmm/boot/arch_boot.h"
#include "vmm/kvm/arch.h"
#include "vmm/control/commands.h"
#include "vmm/machine/console.h"
#include "vmm/control/keeper.h"
#include "vmm/base/log.h"
#include "vmm/control/metrics_file.h"
#include "vmm/base/listen.h"
#include "vmm/qmp/qmp_server.h"
#include "vmm/control/report.h"

#define FAREWELL_MS 1000 /* for clients to read the last events */

void machine_end(struct machine *m, enum machine_end how, const char *reason,
		 bool by_guest, const char *detail)
{
	mtx_lock(&m->end_lock);
	if (m->end == MACHINE_RUNNING) {
		m->end = how;
		m->end_reason = reason;
		m->end_by_guest = by_guest;
		(void)snprintf(m->end_detail, sizeof(m->end_detail), "%s", detail);
	}
	mtx_unlock(&m->end_lock);
	wake_ring(&m->end_wake);
}

static void on_end(void *ctx)
{
	struct machine *m = ctx;
	bool ends;

	mtx_lock(&m->end_lock);
	ends = m->end != MACHINE_RUNNING;
	mtx_unlock(&m->end_lock);
	if (ends)
		event_base_loopbreak(m->base);
	else
		machine_obey_reset(m);
}

void machine_quit(void *machine)
{
	machine_end(machine, MACHINE_POWERED_OFF, "host-qmp-quit", false, "");
}

static void on_escape(void *ctx)
{
	machine_end(ctx, MACHINE_POWERED_OFF, "host-ui", false, "");
}

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	machine_end(arg, MACHINE_POWERED_OFF, "host-signal", false, "");
}

/* vCPU threads. */
static void on_power_wish(void *ctx, enum power_wish wish)
{
	if (wish == POWER_OFF)
		machine_end(ctx, MACHINE_POWERED_OFF, "guest-shutdown", true, "");
	else
		machine_ask_reset(ctx, "guest-reset", true, false);
}

static void on_vcpu_end(void *ctx, uint32_t index, enum vcpu_end why, const char *detail)
{
	const struct machine *m = ctx;
	char text[160];

	(void)snprintf(text, sizeof(text), "%s (cpu %u)", detail, index);
	if (why == VCPU_END_TRIPLE_FAULT && !m->spec.exit_on_reset)
		machine_ask_reset(ctx, "guest-reset", true, true);
	else if (why == VCPU_END_TRIPLE_FAULT)
		machine_end(ctx, MACHINE_TRIPLE_FAULT, "guest-panic", true, text);
	else if (why == VCPU_END_INTERNAL_ERROR)
		machine_end(ctx, MACHINE_KVM_ERROR, "host-error", false, text);
	else
		machine_end(ctx, MACHINE_HOST_ERROR, "host-error", false, text);
}

static void set_ged_line(void *ctx, bool level)
{
	const struct machine *m = ctx;

	(void)arch_set_irq(m->vm, GED_INTR,
			   level); /* fails only where there is no such line */
}

static void set_uart_line(void *ctx, bool level)
{
	const struct machine *m = ctx;

	(void)arch_set_irq(m->vm, UART_INTR, level);
}

static void ring_console(void *ctx)
{
	struct machine *m = ctx;

	wake_ring(&m->console_wake);
}

/* A vCPU thread; the guest has nothing else to tell then. */
static void on_storm(void *ctx)
{
	struct machine *m = ctx;

	wake_ring(&m->hotplug_wake);
}

static void on_hotplug_wake(void *ctx)
{
	static const char storm[] =
		"the guest takes the GED's interrupt and does not answer it: its ACPI "
		"event method fails; the line is low until the next event";
	struct machine *m = ctx;
	uint64_t storms = ged_storms(&m->ged);

	vcpu_start_wanted(&m->env);
	hotplug_look(m->hotplug);
	if (storms != m->storms) {
		log_warn("%s", storm);
		record_event(&m->record, EVENT_INTERRUPT_STORM, "%s", storm);
	}
	m->storms = storms;
	record_changed(&m->record);
}

/* Devices, in the order of their addresses on each bus. */
static int add_devices(struct machine *m)
{
	bool takes_ejects = !m->spec.refuse_guest_ejects && !m->spec.found.host.boot_only;
	int err;

	ged_init(&m->ged, set_ged_line, on_storm, m);
	uart_init(&m->uart, set_uart_line, ring_console, m);
	m->power = (struct power){ on_power_wish, m };
	err = cpuhp_init(&m->cpuhp, &m->topo, &m->ged,
			 (takes_ejects ? CPUHP_ACCEPT_EJECTS : 0) |
				 (m->spec.device_tree ? CPUHP_NO_ACPI : 0),
			 wake_ring, &m->hotplug_wake);
	if (err == 0)
		err = bus_add(&m->mmio, CPUHP_BASE, CPUHP_LEN, cpuhp_access, &m->cpuhp);
	if (err == 0)
		err = bus_add(&m->mmio, GED_BASE, GED_LEN, ged_access, &m->ged);
	if (err == 0)
		err = bus_add(&m->mmio, SLEEP_BASE, SLEEP_LEN, power_sleep_access,
			      &m->power);
	if (err == 0)
		err = arch_add_devices(m->vm, &m->pio, &m->mmio, &m->uart, &m->power);
	return err;
}

/* What was ignored when we were started stays so: nohup, and background jobs of
 * scripts. */
static bool is_ignored(int sig)
{
	struct sigaction sa;

	return sigaction(sig, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN;
}

static int add_signal(struct machine *m, struct event **ev, int sig)
{
	if (is_ignored(sig))
		return 0;
	*ev = evsignal_new(m->base, sig, on_signal, m);
	return *ev != NULL && event_add(*ev, NULL) == 0 ? 0 : -ENOMEM;
}

static int add_loop(struct machine *m)
{
	int err;

	m->base = event_base_new();
	if (m->base == NULL)
		return -ENOMEM;
	err = wake_init(&m->end_wake, m->base, on_end, m);
	if (err == 0)
		err = wake_init(&m->hotplug_wake, m->base, on_hotplug_wake, m);
	if (err == 0)
		err = vcpu_host_init(&m->vcpu_host, m->base, &m->env, m->vcpu,
				     on_hotplug_wake, m);
	if (err == 0)
		err = add_signal(m, &m->sigint, SIGINT);
	if (err == 0)
		err = add_signal(m, &m->sigterm, SIGTERM);
	if (err == 0)
		err = add_signal(m, &m->sighup, SIGHUP);
	return err;
}

static int add_vcpus(struct machine *m, unsigned char *enabled, struct text *why)
{
	uint32_t boot = m->spec.cpus.sockets * m->topo.per_socket;

	for (uint32_t i = 0; i < arch_first_vcpus(&m->topo, boot); i++) {
		int err = vcpu_create(&m->env, i, &m->vcpu[i]);

		if (err < 0)
			return text_set(why, err, "KVM cannot make vCPU %u: %s", i,
					text_errno(-err));
	}
	for (uint32_t i = 0; i < boot; i++) {
		cpuhp_boot(&m->cpuhp, i);
		enabled[i] = 1;
	}
	return arch_vm_complete(m->vm, why);
}

int machine_load(struct machine *m, const unsigned char *enabled, struct text *why)
{
	unsigned char *sta;
	int err = arch_load(m->vm, m->vcpu[0], &m->spec, &m->files, enabled, &sta, why);

	if (err == 0)
		cpuhp_show(&m->cpuhp, sta);
	return err;
}

static int load_guest(struct machine *m, struct text *why)
{
	unsigned char *enabled = calloc(m->topo.max_vcpus, 1);
	int err;

	if (enabled == NULL)
		return text_set(why, -ENOMEM, "no memory for the VM");
	err = add_vcpus(m, enabled, why);
	if (err == 0)
		err = machine_load(m, enabled, why);
	free(enabled);
	return err;
}

static void on_record_change(void *ctx)
{
	const struct machine *m = ctx;

	metrics_file_write_soon(m->metrics_file);
}

static int add_control(struct machine *m, struct text *why)
{
	struct hotplug_host host = vcpu_host_calls(&m->vcpu_host);
	int err = keeper_new(m, &m->keeper);

	record_init(&m->record, on_record_change, m);
	m->listeners[0] = report_listener(m);
	m->listeners[1] = record_listener(&m->record);
	m->listeners[2] = keeper_listener(m->keeper);
	if (err == 0)
		err = hotplug_new(&host, &m->spec, &m->cpuhp, m->listeners, 3,
				  &m->hotplug);
	if (err < 0)
		return text_set(why, err, "no memory for the VM");
	err = metrics_file_new(m, &m->metrics_file, why);
	if (err < 0 || m->spec.qmp == NULL)
		return err;
	err = qmp_server_new(m->base, m->spec.qmp, commands_handle, m, &m->qmp);
	if (err < 0)
		return text_set(why, err, "--qmp %s: %s%s", m->spec.qmp, text_errno(-err),
				listen_remedy(err));
	return 0;
}

static int add_host_parts(struct machine *m, struct text *why)
{
	int err;

	m->vcpu = calloc(m->topo.max_vcpus, sizeof(struct vcpu *));
	m->env.vcpu = m->vcpu;
	err = m->vcpu != NULL ? vcpu_setup_kick() : -ENOMEM;
	if (err == 0)
		err = add_loop(m);
	if (err == 0)
		err = add_devices(m);
	return err < 0 ? text_set(why, err, "cannot make the VM: %s", text_errno(-err))
		       : 0;
}

static int open_files(struct machine *m, struct text *why)
{
	int err = boot_files_open(&m->files, &m->spec, why);

	return err < 0 ? err : boot_files_check(&m->files, why);
}

int machine_create(const struct spec *spec, const struct topology *topo, int kvm_fd,
		   struct machine **out, struct text *why)
{
	struct machine *m = calloc(1, sizeof(*m));
	int err;

	if (m == NULL) {
		close(kvm_fd);
		return text_set(why, -ENOMEM, "no memory for the VM");
	}
	m->spec = *spec;
	m->topo = *topo;
	m->files = BOOT_FILES_NONE;
	m->end_lock = (struct mtx)MTX_INIT;
	m->end = MACHINE_RUNNING;
	m->hotplug_wake.fd = m->console_wake.fd = m->end_wake.fd = -1;
	m->env = (struct vcpu_env){ .pio = &m->pio,
				    .mmio = &m->mmio,
				    .power = &m->power,
				    .cpuhp = &m->cpuhp,
				    .ended = on_vcpu_end,
				    .ctx = m };
	vcpu_env_init(&m->env);
	err = open_files(m, why);
	if (err == 0)
		err = vm_create(kvm_fd, spec->memory, &m->topo, &m->vm, why);
	else
		close(kvm_fd);
	m->env.vm = m->vm;
	if (err == 0)
		err = add_host_parts(m, why);
	if (err == 0)
		err = load_guest(m, why);
	if (err == 0)
		err = add_control(m, why);
	if (err == 0)
		err = console_new(m->base, spec->serial, &m->uart, &m->console_wake,
				  on_escape, m, &m->console, why);
	if (err < 0) {
		machine_destroy(m);
		return err;
	}
	*out = m;
	return 0;
}

/* CPU 0 runs; and where the host does not say which others do, they are taken to. */
void machine_note_boot(struct machine *m)
{
	(void)cpuhp_runs(&m->cpuhp, 0, true);
	for (uint32_t i = 1; m->spec.found.host.boot_only && i < m->topo.max_vcpus; i++)
		(void)cpuhp_runs(&m->cpuhp, i, true);
}

static int start_vcpus(struct machine *m)
{
	for (uint32_t i = m->spec.cpus.sockets * m->topo.per_socket; i-- > 0;) {
		int err = vcpu_start(m->vcpu[i]);

		if (err < 0)
			return err;
	}
	machine_note_boot(m);
	return 0;
}

static void stop_vcpus(struct machine *m)
{
	for (uint32_t i = 0; i < m->topo.max_vcpus; i++)
		if (m->vcpu[i] != NULL)
			vcpu_stop(m->vcpu[i]);
}

static enum machine_end say_end(struct machine *m)
{
	static const char *const text[] = {
		[MACHINE_HOST_ERROR] = "the VM ended by an error of the host",
		[MACHINE_RESET] = "the VM ended by a reset",
		[MACHINE_TRIPLE_FAULT] = "the VM ended by a triple fault",
		[MACHINE_KVM_ERROR] = "the VM ended by a KVM error",
	};
	enum machine_end how;

	mtx_lock(&m->end_lock);
	how = m->end;
	report_shutdown(m, m->end_by_guest, m->end_reason);
	mtx_unlock(&m->end_lock);
	if (how != MACHINE_POWERED_OFF)
		log_err("%s: %s", text[how], m->end_detail);
	return how;
}

enum machine_end machine_run(struct machine *m)
{
	enum machine_end how;
	int err = start_vcpus(m);

	if (err < 0)
		machine_end(m, MACHINE_HOST_ERROR, "host-error", false, text_errno(-err));
	record_started(&m->record, m->spec.cpus.sockets, m->topo.max_sockets);
	event_base_dispatch(m->base);
	stop_vcpus(m);
	keeper_finish(m->keeper);
	console_free(m->console); /* first the guest's last words, then ours */
	m->console = NULL;
	how = say_end(m);
	qmp_server_free(m->qmp, FAREWELL_MS);
	m->qmp = NULL;
	return how;
}

static void free_event(struct event *ev)
{
	if (ev != NULL)
		event_free(ev);
}

void machine_destroy(struct machine *m)
{
	if (m == NULL)
		return;
	for (uint32_t i = 0; m->vcpu != NULL && i < m->topo.max_vcpus; i++)
		vcpu_destroy(m->vcpu[i]);
	console_free(m->console);
	qmp_server_free(m->qmp, 0);
	hotplug_free(m->hotplug);
	vcpu_host_destroy(&m->vcpu_host);
	keeper_free(m->keeper);
	metrics_file_free(m->metrics_file);
	m->metrics_file = NULL;
	vm_destroy(m->vm);
	boot_files_close(&m->files);
	cpuhp_destroy(&m->cpuhp);
	free_event(m->sigint);
	free_event(m->sigterm);
	free_event(m->sighup);
	wake_destroy(&m->console_wake);
	wake_destroy(&m->hotplug_wake);
	wake_destroy(&m->end_wake);
	if (m->base != NULL)
		event_base_free(m->base);
	vcpu_env_destroy(&m->env);
	free(m->vcpu);
	free(m);
}

void machine_pause(struct machine *m)
{
	if (m->paused)
		return;
	vcpu_pause_all(&m->env);
	m->paused = true;
	record_paused(&m->record, true);
}

void machine_resume(struct machine *m)
{
	if (!m->paused)
		return;
	vcpu_resume_all(&m->env);
	m->paused = false;
	record_paused(&m->record, false);
}

void machine_press_power_button(struct machine *m)
{
	ged_set(&m->ged, GED_POWER, true);
	record_event(&m->record, EVENT_POWERDOWN,
		     "the guest is told that its power button was pressed");
}
