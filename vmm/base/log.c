/* A line is written where that cannot block: who reads the log may be slow, stopped or
 * gone, and main and the vCPUs wait for nobody. A line that finds no room is counted, and
 * told of when there is room again. */
#include "vmm/base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_MAX_LEN 1024 /* a pipe that has room takes as much at once: PIPE_BUF */

static enum log_level level_max = LOG_WARN;
static int out_fd = STDERR_FILENO;

/* Threads look and write one after the other. Guards the field. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long lost;

void log_to(int fd)
{
	out_fd = fd;
}

void log_set_level(enum log_level max)
{
	level_max = max;
}

static bool has_room(void)
{
	struct pollfd p = { .fd = out_fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1;
}

/* Whether the line is out, or never will be. A socket is asked not to block, as it may
 * have room, and less than a line takes. */
static bool put(const char *line, size_t len)
{
	ssize_t n;

	if (!has_room())
		return false;
	n = send(out_fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno == ENOTSOCK)
		n = write(out_fd, line, len);
	return n >= 0 || errno != EAGAIN; /* another error: nowhere left to say it */
}

static bool tell_lost(void)
{
	char line[128];
	int n;

	if (lost == 0)
		return true;
	n = snprintf(
		line, sizeof(line),
		"hotsocket: warning: lost %lu lines of this log, which nobody read\n",
		lost);
	if (!put(line, (size_t)n))
		return false;
	lost = 0;
	return true;
}

/* One write per line, so that lines of several threads do not mix. */
void log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const prefix[] = {
		[LOG_ERR] = "hotsocket: ",
		[LOG_WARN] = "hotsocket: warning: ",
		[LOG_INFO] = "hotsocket: ",
	};
	char line[LINE_MAX_LEN];
	va_list ap;
	int n;

	if (level > level_max)
		return;
	n = snprintf(line, sizeof(line), "%s", prefix[level]);
	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	pthread_mutex_lock(&lock);
	if (!tell_lost() || !put(line, (size_t)n))
		lost++;
	pthread_mutex_unlock(&lock);
}
