#include "tools/bench/console.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINES 512 /* that may wait to be looked at */

struct console {
	int fd;
	pthread_t thread;
	pthread_mutex_t lock; /* guards the fields from here on */
	pthread_cond_t changed;
	struct console_line line[LINES];
	unsigned head, count;
	bool ended; /* no more will come */
};

double console_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void keep(struct console *c, const struct console_line *line)
{
	pthread_mutex_lock(&c->lock);
	if (c->count < LINES)
		c->line[(c->head + c->count++) % LINES] = *line;
	pthread_cond_signal(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

static void *read_lines(void *arg)
{
	struct console *c = arg;
	struct console_line line = { 0 };
	char bytes[256];
	size_t len = 0;
	ssize_t n;

	while ((n = read(c->fd, bytes, sizeof(bytes))) > 0)
		for (ssize_t i = 0; i < n; i++) {
			if (bytes[i] == '\n') {
				line.text[len] = '\0';
				line.ms = console_now_ms();
				keep(c, &line);
				len = 0;
			} else if (bytes[i] != '\r' && len < sizeof(line.text) - 1) {
				line.text[len++] = bytes[i];
			}
		}
	pthread_mutex_lock(&c->lock);
	c->ended = true;
	pthread_cond_signal(&c->changed);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

int console_open(int fd, struct console **out)
{
	struct console *c = calloc(1, sizeof(*c));
	pthread_condattr_t attr;
	int err;

	if (c == NULL) {
		close(fd);
		return -ENOMEM;
	}
	c->fd = fd;
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->changed, &attr);
	pthread_condattr_destroy(&attr);
	err = pthread_create(&c->thread, NULL, read_lines, c);
	if (err != 0) {
		close(fd);
		free(c);
		return -err;
	}
	*out = c;
	return 0;
}

/* Takes the oldest line; false when the time is up, or the console. */
static bool next_locked(struct console *c, const struct timespec *end,
			struct console_line *out)
{
	while (c->count == 0)
		if (c->ended ||
		    pthread_cond_timedwait(&c->changed, &c->lock, end) == ETIMEDOUT)
			return false;
	*out = c->line[c->head];
	c->head = (c->head + 1) % LINES;
	c->count--;
	return true;
}

bool console_wait(struct console *c, const char *begin, int timeout_ms,
		  struct console_line *out)
{
	struct timespec end;
	bool got;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += timeout_ms / 1000;
	pthread_mutex_lock(&c->lock);
	do
		got = next_locked(c, &end, out);
	while (got && strncmp(out->text, begin, strlen(begin)) != 0);
	pthread_mutex_unlock(&c->lock);
	return got;
}

void console_close(struct console *c)
{
	if (c == NULL)
		return;
	pthread_join(c->thread, NULL);
	close(c->fd);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
