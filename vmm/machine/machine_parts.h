#ifndef VMM_MACHINE_MACHINE_PARTS_H
#define VMM_MACHINE_MACHINE_PARTS_H
/* machine_parts: what the machine consists of. For this folder; nobody else includes it.
 *
 * Threads: it is main's. A vCPU thread comes in through the buses and through the
 * callbacks that machine.c gives to devices and vCPUs; there it uses what is constant,
 * the wakes, and what end_lock guards, by machine_end() and machine_ask_reset(). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acpi/topology.h"
#include "devices/bus.h"
#include "devices/cpuhp.h"
#include "devices/ged.h"
#include "devices/mtx.h"
#include "devices/power.h"
#include "devices/uart.h"
#include "vmm/base/text.h"
#include "vmm/base/wake.h"
#include "vmm/boot/boot_files.h"
#include "vmm/config/spec.h"
#include "vmm/hotplug/vcpu_host.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/vm.h"
#include "vmm/machine/ending.h"
#include "vmm/machine/listener.h"

struct console;
struct event_base;
struct hotplug;

#define MACHINE_FAULTS_MAX 5 /* triple faults within 10 s that only restart the guest */

struct machine_ending {
	enum machine_exit how;
	const char *reason; /* one of QEMU's ShutdownCause; static string */
	bool by_guest;
	char detail[TEXT_LEN]; /* a sentence, or empty */
};

/* That the guest is to start again. */
struct reset_request {
	const char *reason; /* one of QEMU's ShutdownCause, static; NULL: there is none */
	bool by_guest, by_fault;
};

struct machine {
	/* Constant once the machine is made, and so is which of them there are; each has
	 * a lock of its own or is main's, as its header says. */
	const struct spec *spec; /* what a restart takes up may change, on main */
	const struct topology *topo;
	struct event_base *base;
	const struct machine_listener *listeners;
	size_t nlisteners;
	struct bus pio, mmio;
	struct ged ged;
	struct cpuhp cpuhp;
	struct uart uart;
	struct power power;
	struct boot_files files; /* what the guest starts from, each time; main's */
	struct vm *vm;
	struct vcpu_env env;
	struct vcpu_host vcpu_host; /* hotplug's */
	struct hotplug *hotplug;
	struct wake hotplug_wake, storm_wake, console_wake, end_wake;

	/* Main's. */
	struct vcpu **vcpu; /* topo->max_vcpus of them; NULL: no fd yet */
	struct console *console;
	uint64_t fault_ns[MACHINE_FAULTS_MAX]; /* of the last triple faults, in a ring */
	unsigned nfaults;

	struct mtx end_lock; /* guards the fields from here on */
	struct machine_ending ending;
	struct reset_request reset;
};

/* Tells the listeners in their order; what is the name of the call. */
#define MACHINE_TELL(m, what, ...)                                                       \
	do {                                                                             \
		const struct machine_listener *l_ = (m)->listeners;                      \
		for (; l_ < (m)->listeners + (m)->nlisteners; l_++)                      \
			if (l_->what != NULL)                                            \
				l_->what(l_->ctx, ##__VA_ARGS__);                        \
	} while (0)

#endif
