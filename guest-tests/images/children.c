#include "children.h"
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS       100
#define RESERVERS_MAX 16

/* Written by one child, read by us; a cache line each. */
struct pulse {
	_Alignas(64) atomic_ulong count;
};

static struct worker {
	pid_t pid;
	unsigned long seen; /* its count at the last report */
} worker[CPU_MAX];
static struct pulse *pulse; /* [CPU_MAX] the workers', then the keeper's */
static pid_t keeper;

static struct {
	pid_t pid; /* 0: none runs */
	int out;   /* -1 after its end of file, too */
	size_t len;
	char line[LINE_LEN]; /* an unfinished line of its output */
} job = { .out = -1 };

static pid_t fork_child(void)
{
	sigset_t none;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
	}
	return pid;
}

static _Noreturn void keep(struct pulse *p)
{
	const struct timespec tick = { .tv_nsec = TICK_MS * 1000000L };
	for (;;) {
		nanosleep(&tick, NULL);
		atomic_fetch_add(&p->count, 1);
	}
}

/* struct sched_attr of sched_setattr(2), which libc does not declare. */
struct deadline {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period; /* ns */
};

static pid_t reserver[RESERVERS_MAX];

int reserve(unsigned percent)
{
	const uint64_t period = 100000000;
	struct deadline d = { .size = sizeof(d),
			      .policy = 6 /* SCHED_DEADLINE */,
			      .runtime = period / 100 * percent,
			      .deadline = period,
			      .period = period };
	unsigned i = 0;
	while (i < RESERVERS_MAX && reserver[i] > 0)
		i++;
	if (i == RESERVERS_MAX)
		return ENOSPC;
	reserver[i] = fork_child();
	if (reserver[i] == 0)
		for (;;)
			pause();
	return syscall(SYS_sched_setattr, reserver[i], &d, 0) < 0 ? errno : 0;
}

void release_all(void)
{
	for (unsigned i = 0; i < RESERVERS_MAX; i++) {
		if (reserver[i] > 0)
			kill(reserver[i], SIGKILL);
		reserver[i] = 0;
	}
}

static void pin(unsigned cpu)
{
	size_t size = CPU_ALLOC_SIZE(CPU_MAX);
	cpu_set_t *set = CPU_ALLOC(CPU_MAX);
	if (set == NULL)
		_exit(1);
	CPU_ZERO_S(size, set);
	CPU_SET_S(cpu, size, set);
	if (sched_setaffinity(0, size, set) != 0)
		_exit(1);
}

/* Busy for ever, below everything else. Only work done on its own CPU counts. */
static _Noreturn void toil(unsigned cpu, struct pulse *p)
{
	pin(cpu);
	sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){ 0 });
	for (;;) {
		for (volatile unsigned i = 0; i < 20000; i++)
			;
		if (sched_getcpu() == (int)cpu)
			atomic_fetch_add(&p->count, 1);
	}
}

void worker_start(unsigned cpu)
{
	if (worker[cpu].pid > 0)
		return;
	worker[cpu].pid = fork_child();
	if (worker[cpu].pid == 0)
		toil(cpu, &pulse[cpu]);
}

void worker_stop(unsigned cpu)
{
	if (worker[cpu].pid > 0)
		kill(worker[cpu].pid, SIGKILL);
	worker[cpu].pid = 0;
}

static void worker_died(pid_t pid)
{
	for (unsigned cpu = 0; cpu < CPU_MAX; cpu++)
		if (worker[cpu].pid == pid) {
			worker[cpu].pid = 0;
			printf("@@event worker-died cpu%u\n", cpu);
		}
}

static void job_close(void)
{
	if (job.out >= 0)
		close(job.out);
	job.out = -1;
}

void job_output(void)
{
	ssize_t n = 0;
	while (job.out >= 0 &&
	       (n = read(job.out, job.line + job.len, LINE_LEN - job.len)) > 0) {
		job.len += (size_t)n;
		char *end = memrchr(job.line, '\n', job.len);
		size_t whole = end ? (size_t)(end + 1 - job.line) : 0;
		if (job.len == LINE_LEN && whole == 0)
			whole = LINE_LEN;
		fwrite(job.line, 1, whole, stdout);
		job.len -= whole;
		memmove(job.line, job.line + whole, job.len);
	}
	if (n == 0)
		job_close();
}

static void job_ended(int status)
{
	job_output();
	if (job.len > 0)
		printf("%.*s\n", (int)job.len, job.line);
	job_close();
	job.pid = 0;
	printf("@@end %d\n",
	       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int job_start(const char *const argv[])
{
	int out[2];
	if (pipe2(out, O_CLOEXEC) != 0)
		return errno;
	job.pid = fork_child();
	if (job.pid == 0) {
		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	int err = job.pid < 0 ? errno : 0;
	close(out[1]);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	job.out = out[0];
	job.len = 0;
	if (err != 0)
		job_close();
	return err;
}

void children_reap(void)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == job.pid)
			job_ended(status);
		else if (pid == keeper)
			printf("@@event keeper-died\n");
		else
			worker_died(pid);
	}
}

void keeper_start(void)
{
	pulse = mmap(NULL, (CPU_MAX + 1) * sizeof(*pulse), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	keeper = fork_child();
	if (keeper == 0)
		keep(&pulse[CPU_MAX]);
}

void worker_report(unsigned cpu)
{
	unsigned long count = atomic_load(&pulse[cpu].count);
	printf("worker cpu%u pid=%d count=%lu progressed=%s\n", cpu, worker[cpu].pid,
	       count, count != worker[cpu].seen ? "yes" : "no");
	worker[cpu].seen = count;
}

void keeper_report(void)
{
	unsigned long ticks = atomic_load(&pulse[CPU_MAX].count);
	printf("keeper pid=%d alive=%s ticks=%lu seconds=%lu\n", keeper,
	       kill(keeper, 0) == 0 ? "yes" : "no", ticks, ticks * TICK_MS / 1000);
}

int job_fd(void)
{
	return job.out;
}

bool job_runs(void)
{
	return job.pid > 0;
}
