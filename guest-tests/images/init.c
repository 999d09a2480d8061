/* init: PID 1 of the Linux guest. It onlines each CPU that appears, as the udev rule
 * SUBSYSTEM=="cpu", ACTION=="add", ATTR{online}="1" does, and obeys the console.
 *
 * It says by itself:
 *	@@ready online=0-1 nproc=2 uptime-ms=1234
 *	@@event WHAT cpuN uptime-ms T.TTT
 *		WHAT: uevent-add uevent-remove online offline online-failed
 *	@@event keeper-died | worker-died cpuN | uevents-lost
 * It answers each line that it reads: "@@begin LINE", the answer, "@@end STATUS". Events
 * may stand between the lines of an answer. The commands are at the end of this file.
 *
 * Kernel parameters: hs.online=0 leaves new CPUs offline; hs.work=1 keeps one worker busy
 * on each online CPU. The keeper is a process that only counts: it must never die.
 */
#include "children.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define CPUS    "/sys/devices/system/cpu/"
#define RUNNING (-1) /* a command's answer: its process ends it later */

static bool auto_online, work;
static int uevents;

static double uptime_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void cpu_event(const char *what, unsigned cpu)
{
	printf("@@event %s cpu%u uptime-ms %.3f\n", what, cpu, uptime_ms());
}

/* The first line of a file, without its end; empty when it cannot be read. */
static const char *first_line(const char *path)
{
	static char text[LINE_LEN];
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static int put(const char *path, const char *text)
{
	int err = 0, fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) < 0)
		err = errno;
	close(fd);
	return err;
}

static bool parameter(const char *wanted)
{
	char line[LINE_LEN], *word, *rest = line;
	snprintf(line, sizeof(line), "%s", first_line("/proc/cmdline"));
	while ((word = strsep(&rest, " ")) != NULL)
		if (strcmp(word, wanted) == 0)
			return true;
	return false;
}

/* As nproc(1) counts. */
static int nproc(void)
{
	size_t size = CPU_ALLOC_SIZE(CPU_MAX);
	cpu_set_t *set = CPU_ALLOC(CPU_MAX);
	int n = 0;
	if (set != NULL && sched_getaffinity(0, size, set) == 0)
		n = CPU_COUNT_S(size, set);
	CPU_FREE(set);
	return n;
}

/* Calls fn for each CPU of a list such as "0-3,7". */
static void each_cpu(const char *path, void (*fn)(unsigned cpu))
{
	char list[LINE_LEN], *part, *rest = list;
	snprintf(list, sizeof(list), "%s", first_line(path));
	while ((part = strsep(&rest, ",")) != NULL) {
		unsigned first, last;
		int n = sscanf(part, "%u-%u", &first, &last);
		if (n == 1)
			last = first;
		for (; n > 0 && first <= last && first < CPU_MAX; first++)
			fn(first);
	}
}

/* --- CPUs ----------------------------------------------------------------- */

static int set_online(unsigned cpu, const char *value)
{
	char path[64];
	snprintf(path, sizeof(path), CPUS "cpu%u/online", cpu);
	return put(path, value);
}

static void bring_online(unsigned cpu)
{
	int err = auto_online ? set_online(cpu, "1") : 0;
	if (err != 0)
		printf("@@event online-failed cpu%u uptime-ms %.3f %s\n", cpu,
		       uptime_ms(), strerror(err));
}

static void online_if_offline(unsigned cpu)
{
	char path[64];
	snprintf(path, sizeof(path), CPUS "cpu%u/online", cpu);
	if (strcmp(first_line(path), "0") == 0)
		bring_online(cpu);
}

/* For what was there before the first uevent, or when some were lost. */
static void look_at_all(void)
{
	each_cpu(CPUS "present", online_if_offline);
	if (work)
		each_cpu(CPUS "online", worker_start);
}

