#include "vmm/machine/machine.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "acpi/layout.h"
#include "vmm/base/log.h"
#include "vmm/hotplug/hotplug.h"
#include "vmm/kvm/arch.h"
#include "vmm/machine/console.h"
#include "vmm/machine/load.h"
#include "vmm/machine/machine_parts.h"
#include "vmm/machine/reset.h"

/* --- what devices, vCPUs and the console tell --- */

static void on_end(void *ctx)
{
	struct machine *m = ctx;

	if (machine_has_ended(m))
		event_base_loopbreak(m->base);
	else
		machine_obey_reset(m);
}

static void on_escape(void *ctx)
{
	machine_end(ctx, MACHINE_POWERED_OFF, "host-ui", false, "");
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
	if (why == VCPU_END_TRIPLE_FAULT && !m->spec->exit_on_reset)
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
static void ring_storm(void *ctx)
{
	struct machine *m = ctx;

	wake_ring(&m->storm_wake);
}

static void on_storm(void *ctx)
{
	static const char what[] =
		"the guest takes the GED's interrupt and does not answer it: its ACPI "
		"event method fails; the line is low until the next event";
	struct machine *m = ctx;

	log_warn("%s", what);
	MACHINE_TELL(m, interrupt_storm, what);
}

static void on_hotplug_wake(void *ctx)
{
	struct machine *m = ctx;

	vcpu_start_wanted(&m->env);
	hotplug_look(m->hotplug);
	MACHINE_TELL(m, guest_acted);
}

/* --- life --- */

/* Devices, in the order of their addresses on each bus. */
static int add_devices(struct machine *m)
{
	bool takes_ejects =
		!m->spec->refuse_guest_ejects && !m->spec->found.host.boot_only;
	int err;

	ged_init(&m->ged, set_ged_line, ring_storm, m);
	uart_init(&m->uart, set_uart_line, ring_console, m);
	m->power = (struct power){ on_power_wish, m };
	err = cpuhp_init(&m->cpuhp, m->topo, &m->ged,
			 (takes_ejects ? CPUHP_ACCEPT_EJECTS : 0) |
				 (m->spec->device_tree ? CPUHP_NO_ACPI : 0),
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

static int add_wakes(struct machine *m)
{
	int err = wake_init(&m->end_wake, m->base, on_end, m);

	if (err == 0)
		err = wake_init(&m->hotplug_wake, m->base, on_hotplug_wake, m);
	if (err == 0)
		err = wake_init(&m->storm_wake, m->base, on_storm, m);
	if (err == 0)
		err = vcpu_host_init(&m->vcpu_host, m->base, &m->env, m->vcpu,
				     on_hotplug_wake, m);
	return err;
}

static int add_host_parts(struct machine *m, struct text *why)
{
	int err;

	m->vcpu = calloc(m->topo->max_vcpus, sizeof(struct vcpu *));
	m->env.vcpu = m->vcpu;
	err = m->vcpu != NULL ? vcpu_setup_kick() : -ENOMEM;
	if (err == 0)
		err = add_wakes(m);
	if (err == 0)
		err = add_devices(m);
	return err < 0 ? text_set(why, err, "cannot make the VM: %s", text_errno(-err))
		       : 0;
}

static int add_hotplug(struct machine *m, const struct machine_setup *s, struct text *why)
{
	const struct hotplug_host host = vcpu_host_calls(&m->vcpu_host);
	int err = hotplug_new(&host, m->spec, &m->cpuhp, s->hotplug_listeners,
			      s->nhotplug_listeners, &m->hotplug);

	return err < 0 ? text_set(why, err, "no memory for the VM") : 0;
}

static int open_files(struct machine *m, struct text *why)
{
	int err = boot_files_open(&m->files, m->spec, why);

	return err < 0 ? err : boot_files_check(&m->files, why);
}

/* No descriptor is open. */
static struct machine *make_empty(const struct machine_setup *s)
{
	struct machine *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->spec = s->spec;
	m->topo = s->topo;
	m->base = s->base;
	m->listeners = s->listeners;
	m->nlisteners = s->nlisteners;
	m->files = BOOT_FILES_NONE;
	m->end_lock = (struct mtx)MTX_INIT;
	m->ending.how = MACHINE_RUNNING;
	m->hotplug_wake.fd = m->storm_wake.fd = -1;
	m->console_wake.fd = m->end_wake.fd = -1;
	m->env = (struct vcpu_env){ .pio = &m->pio,
				    .mmio = &m->mmio,
				    .power = &m->power,
				    .cpuhp = &m->cpuhp,
				    .ended = on_vcpu_end,
				    .ctx = m };
	vcpu_env_init(&m->env);
	return m;
}

int machine_create(const struct machine_setup *s, struct machine **out, struct text *why)
{
	struct machine *m = make_empty(s);
	int err;

	if (m == NULL) {
		close(s->kvm_fd);
		return text_set(why, -ENOMEM, "no memory for the VM");
	}
	err = open_files(m, why);
	if (err == 0)
		err = vm_create(s->kvm_fd, m->spec, m->topo, &m->vm, why);
	else
		close(s->kvm_fd);
	m->env.vm = m->vm;
	if (err == 0)
		err = add_host_parts(m, why);
	if (err == 0)
		err = machine_load_first(m, why);
	if (err == 0)
		err = add_hotplug(m, s, why);
	if (err < 0) {
		machine_destroy(m);
		return err;
	}
	*out = m;
	return 0;
}

int machine_open_console(struct machine *m, struct text *why)
{
	return console_new(m->base, m->spec->serial, &m->uart, &m->console_wake,
			   on_escape, m, &m->console, why);
}

static int start_vcpus(struct machine *m)
{
	for (uint32_t i = m->spec->cpus.sockets * m->topo->per_socket; i-- > 0;) {
		int err = vcpu_start(m->vcpu[i]);

		if (err < 0)
			return err;
	}
	machine_note_boot(m);
	return 0;
}

static void stop_vcpus(struct machine *m)
{
	for (uint32_t i = 0; i < m->topo->max_vcpus; i++)
		if (m->vcpu[i] != NULL)
			vcpu_stop(m->vcpu[i]);
}

static enum machine_exit tell_end(struct machine *m)
{
	static const char *const text[] = {
		[MACHINE_HOST_ERROR] = "the VM ended by an error of the host",
		[MACHINE_RESET] = "the VM ended by a reset",
		[MACHINE_TRIPLE_FAULT] = "the VM ended by a triple fault",
		[MACHINE_KVM_ERROR] = "the VM ended by a KVM error",
	};
	struct machine_ending e;

	mtx_lock(&m->end_lock);
	e = m->ending;
	mtx_unlock(&m->end_lock);
	MACHINE_TELL(m, ended, e.by_guest, e.reason);
	if (e.how != MACHINE_POWERED_OFF)
		log_err("%s: %s", text[e.how], e.detail);
	return e.how;
}

enum machine_exit machine_run(struct machine *m)
{
	int err = start_vcpus(m);

	if (err < 0)
		machine_end(m, MACHINE_HOST_ERROR, "host-error", false, text_errno(-err));
	MACHINE_TELL(m, started, m->spec->cpus.sockets, m->topo->max_sockets);
	event_base_dispatch(m->base);
	stop_vcpus(m);
	console_free(m->console); /* first the guest's last words, then ours */
	m->console = NULL;
	return tell_end(m);
}

void machine_destroy(struct machine *m)
{
	if (m == NULL)
		return;
	for (uint32_t i = 0; m->vcpu != NULL && i < m->topo->max_vcpus; i++)
		vcpu_destroy(m->vcpu[i]);
	console_free(m->console);
	hotplug_free(m->hotplug);
	vcpu_host_destroy(&m->vcpu_host);
	vm_destroy(m->vm);
	boot_files_close(&m->files);
	cpuhp_destroy(&m->cpuhp);
	wake_destroy(&m->console_wake);
	wake_destroy(&m->storm_wake);
	wake_destroy(&m->hotplug_wake);
	wake_destroy(&m->end_wake);
	vcpu_env_destroy(&m->env);
	free(m->vcpu);
	free(m);
}

/* --- what others may ask --- */

bool machine_paused(struct machine *m)
{
	return vcpu_all_paused(&m->env);
}

void machine_pause(struct machine *m)
{
	if (machine_paused(m))
		return;
	vcpu_pause_all(&m->env);
	MACHINE_TELL(m, paused);
}

void machine_resume(struct machine *m)
{
	if (!machine_paused(m))
		return;
	vcpu_resume_all(&m->env);
	MACHINE_TELL(m, resumed);
}

void machine_press_power_button(struct machine *m)
{
	ged_set(&m->ged, GED_POWER, true);
	MACHINE_TELL(m, powerdown);
}

const struct topology *machine_topology(const struct machine *m)
{
	return m->topo;
}

struct hotplug *machine_hotplug(const struct machine *m)
{
	return m->hotplug;
}

struct cpuhp *machine_cpuhp(struct machine *m)
{
	return &m->cpuhp;
}

struct vcpu *const *machine_vcpus(const struct machine *m)
{
	return m->vcpu;
}

uint64_t machine_storms(struct machine *m)
{
	return ged_storms(&m->ged);
}
