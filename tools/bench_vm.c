/* bench_vm ROUNDS SECONDS MAXCPUS...: grows and shrinks a Linux guest under hotsocket and under
 * QEMU, in turns, and prints what it sees. Runs in a folder with hotsocket, vmlinuz and
 * initrd.img (guest-tests/images/init.c); QEMU, in the environment, is how QEMU is called, words
 * with a space between. tools/bench starts it and makes a table of its lines:
 *	sample VMM MAXCPUS KEY VALUE	milliseconds, KiB or a number
 *	progress TEXT
 *	failed VMM MAXCPUS TEXT		no more samples of this VM
 * No new round begins after SECONDS. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/bench_console.h"
#include "tools/ctl_qmp.h"

#define MEMORY_MIB       512
#define SOCKETS          2 /* at start */
#define GROWN            8 /* six more */
#define WAIT_MS          180000
#define SETTLE_US        300000 /* for what the guest still does after a removal */
#define SINGLE_ADDS      3      /* in each VM, each followed by a removal */
#define OST_DEVICE_CHECK 1
#define WORDS_MAX        64
#define QMP_PATH         "bench.qmp"

struct vmm {
	const char *name;
	void (*words)(const char **word, unsigned maxcpus);
	bool resizes; /* has a command for several at once */
};

struct vm {
	const struct vmm *vmm;
	unsigned maxcpus;
	pid_t pid;
	int input;             /* of its console */
	double started, clock; /* ms: fork, and what its uptime must be added to */
	struct console *console;
};

static struct ctl ctl;
static jmp_buf give_up;

static void sample(const struct vm *v, const char *key, double value)
{
	printf("sample %s %u %s %.3f\n", v->vmm->name, v->maxcpus, key, value);
	(void)fflush(stdout);
}

static void fail(const struct vm *v, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

static void fail(const struct vm *v, const char *fmt, ...)
{
	va_list args;

	printf("failed %s %u ", v->vmm->name, v->maxcpus);
	va_start(args, fmt);
	(void)vprintf(fmt, args);
	va_end(args);
	printf("\n");
	(void)fflush(stdout);
	longjmp(give_up, 1);
}

/* --- the two command lines ---------------------------------------------------------------- */

static const char append[] = "console=ttyS0 quiet";

static void hotsocket_words(const char **word, unsigned maxcpus)
{
	static char cpus[64], memory[16];
	const char *const line[] = { "./hotsocket", "--kernel", "vmlinuz", "--initrd",
				     "initrd.img",  "--append", append,    "--memory",
				     memory,        "--cpus",   cpus,      "--qmp",
				     QMP_PATH,      "--serial", "stdio",   NULL };

	(void)snprintf(cpus, sizeof(cpus), "sockets=%d,cores=1,threads=1,maxSockets=%u",
		       SOCKETS, maxcpus);
	(void)snprintf(memory, sizeof(memory), "%dM", MEMORY_MIB);
	memcpy(word, line, sizeof(line));
}

static void qemu_words(const char **word, unsigned maxcpus)
{
	static const char qmp[] = "unix:" QMP_PATH ",server=on,wait=off";
	static char call[1024], cpus[64], memory[16];
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes it */
	const char *how = getenv("QEMU");
	const char *const line[] = { "-M",       "q35",         "-accel",
				     "kvm",      "-cpu",        "host",
				     "-m",       memory,        "-smp",
				     cpus,       "-nodefaults", "-no-user-config",
				     "-display", "none",        "-kernel",
				     "vmlinuz",  "-initrd",     "initrd.img",
				     "-append",  append,        "-serial",
				     "stdio",    "-qmp",        qmp,
				     NULL };

	(void)snprintf(call, sizeof(call), "%s",
		       how != NULL ? how : "qemu-system-x86_64");
	(void)snprintf(cpus, sizeof(cpus), "%d,sockets=%u,cores=1,threads=1,maxcpus=%u",
		       SOCKETS, maxcpus, maxcpus);
	(void)snprintf(memory, sizeof(memory), "%dM", MEMORY_MIB);
	for (char *at = call, *next; (next = strsep(&at, " ")) != NULL;)
		*word++ = next;
	memcpy(word, line, sizeof(line));
}

static const struct vmm vmms[] = {
	{ "hotsocket", hotsocket_words, true },
	{ "qemu", qemu_words, false },
};
#define NVMMS (sizeof(vmms) / sizeof(vmms[0]))

/* --- a VM --------------------------------------------------------------------------------- */

static void run_child(struct vm *v, const int in[2], const int out[2])
{
	const char *word[WORDS_MAX];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(in[0], 0);
	dup2(out[1], 1);
	v->vmm->words(word, v->maxcpus);
	execvp(word[0], (char **)word);
	_exit(127);
}

static void start(struct vm *v)
{
	int in[2], out[2];

	(void)unlink(QMP_PATH);
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		fail(v, "pipe: %s", strerrordesc_np(errno));
	v->started = console_now_ms();
	v->pid = fork();
	if (v->pid == 0)
		run_child(v, in, out);
	close(in[0]);
	close(out[1]);
	v->input = in[1];
	if (v->pid < 0 || console_open(out[0], &v->console) < 0)
		fail(v, "it was not started");
}

static void end(struct vm *v)
{
	if (v->pid > 0) {
		kill(v->pid, SIGKILL);
		waitpid(v->pid, NULL, 0);
	}
	if (ctl.fd >= 0)
		close(ctl.fd);
	ctl.fd = -1;
	close(v->input);
	console_close(v->console);
}

/* The console's next line that begins so; the ones before it are forgotten. */
static struct console_line await(struct vm *v, const char *begin)
{
	struct console_line line;

	if (!console_wait(v->console, begin, WAIT_MS, &line))
		fail(v, "no line '%s'", begin);
	return line;
}

static void tell(const struct vm *v, const char *line)
{
	if (write(v->input, line, strlen(line)) < 0)
		fail(v, "its console is closed");
}

static double number_after(const struct console_line *line, const char *word)
{
	const char *at = strstr(line->text, word);

	return at != NULL ? strtod(at + strlen(word), NULL) : 0;
}

static double event_ms(const struct vm *v, const struct console_line *line)
{
	return v->clock + number_after(line, "uptime-ms ");
}

/* When it tells its uptime, that is between our question and its answer. */
static void set_clock(struct vm *v)
{
	double least = -1e300, most = 1e300;

	for (int i = 0; i < 5; i++) {
		double asked = console_now_ms(), uptime;
		struct console_line line;

		tell(v, "clock\n");
		line = await(v, "clock-ms");
		uptime = number_after(&line, "clock-ms ");
		if (asked - uptime > least)
			least = asked - uptime;
		if (line.ms - uptime < most)
			most = line.ms - uptime;
		await(v, "@@end");
	}
	v->clock = (least + most) / 2;
	sample(v, "clock-error", (most - least) / 2);
}

/* --- QMP ---------------------------------------------------------------------------------- */

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

/* --- what is measured --------------------------------------------------------------------- */

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
	sample(v, "rss", rss_kib(v));
	sample(v, "threads", threads(v));
}

