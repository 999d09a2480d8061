/* One VM under hotsocket or QEMU, and its Linux guest. */
#include "tools/bench/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLOCK_TRIES   10
#define CLOCK_REST_US 50000
#define WORDS_MAX     64
#define TRACEFS       "/sys/kernel/tracing/"

jmp_buf give_up;

void sample(const struct vm *v, const char *key, double value)
{
	printf("sample %s %u %s %.3f\n", v->vmm->name, v->maxcpus, key, value);
	(void)fflush(stdout);
}

void fail(const struct vm *v, const char *fmt, ...)
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

/* --- the two command lines ------------------------------------------------ */

/* The guest's kernel parameters, with those of APPEND in the environment. */
static const char *append(void)
{
	static char text[4096]; /* more than either VMM takes */
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): nobody changes it */
	const char *more = getenv("APPEND");

	(void)snprintf(text, sizeof(text), "console=ttyS0 quiet %s",
		       more != NULL ? more : "");
	return text;
}

static void hotsocket_words(const char **word, unsigned maxcpus)
{
	static char cpus[64], memory[16];
	const char *const line[] = { "./hotsocket", "--kernel", "vmlinuz", "--initrd",
				     "initrd.img",  "--append", append(),  "--memory",
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
				     "-append",  append(),      "-serial",
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

const struct vmm vmms[NVMMS] = {
	{ "hotsocket", hotsocket_words, true },
	{ "qemu", qemu_words, false },
};

/* --- a VM ----------------------------------------------------------------- */

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

void guest_start(struct vm *v)
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

void guest_end(struct vm *v)
{
	if (v->pid > 0) {
		kill(v->pid, SIGKILL);
		waitpid(v->pid, NULL, 0);
	}
	close(v->input);
	console_close(v->console);
}

struct console_line await(struct vm *v, const char *begin)
{
	struct console_line line;

	if (!console_wait(v->console, begin, WAIT_MS, &line))
		fail(v, "no line '%s'", begin);
	return line;
}

void tell(const struct vm *v, const char *line)
{
	if (write(v->input, line, strlen(line)) < 0)
		fail(v, "its console is closed");
}

double number_after(const struct console_line *line, const char *word)
{
	const char *at = strstr(line->text, word);

	return at != NULL ? strtod(at + strlen(word), NULL) : 0;
}

double event_ms(const struct vm *v, const struct console_line *line)
{
	return v->clock + number_after(line, "uptime-ms ");
}

/* What it writes comes to us at once, when nothing else is in the way. */
void set_clock(struct vm *v)
{
	v->clock = 1e300;
	for (int i = 0; i < CLOCK_TRIES; i++) {
		struct console_line tick, line;
		double offset;

		usleep(CLOCK_REST_US);
		tell(v, "clock\n");
		tick = await(v, ".");
		line = await(v, "clock-ms");
		offset = tick.ms - number_after(&line, "clock-ms ");
		if (offset < v->clock)
			v->clock = offset;
		await(v, "@@end 0");
	}
}

/* --- its CPU hotplug lock ------------------------------------------------- */

static void shell(const struct vm *v, const char *command)
{
	char line[512];

	(void)snprintf(line, sizeof(line), "sh %s\n", command);
	tell(v, line);
}

void watch_lock(struct vm *v)
{
	shell(v,
	      "mount -t tracefs t " TRACEFS " && cd " TRACEFS
	      " && echo boot >trace_clock && "
	      "echo p:hs/lock cpus_write_lock >kprobe_events && "
	      "echo p:hs/taken acpi_map_cpu >>kprobe_events && echo 1 >events/hs/enable");
	await(v, "@@end 0");
}

void forget_lock(struct vm *v)
{
	shell(v, "echo >" TRACEFS "trace");
	await(v, "@@end 0");
}

double lock_wait_ms(struct vm *v)
{
	struct console_line asked, taken;

	shell(v,
	      "sed -n 's/.* \\([0-9.]*\\): \\(lock\\|taken\\): .*/@@\\2 \\1/p' " TRACEFS
	      "trace");
	asked = await(v, "@@lock ");
	taken = await(v, "@@taken ");
	await(v, "@@end 0");
	return (number_after(&taken, "@@taken ") - number_after(&asked, "@@lock ")) * 1e3;
}
