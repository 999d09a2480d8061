#include "vmm/program.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "vmm/base/listen.h"
#include "vmm/base/log.h"
#include "vmm/base/wake.h"
#include "vmm/base/writer.h"
#include "vmm/control/amender.h"
#include "vmm/control/announce.h"
#include "vmm/control/commands.h"
#include "vmm/control/control.h"
#include "vmm/control/keeper.h"
#include "vmm/control/metrics_file.h"
#include "vmm/control/record.h"
#include "vmm/machine/machine.h"
#include "vmm/machine/tty.h"
#include "vmm/qmp/qmp_server.h"

#define FAREWELL_MS 1000 /* for clients to read the last events */
#define DISK_MS     5000 /* for the last files */

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
#define NSIGNALS (sizeof(signals) / sizeof(signals[0]))

struct program {
	struct event_base *base;
	struct wake signalled;
	struct control control;
	struct record record;
	struct keeper *keeper;             /* of the spec file; NULL: there is none */
	struct metrics_file *metrics_file; /* NULL: none is kept */

	/* In the order in which they are told. Of changes clients are told first, as they
	 * wait; of the end last, as it is their last event. */
	struct hotplug_listener hotplug_listeners[3];
	struct machine_listener machine_listeners[3];
};

static void on_signalled(void *ctx)
{
	const struct program *p = ctx;

	machine_end(p->control.machine, MACHINE_POWERED_OFF, "host-signal", false, "");
}

static struct wake *signalled; /* of the one program; NULL: it is not there */
static volatile sig_atomic_t nsignals;

/* The first asks main. A second means that main does not come to it: it is the end, here
 * and now, whatever main does. */
static void on_signal(int sig)
{
	int err = errno;

	if (nsignals++ > 0 || signalled == NULL) {
		tty_restore();
		(void)signal(sig, SIG_DFL);
		(void)raise(sig); /* when we return */
	} else {
		wake_ring(signalled);
	}
	errno = err;
}

/* What was ignored when we were started stays so: nohup, and background jobs of
 * scripts. */
static bool is_ignored(int sig)
{
	struct sigaction sa;

	return sigaction(sig, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN;
}

static void take_signals(struct program *p)
{
	const struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	signalled = &p->signalled;
	for (size_t i = 0; i < NSIGNALS; i++)
		if (!is_ignored(signals[i]))
			(void)sigaction(signals[i], &sa, NULL);
}

static void leave_signals(void)
{
	for (size_t i = 0; i < NSIGNALS; i++)
		if (!is_ignored(signals[i]))
			(void)signal(signals[i], SIG_DFL);
	signalled = NULL;
}

static int add_loop(struct program *p)
{
	int err;

	p->base = event_base_new();
	if (p->base == NULL)
		return -ENOMEM;
	err = wake_init(&p->signalled, p->base, on_signalled, p);
	if (err == 0)
		take_signals(p);
	return err;
}

static void on_record_change(void *ctx)
{
	const struct program *p = ctx;

	metrics_file_write_soon(p->metrics_file);
}

/* A VM that keeps no file has no thread for it. */
static int add_writer(struct program *p)
{
	const struct spec *spec = p->control.spec;
	int err = 0;

	if (spec->from.file != NULL || spec->metrics_file != NULL)
		err = writer_new(p->base, &p->control.writer);
	return err < 0 ? err : amender_new(&p->control, &p->control.amender);
}

static int add_listeners(struct program *p)
{
	int err = keeper_new(&p->control, p->base, &p->keeper);

	record_init(&p->record, on_record_change, p);
	p->hotplug_listeners[0] = announce_hotplug(&p->control);
	p->hotplug_listeners[1] = record_hotplug_listener(&p->record);
	p->hotplug_listeners[2] = keeper_hotplug_listener(p->keeper);
	p->machine_listeners[0] = keeper_machine_listener(p->keeper);
	p->machine_listeners[1] = record_machine_listener(&p->record);
	p->machine_listeners[2] = announce_machine(&p->control);
	return err;
}

static int make_machine(struct program *p, const struct topology *topo, int kvm_fd,
			struct text *why)
{
	const struct machine_setup setup = {
		.spec = p->control.spec,
		.topo = topo,
		.kvm_fd = kvm_fd,
		.base = p->base,
		.listeners = p->machine_listeners,
		.nlisteners = 3,
		.hotplug_listeners = p->hotplug_listeners,
		.nhotplug_listeners = 3,
	};

	return machine_create(&setup, &p->control.machine, why);
}

/* Takes kvm_fd over. */
static int add_machine(struct program *p, const struct topology *topo, int kvm_fd,
		       struct text *why)
{
	int err = add_loop(p);

	if (err == 0)
		err = add_writer(p);
	if (err == 0)
		err = add_listeners(p);
	if (err == 0)
		return make_machine(p, topo, kvm_fd, why);
	close(kvm_fd);
	return text_set(why, err, "cannot make the VM: %s", text_errno(-err));
}

static int add_server(struct program *p, struct text *why)
{
	const char *path = p->control.spec->qmp;
	int err;

	if (path == NULL)
		return 0;
	err = qmp_server_new(p->base, path, commands_handle, &p->control,
			     &p->control.qmp);
	if (err < 0)
		return text_set(why, err, "--qmp %s: %s%s", path, text_errno(-err),
				listen_remedy(err));
	return 0;
}

static int build(struct program *p, const struct topology *topo, int kvm_fd,
		 struct text *why)
{
	int err = add_machine(p, topo, kvm_fd, why);

	if (err == 0)
		err = metrics_file_new(&p->control, p->base, &p->metrics_file, why);
	if (err == 0)
		err = add_server(p, why);
	if (err == 0)
		err = machine_open_console(p->control.machine, why);
	return err;
}

/* What hangs in a disk cannot be waited for, and has what would be freed. */
static void end_writer(struct program *p, enum machine_exit how)
{
	if (writer_free(p->control.writer, DISK_MS) == 0)
		return;
	log_err("the disk of the VM's files does not answer; they may be old");
	_exit((int)how);
}

static void take_down(struct program *p)
{
	machine_destroy(p->control.machine);
	qmp_server_free(p->control.qmp, 0);
	amender_free(p->control.amender);
	keeper_free(p->keeper);
	metrics_file_free(p->metrics_file);
	leave_signals();
	wake_destroy(&p->signalled);
	if (p->base != NULL)
		event_base_free(p->base);
}

enum machine_exit program_run(struct spec *spec, const struct topology *topo, int kvm_fd)
{
	struct program p = { .signalled.fd = -1,
			     .control = { .spec = spec, .record = &p.record } };
	enum machine_exit how = MACHINE_HOST_ERROR;
	struct text why;

	if (build(&p, topo, kvm_fd, &why) < 0) {
		log_err("%s", why.s);
	} else {
		how = machine_run(p.control.machine);
		qmp_server_free(p.control.qmp, FAREWELL_MS);
		p.control.qmp = NULL;
	}
	end_writer(&p, how);
	take_down(&p);
	return how;
}
