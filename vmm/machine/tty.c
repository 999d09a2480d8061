#include "vmm/machine/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved;
static volatile sig_atomic_t saved_fd = -1; /* -1: nothing to put back */

void tty_restore(void)
{
	int fd = saved_fd;

	if (fd < 0)
		return;
	saved_fd = -1;
	tcsetattr(fd, TCSANOW, &saved); /* async-signal-safe */
}

static void on_fatal(int sig)
{
	tty_restore();
	(void)raise(sig); /* SA_RESETHAND: this time it kills */
}

static void restore_on_signals(void)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT };
	struct sigaction sa = { .sa_handler = on_fatal, .sa_flags = (int)SA_RESETHAND };

	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		sigaction(fatal[i], &sa, NULL);
}

int tty_output(int fd)
{
	char path[32];
	struct stat st;
	int own;

	if (!isatty(fd) && (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode)))
		return fd;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return own < 0 ? fd : own;
}

int tty_make_raw(int fd)
{
	static bool at_exit;
	struct termios raw;

	if (tcgetattr(fd, &saved) < 0)
		return errno == ENOTTY || errno == EINVAL ? 0 : -errno;
	raw = saved;
	cfmakeraw(&raw);
	raw.c_oflag |= OPOST; /* our own lines on stderr stay readable */
	if (!at_exit && atexit(tty_restore) == 0)
		at_exit = true;
	restore_on_signals();
	saved_fd = fd;
	return tcsetattr(fd, TCSANOW, &raw) < 0 ? -errno : 0;
}
