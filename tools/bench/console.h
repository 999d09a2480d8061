#ifndef TOOLS_BENCH_CONSOLE_H
#define TOOLS_BENCH_CONSOLE_H
/* bench_console: the lines of a guest's console, each with the time at which it was
 * whole. A thread of its own reads them, so that no line waits for the client. */

#include <stdbool.h>

struct console;

struct console_line {
	double ms; /* console_now_ms() when its end came */
	char text[160];
};

/* CLOCK_MONOTONIC in milliseconds. Any thread. */
double console_now_ms(void);

/* Reads fd, which it owns from now on, until its end. 0 or -errno. */
int console_open(int fd, struct console **out);

/* The next line that begins so; lines before it are forgotten. False when none came in
 * time, or none can come any more. */
bool console_wait(struct console *c, const char *begin, int timeout_ms,
		  struct console_line *out);

/* The other end of fd must be closed; waits for the thread. Takes NULL. */
void console_close(struct console *c);

#endif
