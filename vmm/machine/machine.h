#ifndef VMM_MACHINE_MACHINE_H
#define VMM_MACHINE_MACHINE_H
/* machine: the parts put together, and how it ends. Main only. */

#include <stdbool.h>

#include "acpi/topology.h"
#include "devices/bus.h"
#include "devices/cpuhp.h"
#include "devices/ged.h"
#include "devices/power.h"
#include "devices/uart.h"
#include "vmm/boot/boot_files.h"
#include "vmm/hotplug/hotplug.h"
#include "vmm/hotplug/vcpu_host.h"
#include "vmm/control/record.h"
#include "vmm/config/spec.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/vm.h"
#include "vmm/base/wake.h"

struct console;
struct event;
struct event_base;
struct keeper;
struct metrics_file;
struct qmp_server;

/* How it ended, which is the program's exit status, too. The texts of --help and README
 * follow this list. */
enum machine_end {
	MACHINE_POWERED_OFF = 0,  /* by the guest, or by quit */
	MACHINE_HOST_ERROR = 1,   /* could not start, or the host failed */
	MACHINE_USAGE = 2,        /* what was asked for cannot be */
	MACHINE_RESET = 3,        /* by a reset, where that ends it */
	MACHINE_TRIPLE_FAULT = 4, /* by a triple fault, or by too many */
	MACHINE_KVM_ERROR = 5,    /* KVM cannot run the guest's code */
	MACHINE_RUNNING = -1,
};

#define MACHINE_FAULTS_MAX 5 /* triple faults within 10 s that only restart the guest */

/* Why the guest is to start again; reason is one of QEMU's ShutdownCause, or NULL. */
struct reset_wish {
	const char *reason;
	bool by_guest, by_fault;
};

struct machine {
	struct spec spec;
	struct topology topo;
	struct event_base *base;
	struct event *sigint, *sigterm, *sighup;

	struct bus pio, mmio;
	struct ged ged;
	struct cpuhp cpuhp;
	struct uart uart;
	struct power power;

	struct boot_files files; /* what the guest starts from, each time */
	struct vm *vm;
	struct vcpu_env env;
	struct vcpu **vcpu; /* topo.max_vcpus of them; NULL: no fd yet */

	struct vcpu_host vcpu_host; /* hotplug's */
	struct hotplug *hotplug;
	struct hotplug_listener listeners[3]; /* in the order that they are told */
	struct keeper *keeper;                /* of the spec file; NULL: there is none */
	struct record record;
	struct metrics_file *metrics_file; /* NULL: none is kept */
	struct console *console;
	struct qmp_server *qmp;
	struct wake hotplug_wake, console_wake, end_wake;
	bool paused;
	uint64_t storms; /* of the GED, as far as they have been told */
	uint64_t fault_ns[MACHINE_FAULTS_MAX]; /* of the last triple faults, in a ring */
	unsigned nfaults;

	struct mtx end_lock; /* guards the fields from here on */
	enum machine_end end;
	const char *end_reason; /* of the SHUTDOWN event; static string */
	bool end_by_guest;
	char end_detail[TEXT_LEN]; /* a sentence, or empty */
	struct reset_wish wish;
};

/* Builds it all, without running a vCPU. spec is resolved, and so is topo; kvm_fd is
 * taken over. 0; or -errno with *why, and nothing left behind. */
int machine_create(const struct spec *spec, const struct topology *topo, int kvm_fd,
		   struct machine **out, struct text *why);

/* Runs the guest until something ends it, says in one line what if that is no power-off,
 * and returns the exit status. */
enum machine_end machine_run(struct machine *m);
void machine_destroy(struct machine *m);

/* What the control socket may do. Pausing what is paused changes nothing. */
void machine_pause(struct machine *m);
void machine_resume(struct machine *m);
void machine_press_power_button(struct machine *m);
void machine_quit(void *machine);

/* Ends the VM; any thread. The first reason stands. detail is a sentence, or empty. */
void machine_end(struct machine *m, enum machine_end how, const char *reason,
		 bool by_guest, const char *detail) NOT_HOLDING(m->end_lock);

/* Starts the guest again, or ends the VM, as --on-reset says; any thread: main does
 * it. */
void machine_ask_reset(struct machine *m, const char *reason, bool by_guest,
		       bool by_fault) NOT_HOLDING(m->end_lock);

/* The guest begins: what is known of its CPUs without its saying. */
void machine_note_boot(struct machine *m);

/* Loads the guest, which starts with these CPUs (tables_build()). 0; or -errno with
 * *why. */
int machine_load(struct machine *m, const unsigned char *enabled, struct text *why);

/* Does what was asked for, if anything was. */
void machine_obey_reset(struct machine *m) NOT_HOLDING(m->end_lock);

#endif
