/* bench_vm ROUNDS SECONDS MAXCPUS...: grows and shrinks a Linux guest under hotsocket and
 * under QEMU, in turns, and prints what it sees. Runs in a folder with hotsocket, vmlinuz
 * and initrd.img (guest-tests/images/init.c); QEMU, in the environment, is how QEMU is
 * called, words with a space between. tools/bench starts it and makes a table of its
 * lines:
 *	sample VMM MAXCPUS KEY VALUE	milliseconds, KiB or a number
 *	progress TEXT
 *	failed VMM MAXCPUS TEXT		no more samples of this VM
 * No new round begins after SECONDS. One VM of each VMM is started before, and not
 * measured: what is done for the first time in a host, emulated or not, is slower. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/bench/guest.h"
#include "tools/ctl/qmp.h"

#define GROWN            8      /* six more */
#define SETTLE_US        300000 /* for what the guest still does after what was before */
#define SINGLE_ADDS      3      /* in each VM, each followed by a removal */
#define OST_DEVICE_CHECK 1

static struct ctl ctl;

/* --- QMP ------------------------------------------------------------------ */

static void connect_qmp(const struct vm *v)
{
	json_t *refusal;

	if (ctl_connect(&ctl, QMP_PATH) < 0 ||
	    ctl_negotiate(&ctl, ctl_now_ms() + WAIT_MS, &refusal) < 0)
		fail(v, "no QMP");
}

/* The value of "return"; args are stolen. Events that come before it go to events. */
static json_t *execute(const struct vm *v, const char *command, json_t *args,
		       json_t *events)
{
	json_t *reply, *value,
		*request = json_pack("{s:s, s:o}", "execute", command, "arguments", args);

	if (ctl_call(&ctl, ctl_now_ms() + WAIT_MS, request, events, &reply) < 0)
		fail(v, "no reply to %s", command);
	value = json_incref(json_object_get(reply, "return"));
	if (value == NULL)
		fail(v, "%s: %s", command,
		     json_string_value(
			     json_object_get(json_object_get(reply, "error"), "desc")));
	json_decref(reply);
	return value;
}

static bool deletes(const json_t *event, const char *id)
{
	const char *name = json_string_value(json_object_get(event, "event"));
	const char *device = json_string_value(
		json_object_get(json_object_get(event, "data"), "device"));

	return name != NULL && strcmp(name, "DEVICE_DELETED") == 0 && device != NULL &&
	       strcmp(device, id) == 0;
}

static void await_deleted(const struct vm *v, const char *id)
{
	json_t *event;
	bool found = false;

	while (!found) {
		if (ctl_next(&ctl, ctl_now_ms() + WAIT_MS, &event) < 0)
			fail(v, "no DEVICE_DELETED of %s", id);
		found = deletes(event, id);
		json_decref(event);
	}
}

/* When the guest had taken the event: what of an add is the VMM's and the ACPI path's. */
static void sample_trace(const struct vm *v, const json_t *completed)
{
	const json_t *step;
	size_t i;

	json_array_foreach(json_object_get(completed, "trace"), i, step)
	{
		const char *name = json_string_value(json_object_get(step, "step"));
		const json_t *us = json_object_get(step, "elapsed-us");

		if (name != NULL && strcmp(name, "acknowledged") == 0)
			sample(v, "add-acked", (double)json_integer_value(us) / 1e3);
	}
}

/* The guest's kernel is done with the new CPU, and the VMM has heard it. */
static bool ends_add(const struct vm *v, const json_t *event, bool keys)
{
	const char *name = json_string_value(json_object_get(event, "event"));
	const json_t *data = json_object_get(event, "data");
	const json_t *info = json_object_get(data, "info");

	if (!v->vmm->resizes)
		return json_integer_value(json_object_get(info, "source")) ==
		       OST_DEVICE_CHECK;
	if (name == NULL || strcmp(name, "HOTPLUG_COMPLETED") != 0)
		return false;
	if (keys)
		sample_trace(v, data);
	return true;
}

static void await_end_of_add(const struct vm *v, bool keys)
{
	json_t *event;
	bool ended = false;

	while (!ended) {
		if (ctl_next(&ctl, ctl_now_ms() + WAIT_MS, &event) < 0)
			fail(v, "no end of an add");
		ended = ends_add(v, event, keys);
		json_decref(event);
	}
}

