#ifndef VMM_QMP_QMP_HARNESS_H
#define VMM_QMP_QMP_HARNESS_H
/* qmp_harness: a server with a small set of commands, and clients on real sockets, all in
 * one thread: whoever waits for a byte turns the server's loop meanwhile. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <event2/event.h>
#include "vmm/qmp/qmp_server.h"

#define PATIENCE_MS 10000

static char dir[64], path[96];
static struct event_base *base;
static struct qmp_server *server;
static unsigned handled;      /* commands so far */
static struct qmp_owed *owed; /* of the last owe, by the test to be paid */

static inline json_t *handler_fail(json_t *arguments, struct qmp_error *err)
{
	const char *desc = json_string_value(json_object_get(arguments, "desc"));

	err->class = json_string_value(json_object_get(arguments, "class"));
	(void)snprintf(err->desc, sizeof(err->desc), "%s", desc);
	return NULL;
}

static inline json_t *big_string(size_t len)
{
	char *s = malloc(len);
	json_t *big;

	memset(s, 'b', len);
	big = json_stringn(s, len);
	free(s);
	return big;
}

static inline json_int_t count_of(const json_t *arguments)
{
	return json_integer_value(json_object_get(arguments, "n"));
}

/* echo: its arguments; fail: an error; big: n bytes; emit: n events; sleep: n ms; owe: is
 * answered later. */
static inline json_t *handle(void *ctx, const char *command, json_t *arguments,
			     struct qmp_error *err)
{
	handled++;
	if (strcmp(command, "fail") == 0)
		return handler_fail(arguments, err);
	if (strcmp(command, "owe") == 0)
		owed = qmp_server_owe(*(struct qmp_server **)ctx);
	if (strcmp(command, "big") == 0)
		return big_string((size_t)count_of(arguments));
	if (strcmp(command, "sleep") == 0)
		usleep((unsigned)count_of(arguments) * 1000);
	for (json_int_t n = 0; strcmp(command, "emit") == 0 && n < count_of(arguments);
	     n++)
		qmp_server_emit(*(struct qmp_server **)ctx, "TICK",
				json_pack("{s:I,s:o}", "n", n, "pad", big_string(1000)));
	return json_incref(arguments);
}

static inline int start_server(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/qmp-test-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/sock", dir);
	base = event_base_new();
	handled = 0;
	return qmp_server_new(base, path, handle, &server, &server);
}

static inline int stop_server(void **state)
{
	(void)state;
	qmp_server_free(server, 0);
	server = NULL;
	event_base_free(base);
	if (access(path, F_OK) == 0)
		return -1;
	return rmdir(dir);
}

static inline void turn(void)
{
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static inline void turns(int n)
{
	while (n-- > 0)
		turn();
}

static inline long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline int dial(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static inline void say_bytes(int fd, const char *bytes, size_t len)
{
	long end = now_ms() + PATIENCE_MS;

	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		turn();
		assert_true(n >= 0 || errno == EAGAIN);
		assert_true(now_ms() < end);
		bytes += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
}

static inline void say(int fd, const char *text)
{
	say_bytes(fd, text, strlen(text));
}

/* One byte, 0 at the end of the stream; turns the loop until there is either. */
static inline char hear_byte(int fd)
{
	long end = now_ms() + PATIENCE_MS;
	char ch;

	for (;;) {
		ssize_t n = recv(fd, &ch, 1, 0);

		if (n == 1)
			return ch;
		if (n == 0 || errno == ECONNRESET)
			return 0;
		turn();
		assert_true(now_ms() < end);
	}
}

/* The next line without its CRLF; "" at the end of the stream. */
static inline const char *hear(int fd)
{
	static char line[256 * 1024];
	size_t len = 0;

	do {
		assert_true(len < sizeof(line));
		line[len] = hear_byte(fd);
		if (line[len] == 0)
			return line;
	} while (line[len++] != '\n');
	assert_true(len >= 2 && line[len - 2] == '\r');
	line[len - 2] = '\0';
	return line;
}

static inline void assert_hears(int fd, const char *line)
{
	assert_string_equal(hear(fd), line);
}

/* Nothing to hear after a few turns of the loop. */
static inline void assert_silent(int fd)
{
	char ch;

	for (int n = 0; n < 20; n++)
		turn();
	assert_int_equal(recv(fd, &ch, 1, MSG_PEEK), -1);
	assert_int_equal(errno, EAGAIN);
}

static inline int dial_negotiated(void)
{
	int fd = dial();

	hear(fd);
	say(fd, "{\"execute\":\"qmp_capabilities\"}\n");
	assert_hears(fd, "{\"return\": {}}");
	return fd;
}

static inline void assert_served(int fd)
{
	say(fd, "{\"execute\":\"echo\",\"id\":\"served?\"}\n");
	assert_hears(fd, "{\"return\": {}, \"id\": \"served?\"}");
}

/* Sends request until the server takes no more; how often. */
static inline unsigned stuff(int fd, const char *request)
{
	unsigned sent = 0, idle = 0;

	while (idle < 100) {
		ssize_t n = send(fd, request, strlen(request), MSG_NOSIGNAL);

		assert_true(n == (ssize_t)strlen(request) || (n < 0 && errno == EAGAIN));
		sent += n > 0;
		assert_in_range(sent, 0, 10000); /* it must stop taking them */
		idle = n > 0 ? 0 : idle + 1;
		turn();
	}
	return sent;
}

#endif