static void cpu_changed(const char *action, unsigned cpu)
{
	bool add = strcmp(action, "add") == 0;
	if (add || strcmp(action, "remove") == 0)
		cpu_event(add ? "uevent-add" : "uevent-remove", cpu);
	else
		cpu_event(action, cpu);
	if (add)
		bring_online(cpu);
	else if (work && strcmp(action, "online") == 0)
		worker_start(cpu);
	else if (strcmp(action, "offline") == 0)
		worker_stop(cpu);
}

/* Takes the next one; false when none waits. */
static bool uevent(void)
{
	char text[LINE_LEN], action[16], more;
	unsigned cpu;
	ssize_t n = recv(uevents, text, sizeof(text) - 1, MSG_DONTWAIT);
	if (n < 0 && errno == ENOBUFS) {
		printf("@@event uevents-lost\n");
		look_at_all();
	}
	text[n > 0 ? n : 0] = '\0';
	if (sscanf(text, "%15[^@]@/devices/system/cpu/cpu%u%c", action, &cpu, &more) ==
		    2 &&
	    cpu < CPU_MAX)
		cpu_changed(action, cpu);
	return n > 0;
}

/* --- commands ------------------------------------------------------------- */

static int report(const char *arg)
{
	(void)arg;
	struct sysinfo info;
	sysinfo(&info);
	printf("nproc %d\n", nproc());
	printf("possible %s\n", first_line(CPUS "possible"));
	printf("present %s\n", first_line(CPUS "present"));
	printf("online %s\n", first_line(CPUS "online"));
	keeper_report();
	if (work)
		each_cpu(CPUS "online", worker_report);
	printf("memtotal-kb %lu\n", info.totalram * info.mem_unit / 1024);
	printf("uptime-ms %.0f\n", uptime_ms());
	return 0;
}

static int job(const char *path, const char *arg1, const char *arg2)
{
	int err = job_start((const char *const[]){ path, arg1, arg2, NULL });
	return err ? err : RUNNING;
}

static int lscpu(const char *arg)
{
	(void)arg;
	return job("/usr/bin/lscpu", NULL, NULL);
}

static int shell(const char *arg)
{
	return job("/bin/sh", "-c", arg);
}

static int change_cpu(const char *arg, const char *value)
{
	unsigned cpu;
	if (sscanf(arg, "%u", &cpu) != 1)
		return 2;
	double begun = uptime_ms();
	int err = set_online(cpu, value);
	if (err != 0)
		printf("cpu%u: %s\n", cpu, strerror(err));
	else
		printf("took-ms %.3f\n", uptime_ms() - begun);
	return err;
}

static int online(const char *arg)
{
	return change_cpu(arg, "1");
}

static int offline(const char *arg)
{
	return change_cpu(arg, "0");
}

/* A line as short as can be, and when it was written: the way to whoever reads it is all
 * that lies between our clock and his. */
static int tell_clock(const char *arg)
{
	(void)arg;
	fflush(stdout);
	tcdrain(1);
	double now = uptime_ms();
	ssize_t n = write(1, ".\n", 2);
	printf("clock-ms %.3f\n", now);
	return n != 2;
}

static int reserve_time(const char *arg)
{
	unsigned percent;
	if (sscanf(arg, "%u", &percent) != 1)
		return 2;
	int err = reserve(percent);
	if (err != 0)
		printf("reserve: %s\n", strerror(err));
	return err;
}

static int release(const char *arg)
{
	(void)arg;
	release_all();
	return 0;
}

static void say_last_words(void)
{
	printf("@@end 0\n");
	fflush(stdout);
	tcdrain(1);
}

static int power_off(const char *arg)
{
	(void)arg;
	say_last_words();
	return reboot(RB_POWER_OFF);
}

static int restart(const char *arg)
{
	(void)arg;
	say_last_words();
	return reboot(RB_AUTOBOOT);
}

static int crash(const char *arg)
{
	(void)arg;
	say_last_words();
	return put("/proc/sysrq-trigger", "c");
}