/* Adds this socket; the CPU that the guest got, and with keys its samples. */
static unsigned add(struct vm *v, json_int_t socket, bool keys)
{
	json_t *args = add_args(v, socket);
	double asked = console_now_ms(), returned;
	struct console_line uevent, online;

	json_decref(execute(v, "device_add", args, NULL));
	returned = console_now_ms();
	uevent = await(v, "@@event uevent-add");
	online = await(v, "@@event online");
	if (keys) {
		sample(v, "add-return", returned - asked);
		sample(v, "add-uevent", event_ms(v, &uevent) - asked);
		sample(v, "add-online", event_ms(v, &online) - asked);
		sample(v, "add-own", event_ms(v, &online) - event_ms(v, &uevent));
	}
	await_end_of_add(v, keys);
	return (unsigned)number_after(&online, " cpu");
}

/* The guest itself takes a CPU offline and brings it back. */
static void measure_limit(struct vm *v, unsigned cpu)
{
	struct console_line line;
	char text[32];

	(void)snprintf(text, sizeof(text), "offline %u\n", cpu);
	tell(v, text);
	await(v, "@@end 0");
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
		add(v, s, false);
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
	start(v);
	measure_start(v);
	for (int i = 0; i < SINGLE_ADDS; i++) {
		measure_limit(v, add(v, SOCKETS, true));
		take(v, SOCKETS, true);
	}
	measure_one_at_a_time(v);
	measure_at_once(v);
}

static void run(const struct vmm *vmm, unsigned maxcpus)
{
	static struct vm v;

	v = (struct vm){ .vmm = vmm, .maxcpus = maxcpus, .input = -1 };
	if (setjmp(give_up) == 0)
		measure(&v);
	end(&v);
}

static void round_of(unsigned maxcpus, int round, int rounds)
{
	for (size_t i = 0; i < NVMMS; i++) {
		const struct vmm *vmm = &vmms[(i + (size_t)round) % NVMMS];

		printf("progress round %d of %d: %s, %u possible CPUs\n", round + 1,
		       rounds, vmm->name, maxcpus);
		(void)fflush(stdout);
		run(vmm, maxcpus);
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
