#ifndef VMM_KVM_FAKE_KVM_H
#define VMM_KVM_FAKE_KVM_H
/* fake_kvm: a KVM that runs nothing, for tests of what the host side does around it, and
 * of what happens when a call fails, which a real KVM does not do on request. Linked with
 * --wrap for each call named __wrap_* below. fake_fail_at = N makes the Nth of these
 * calls from now on fail; 0 makes none fail.
 *
 * KVM_RUN waits for a signal as the real one does: the kick is blocked while it looks at
 * immediate_exit, and let in while it sleeps. */

#include <dirent.h>
#include <errno.h>
#include <linux/kvm.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FAKE_RUN_LEN 4096

static int fake_fail_at;
static atomic_uint fake_runs;          /* KVM_RUN entered, not to leave at once */
static atomic_uint fake_exit_reason;   /* of KVM_RUN; 0: it waits for a signal */
static atomic_int fake_unfinished;     /* accesses answered and not carried out yet */
static struct kvm_run *fake_run[1024]; /* by vCPU fd */
static bool fake_made[4096];           /* by id: a vCPU has or had it */
static atomic_uint fake_threads;       /* made by the code under test, and not ended */

void *__real_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
void *__real_calloc(size_t n, size_t size);
void *__real_malloc(size_t size);
int __real_open(const char *path, int flags, ...);
int __real_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *),
			  void *arg);

int __wrap_ioctl(int fd, unsigned long request, ...);
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
int __wrap_open(const char *path, int flags, ...);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *),
			  void *arg);

static bool fails(void)
{
	return fake_fail_at > 0 && --fake_fail_at == 0;
}

/* The fds stand for VMs and vCPUs: they can be counted, and their pages mapped. */
static int fake_fd(void)
{
	int fd = memfd_create("fake-kvm", MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, FAKE_RUN_LEN) < 0)
		abort();
	return fd;
}

/* An exit that the next KVM_RUN finishes, or that cannot be finished. */
static int exit_at_once(struct kvm_run *run, unsigned reason)
{
	static _Thread_local bool unfinished;

	if (unfinished)
		atomic_fetch_sub(&fake_unfinished, 1);
	unfinished = !run->immediate_exit && reason == KVM_EXIT_MMIO;
	if (unfinished)
		atomic_fetch_add(&fake_unfinished, 1);
	if (run->immediate_exit) {
		errno = EINTR;
		return -1;
	}
	run->exit_reason = reason;
	return 0;
}

static int run_until_kicked(const struct kvm_run *run)
{
	sigset_t usr1, inside;

	if (!run->immediate_exit)
		atomic_fetch_add(&fake_runs, 1);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &usr1, &inside);
	if (!run->immediate_exit)
		ppoll(NULL, 0, NULL, &inside);
	pthread_sigmask(SIG_SETMASK, &inside, NULL);
	errno = EINTR;
	return -1;
}

static int check_extension(unsigned long cap)
{
	return cap == KVM_CAP_MAX_VCPUS ? 1024 : cap == KVM_CAP_MAX_VCPU_ID ? 4096 : 1;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	unsigned long arg;
	va_list ap;

	va_start(ap, request);
	arg = va_arg(ap, unsigned long);
	va_end(ap);
	if (request == KVM_RUN && atomic_load(&fake_exit_reason) != 0)
		return exit_at_once(fake_run[fd], atomic_load(&fake_exit_reason));
	if (request == KVM_RUN)
		return run_until_kicked(fake_run[fd]);
	if (request == KVM_CHECK_EXTENSION)
		return check_extension(arg);
	if (request == KVM_GET_MP_STATE) { /* any thread */
		((struct kvm_mp_state *)arg)->mp_state = KVM_MP_STATE_UNINITIALIZED;
		return 0;
	}
	if (request == KVM_HAS_DEVICE_ATTR) { /* no filter: every vCPU is started by us */
		errno = ENXIO;
		return -1;
	}
	if (fails()) {
		errno = ENOSPC;
		return -1;
	}
	if (request == KVM_CREATE_VM)
		memset(fake_made, 0, sizeof(fake_made));
	if (request == KVM_CREATE_VCPU && fake_made[arg]) {
		errno = EEXIST;
		return -1;
	}
	if (request == KVM_CREATE_VCPU)
		fake_made[arg] = true;
	switch (request) {
	case KVM_GET_API_VERSION:
		return KVM_API_VERSION;
	case KVM_GET_VCPU_MMAP_SIZE:
		return FAKE_RUN_LEN;
	case KVM_CREATE_VM:
	case KVM_CREATE_VCPU:
	case KVM_GET_STATS_FD:
		return fake_fd();
#ifdef __x86_64__
	case KVM_GET_SUPPORTED_CPUID:
		((struct kvm_cpuid2 *)arg)->nent = 0;
		return 0;
#endif
	default:
		return 0;
	}
}

void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	void *p = MAP_FAILED;

	if (fails())
		errno = ENOMEM;
	else
		p = __real_mmap(addr, len, prot, flags, fd, offset);
	if (fd >= 0 && fd < 1024 && p != MAP_FAILED)
		fake_run[fd] = p;
	return p;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

int __wrap_open(const char *path, int flags, ...)
{
	if (fails()) {
		errno = EMFILE;
		return -1;
	}
	return strcmp(path, "/dev/kvm") == 0 ? fake_fd() : __real_open(path, flags, 0600);
}

struct fake_thread {
	void *(*fn)(void *);
	void *arg;
};

static void *fake_thread_main(void *p)
{
	struct fake_thread thread = *(struct fake_thread *)p;
	void *result;

	free(p);
	result = thread.fn(thread.arg);
	atomic_fetch_sub(&fake_threads, 1);
	return result;
}

/* Counted here: /proc shows a thread for a moment after it was joined. */
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *),
			  void *arg)
{
	struct fake_thread *thread;
	int err;

	if (fails())
		return EAGAIN;
	thread = __real_malloc(sizeof(*thread));
	if (thread == NULL)
		abort();
	*thread = (struct fake_thread){ .fn = fn, .arg = arg };
	atomic_fetch_add(&fake_threads, 1);
	err = __real_pthread_create(t, attr, fake_thread_main, thread);
	if (err != 0)
		abort();
	return 0;
}

static inline unsigned fake_open_files(void)
{
	unsigned n = 0;
	DIR *d = opendir("/proc/self/fd");

	if (d == NULL)
		abort();
	for (const struct dirent *e; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

#endif