static json_int_t socket_id(const json_t *cpu)
{
	return json_integer_value(
		json_object_get(json_object_get(cpu, "props"), "socket-id"));
}

/* The arguments that add this socket, as the VMM itself names it. */
static json_t *add_args(const struct vm *v, json_int_t socket)
{
	json_t *list = execute(v, "query-hotpluggable-cpus", json_object(), NULL), *cpu,
	       *args = NULL;
	size_t i;

	json_array_foreach(list, i, cpu)
	{
		if (socket_id(cpu) != socket)
			continue;
		args = json_deep_copy(json_object_get(cpu, "props"));
		json_object_set(args, "driver", json_object_get(cpu, "type"));
		json_object_set_new(args, "id",
				    json_sprintf("cpu%" JSON_INTEGER_FORMAT, socket));
	}
	json_decref(list);
	if (args == NULL)
		fail(v, "no socket %" JSON_INTEGER_FORMAT, socket);
	return args;
}

/* --- what is measured ----------------------------------------------------- */

/* KiB of all mappings but the guest's memory, which is the one that is so large. */
static double rss_kib(const struct vm *v)
{
	char path[32], line[256];
	unsigned long size = 0, total = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/smaps", (int)v->pid);
	f = fopen(path, "re");
	if (f == NULL)
		fail(v, "%s: %s", path, strerrordesc_np(errno));
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "Size:", 5) == 0)
			size = strtoul(line + 5, NULL, 10);
		else if (strncmp(line, "Rss:", 4) == 0 && size < MEMORY_MIB << 9)
			total += strtoul(line + 4, NULL, 10);
	(void)fclose(f);
	return (double)total;
}

static double threads(const struct vm *v)
{
	char path[32];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)v->pid);
	return stat(path, &st) == 0 ? (double)(st.st_nlink - 2) : 0;
}

static void measure_start(struct vm *v)
{
	struct console_line ready = await(v, "@@ready");
	double whole = ready.ms - v->started, own = number_after(&ready, "uptime-ms=");

	sample(v, "start", whole);
	sample(v, "start-guest", own);
	sample(v, "start-before", whole - own);
	connect_qmp(v);
	set_clock(v);
	watch_lock(v);
	sample(v, "rss", rss_kib(v));
	sample(v, "threads", threads(v));
}

/* Adds this socket; the CPU that the guest got. */
static unsigned add(struct vm *v, json_int_t socket)
{
	struct console_line online;

	json_decref(execute(v, "device_add", add_args(v, socket), NULL));
	online = await(v, "@@event online");
	await_end_of_add(v, false);
	return (unsigned)number_after(&online, " cpu");
}

/* The same of a guest at rest, with its samples. The first time the guest makes all that
 * Linux keeps for a CPU; again, it finds most of that. */
static unsigned measure_add(struct vm *v, json_int_t socket, bool again)
{
	json_t *args = add_args(v, socket);
	double asked, returned, uevent_ms, online_ms, wait_ms;
	struct console_line uevent, online;

	forget_lock(v);
	usleep(SETTLE_US);
	asked = console_now_ms();
	json_decref(execute(v, "device_add", args, NULL));
	returned = console_now_ms();
	uevent = await(v, "@@event uevent-add");
	online = await(v, "@@event online");
	await_end_of_add(v, true);
	wait_ms = lock_wait_ms(v);
	uevent_ms = event_ms(v, &uevent);
	online_ms = event_ms(v, &online);
	sample(v, "add-return", returned - asked);
	sample(v, "add-uevent", uevent_ms - asked);
	sample(v, "add-wait", wait_ms);
	sample(v, "add-path", uevent_ms - asked - wait_ms);
	sample(v, again ? "add-online" : "add-new", online_ms - asked);
	if (again)
		sample(v, "add-own", online_ms - uevent_ms);
	return (unsigned)number_after(&online, " cpu");
}

/* The guest itself takes a CPU offline and brings it back, at rest before as it is before
 * an add. */
