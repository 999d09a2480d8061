#include "vmm/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_LEN 1024

static enum log_level level_max = LOG_WARN;
static int out_fd = STDERR_FILENO;

void log_to(int fd)
{
	out_fd = fd;
}

void log_set_level(enum log_level max)
{
	level_max = max;
}

/* One write() per line, so that lines of several threads do not mix. */
void log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const prefix[] = {
		[LOG_ERR] = "hotsocket: ",
		[LOG_WARN] = "hotsocket: warning: ",
		[LOG_INFO] = "hotsocket: ",
		[LOG_DEBUG] = "hotsocket: debug: ",
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
	if (write(out_fd, line, (size_t)n) < 0)
		return; /* nowhere left to say it */
}