/* Another kernel, /kexec/vmlinuz with /kexec/initrd.img, takes over from this one. */
static int kexec(const char *arg)
{
	int kernel = open("/kexec/vmlinuz", O_RDONLY | O_CLOEXEC);
	int initrd = open("/kexec/initrd.img", O_RDONLY | O_CLOEXEC);
	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(arg) + 1, arg, 0UL) < 0) {
		printf("kexec_file_load: %s\n", strerror(errno));
		return 1;
	}
	say_last_words();
	return (int)syscall(SYS_reboot, 0xfee1dead, 672274793, 0x45584543 /* KEXEC */,
			    NULL);
}

static const struct command {
	const char *name;
	int (*run)(const char *arg); /* its exit status, or RUNNING */
} commands[] = {
	{ "report", report }, /* what this guest knows of its CPUs, keeper and workers */
	{ "lscpu", lscpu },   /* Debian's */
	{ "sh", shell },      /* sh CMD...: by busybox */
	{ "online", online }, /* online N */
	{ "offline", offline },      /* offline N; both say how long it took */
	{ "clock", tell_clock },     /* ".", and its uptime when it wrote that */
	{ "reserve", reserve_time }, /* reserve PERCENT of one CPU: see children.h */
	{ "release", release },
	{ "kexec", kexec }, /* kexec COMMANDLINE */
	{ "poweroff", power_off },
	{ "reboot", restart },
	{ "panic", crash },
};

static void obey(char *line)
{
	printf("@@begin %s\n", line);
	char *arg = line, *name = strsep(&arg, " ");
	int status = 127;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(name, commands[i].name) == 0)
			status = commands[i].run(arg ? arg : "");
	if (status == 127)
		printf("no such command\n");
	if (status != RUNNING)
		printf("@@end %d\n", status);
}

/* The tty is in canonical mode: one read is one line. False when there is no console
 * (more). */
static bool console(void)
{
	char line[LINE_LEN];
	ssize_t n = read(0, line, sizeof(line) - 1);
	if (n <= 0)
		return n < 0 && (errno == EINTR || errno == EAGAIN);
	line[n] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	if (line[0] != '\0')
		obey(line);
	return true;
}

/* --- start ---------------------------------------------------------------- */

static void mount_all(void)
{
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	setenv("PATH", "/usr/bin:/bin:/sbin", 1);
}

/* No echo and no CR: what comes out is what we print. */
static void quiet_console(void)
{
	struct termios t;
	if (tcgetattr(0, &t) != 0)
		return;
	t.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	t.c_oflag &= ~(tcflag_t)OPOST;
	t.c_cc[VEOF] = _POSIX_VDISABLE;
	tcsetattr(0, TCSANOW, &t);
}

static int uevent_open(void)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int size = 1 << 20;
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (fd < 0 || bind(fd, (struct sockaddr *)&kernel, sizeof(kernel)) != 0)
		printf("@@event uevents-lost %s\n", strerror(errno));
	return fd;
}

static _Noreturn void serve(void)
{
	struct pollfd fds[] = { { .fd = uevents, .events = POLLIN },
				{ .events = POLLIN },
				{ .events = POLLIN } };
	bool talking = true;
	sigset_t none;
	sigemptyset(&none);
	for (;;) {
		fds[1].fd = job_fd();
		fds[2].fd = job_runs() || !talking ? -1 : 0;
		fflush(stdout);
		if (ppoll(fds, 3, NULL, &none) > 0) {
			while (fds[0].revents && uevent())
				;
			if (fds[1].revents)
				job_output();
			if (fds[2].revents)
				talking = console();
		}
		children_reap();
	}
}

static void on_child(int signo)
{
	(void)signo;
}

int main(void)
{
	sigset_t child;
	mount_all();
	setvbuf(stdout, NULL, _IOFBF, 1 << 16); /* the console is slow: CPUs come first */
	quiet_console();
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL); /* only ppoll() lets it in */
	signal(SIGCHLD, on_child);
	auto_online = !parameter("hs.online=0");
	work = parameter("hs.work=1");
	uevents = uevent_open(); /* before looking: what comes later is not lost */
	keeper_start();
	look_at_all();
	printf("@@ready online=%s", first_line(CPUS "online"));
	printf(" nproc=%d uptime-ms=%.0f\n", nproc(), uptime_ms());
	serve();
}