static void measure_limit(struct vm *v, unsigned cpu)
{
	struct console_line line;
	char text[32];

	(void)snprintf(text, sizeof(text), "offline %u\n", cpu);
	tell(v, text);
	await(v, "@@end 0");
	usleep(SETTLE_US);
	(void)snprintf(text, sizeof(text), "online %u\n", cpu);
	tell(v, text);
	line = await(v, "took-ms");
	sample(v, "limit", number_after(&line, "took-ms "));
	await(v, "@@end 0");
}

static void take(struct vm *v, json_int_t socket, bool keys)
{
	char id[32];
	double asked = console_now_ms();

	(void)snprintf(id, sizeof(id), "cpu%d", (int)socket);
	json_decref(execute(v, "device_del", json_pack("{s:s}", "id", id), NULL));
	await_deleted(v, id);
	if (keys)
		sample(v, "remove", console_now_ms() - asked);
	usleep(SETTLE_US);
}

static void measure_one_at_a_time(struct vm *v)
{
	double asked = console_now_ms();

	for (int s = SOCKETS; s < GROWN; s++)
		add(v, s);
	sample(v, "six-single", console_now_ms() - asked);
	for (int s = GROWN; s-- > SOCKETS;)
		take(v, s, false);
}

static void measure_at_once(struct vm *v)
{
	json_t *args[GROWN] = { NULL };
	double asked;

	for (int s = SOCKETS; s < GROWN; s++)
		args[s] = v->vmm->resizes ? NULL : add_args(v, s);
	asked = console_now_ms();
	if (v->vmm->resizes)
		json_decref(
			execute(v, "resize", json_pack("{s:i}", "sockets", GROWN), NULL));
	for (int s = SOCKETS; s < GROWN && !v->vmm->resizes; s++)
		json_decref(execute(v, "device_add", args[s], NULL));
	for (int s = SOCKETS; s < GROWN; s++)
		await(v, "@@event online");
	sample(v, "six-once", console_now_ms() - asked);
	sample(v, "rss-grown", rss_kib(v));
	sample(v, "threads-grown", threads(v));
}

static void measure(struct vm *v)
{
	guest_start(v);
	measure_start(v);
	for (int i = 0; i < SINGLE_ADDS; i++) {
		measure_limit(v, measure_add(v, SOCKETS, i > 0));
		take(v, SOCKETS, true);
	}
	measure_one_at_a_time(v);
	measure_at_once(v);
}

static void warm_up(struct vm *v)
{
	guest_start(v);
	await(v, "@@ready");
}

static void run(const struct vmm *vmm, unsigned maxcpus, void (*job)(struct vm *v))
{
	static struct vm v;

	v = (struct vm){ .vmm = vmm, .maxcpus = maxcpus, .input = -1 };
	if (setjmp(give_up) == 0)
		job(&v);
	guest_end(&v);
	if (ctl.fd >= 0)
		close(ctl.fd);
	ctl.fd = -1;
}

static void round_of(unsigned maxcpus, int round, int rounds)
{
	for (size_t i = 0; i < NVMMS; i++) {
		const struct vmm *vmm = &vmms[(i + (size_t)round) % NVMMS];

		printf("progress round %d of %d: %s, %u possible CPUs\n", round + 1,
		       rounds, vmm->name, maxcpus);
		(void)fflush(stdout);
		run(vmm, maxcpus, measure);
	}
}

int main(int argc, char **argv)
{
	double begun = console_now_ms();
	int rounds;
	double limit;

	if (argc < 4) {
		(void)fprintf(stderr, "usage: bench_vm ROUNDS SECONDS MAXCPUS...\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	ctl.fd = -1;
	rounds = (int)strtol(argv[1], NULL, 10);
	limit = strtod(argv[2], NULL) * 1e3;
	for (size_t i = 0; i < NVMMS; i++)
		run(&vmms[i], (unsigned)strtoul(argv[3], NULL, 10), warm_up);
	for (int r = 0; r < rounds; r++)
		for (int i = 3; i < argc; i++) {
			if (console_now_ms() - begun > limit) {
				printf("progress the time is up\n");
				return 0;
			}
			round_of((unsigned)strtoul(argv[i], NULL, 10), r, rounds);
		}
	return 0;
}
