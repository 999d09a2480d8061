#include "vmm/machine/console.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/util.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/acceptor.h"
#include "vmm/base/newest_file.h"
#include "vmm/config/serial.h"
#include "vmm/machine/tty.h"

#define CHUNK        4096 /* a pipe that is writable takes as much without blocking */
#define INPUT_LEN    256
#define ESCAPE       0x01 /* Ctrl-A */
#define CHUNKS       16   /* in one turn of the loop: the guest may write without end */
#define FLUSH_ROUNDS 100
#define FLUSH_MS     10

struct console {
	struct event_base *base;
	struct uart *uart;
	struct wake *wake;
	void (*quit)(void *ctx);
	void *ctx;

	int in_fd, out_fd; /* -1: there is none; a socket client has both */
	struct acceptor acceptor;
	struct newest_file file; /* of which out_fd is none; see has_file() */
	bool regular, escapes, escaped;
	struct event *in, *out;
	struct event *gone; /* of a socket client: it has closed, whatever we read */
	int gone_fd; /* the client's, once more: what in and out watch is another */

	uint8_t input[INPUT_LEN]; /* what the UART has not taken yet */
	size_t input_len;
	uint8_t output[CHUNK]; /* what the reader has not taken yet */
	size_t output_len;
};

static void free_event(struct event **ev)
{
	if (*ev != NULL)
		event_free(*ev);
	*ev = NULL;
}

static bool is_socket(const struct console *c)
{
	return acceptor_is_open(&c->acceptor);
}

/* What the guest has not taken of its input may still be taken. */
static void hang_up(struct console *c)
{
	free_event(&c->in);
	free_event(&c->out);
	free_event(&c->gone);
	if (is_socket(c) && c->out_fd >= 0)
		close(c->out_fd);
	if (is_socket(c))
		c->in_fd = c->out_fd = -1;
	if (c->gone_fd >= 0)
		close(c->gone_fd);
	c->gone_fd = -1;
	c->output_len = 0;
	acceptor_resume(&c->acceptor);
}

static bool has_file(const struct console *c)
{
	return c->file.fd >= 0;
}

static bool has_reader(const struct console *c)
{
	return c->out_fd >= 0 || has_file(c);
}

static bool writable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) == 1;
}

static ssize_t write_once(struct console *c)
{
	if (has_file(c))
		return newest_file_write(&c->file, c->output, c->output_len);
	if (is_socket(c))
		return send(c->out_fd, c->output, c->output_len,
			    MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(c->out_fd, c->output, c->output_len);
}

/* Writes a part of the output. Returns whether to go on. */
static bool write_some(struct console *c)
{
	ssize_t n;

	if (!c->regular && !has_file(c) && !writable(c->out_fd))
		return false;
	n = write_once(c);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		if (is_socket(c))
			hang_up(c);
		c->output_len = 0; /* nobody will ever read it */
		return has_reader(c);
	}
	if (n <= 0)
		return false;
	c->output_len -= (size_t)n;
	memmove(c->output, c->output + n, c->output_len);
	return true;
}

/* Moves what the guest wrote to the reader, as far as that takes it; what is too much for
 * one turn, in the next: others wait for theirs. */
static void pump_output(struct console *c)
{
	for (unsigned i = 0; i < CHUNKS; i++) {
		if (c->output_len == 0)
			c->output_len =
				uart_take_output(c->uart, c->output, sizeof(c->output));
		if (c->output_len == 0)
			return;
		if (!has_reader(c)) {
			c->output_len = 0;
		} else if (!write_some(c)) {
			if (c->out != NULL)
				event_add(c->out, NULL);
			return;
		}
	}
	wake_ring(c->wake);
}

static void pump_input(struct console *c)
{
	size_t n = uart_input(c->uart, c->input, c->input_len);

	c->input_len -= n;
	memmove(c->input, c->input + n, c->input_len);
	if (c->input_len == 0 && c->in != NULL)
		event_add(c->in, NULL);
}

static void on_wake(void *ctx)
{
	struct console *c = ctx;

	pump_output(c);
	if (c->input_len > 0)
		pump_input(c);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pump_output(arg);
}

/* Takes the escapes out. Returns whether the user asked to quit. */
static bool filter_escapes(struct console *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->input_len; i++) {
		uint8_t byte = c->input[i];

		if (c->escaped) {
			c->escaped = false;
			if (byte == 'x' || byte == 'X')
				return true;
			if (byte == ESCAPE)
				c->input[kept++] = byte;
		} else if (byte == ESCAPE) {
			c->escaped = true;
		} else {
			c->input[kept++] = byte;
		}
	}
	c->input_len = kept;
	return false;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct console *c = arg;
	ssize_t n = read(fd, c->input, sizeof(c->input));

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		event_add(c->in, NULL);
		return;
	}
	if (n <= 0) /* no more input; the guest may still talk, and the client listen */
		return;
	c->input_len = (size_t)n;
	if (c->escapes && filter_escapes(c))
		c->quit(c->ctx);
	else
		pump_input(c);
}

/* Something ended. A client that only sends no more still gets the answer. */
static void on_gone(evutil_socket_t fd, short what, void *arg)
{
	struct pollfd p = { .fd = fd };

	(void)what;
	if (poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)))
		hang_up(arg);
}

/* By a descriptor of its own, and once for each change: a client that has sent its last
 * word is no news each time that main looks. */
static int watch_end(struct console *c)
{
	c->gone_fd = fcntl(c->in_fd, F_DUPFD_CLOEXEC, 0);
	if (c->gone_fd >= 0)
		c->gone = event_new(c->base, c->gone_fd, EV_CLOSED | EV_ET | EV_PERSIST,
				    on_gone, c);
	return c->gone != NULL && event_add(c->gone, NULL) == 0 ? 0 : -ENOMEM;
}

/* epoll takes no regular file, no /dev/null and the like: as input they are not read. */
static bool can_wait_for(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 &&
	       (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(fd));
}

/* Events of the two fds. As output a regular file is always writable. */
static int watch(struct console *c)
{
	struct stat st;

	c->regular = c->out_fd >= 0 && fstat(c->out_fd, &st) == 0 && S_ISREG(st.st_mode);
	if (can_wait_for(c->in_fd))
		c->in = event_new(c->base, c->in_fd, EV_READ, on_readable, c);
	if (c->out_fd >= 0 && !c->regular)
		c->out = event_new(c->base, c->out_fd, EV_WRITE, on_writable, c);
	if (c->in != NULL && event_add(c->in, NULL) < 0)
		free_event(&c->in);
	return 0;
}

static void on_client(void *ctx, int client)
{
	struct console *c = ctx;

	if (c->out_fd >= 0) {
		static const char text[] = "hotsocket: the console is in use\r\n";

		(void)!send(client, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		close(client);
		return;
	}
	c->in_fd = c->out_fd = client;
	c->input_len = 0; /* whatever the client before has left */
	watch(c);
	if (watch_end(c) < 0)
		hang_up(c);
	else
		pump_output(c);
}

static int open_stdio(struct console *c, struct text *why)
{
	int err = tty_make_raw(STDIN_FILENO);

	if (err < 0)
		return text_set(why, err, "--serial stdio: %s", text_errno(-err));
	c->escapes = isatty(STDIN_FILENO);
	c->in_fd = STDIN_FILENO;
	c->out_fd = tty_output(STDOUT_FILENO);
	return 0;
}

static int open_bounded(struct console *c, const struct serial *to, struct text *why)
{
	char *path = strndup(to->path, to->path_len);
	int err = path == NULL ? text_set(why, -ENOMEM, "no memory for the console")
			       : newest_file_open(&c->file, path, to->size);

	if (path != NULL && err < 0)
		text_set(why, err, "--serial file:%s: %s", to->path, text_errno(-err));
	free(path);
	return err;
}

static int open_file(struct console *c, const struct serial *to, struct text *why)
{
	if (to->size > 0)
		return open_bounded(c, to, why);
	c->out_fd = open(to->path,
			 O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
			 0600);
	if (c->out_fd < 0)
		return text_set(why, -errno, "--serial file:%s: %s", to->path,
				text_errno(errno));
	return 0;
}

static int open_socket(struct console *c, const char *path, struct text *why)
{
	int err = acceptor_open(&c->acceptor, c->base, path, on_client, c);

	return err == 0 ? 0
			: text_set(why, err, "--serial socket:%s: %s%s", path,
				   text_errno(-err), listen_remedy(err));
}

static int open_where(struct console *c, const char *where, struct text *why)
{
	struct serial to;
	int err = serial_parse(where, &to, why);

	if (err < 0)
		return err;
	switch (to.kind) {
	case SERIAL_NONE:
		return 0;
	case SERIAL_STDIO:
		return open_stdio(c, why);
	case SERIAL_FILE:
		return open_file(c, &to, why);
	case SERIAL_SOCKET:
		return open_socket(c, to.path, why);
	}
	return -EINVAL;
}

int console_new(struct event_base *base, const char *where, struct uart *uart,
		struct wake *wake, void (*quit)(void *ctx), void *ctx,
		struct console **out, struct text *why)
{
	struct console *c = calloc(1, sizeof(*c));
	int err;

	if (c == NULL)
		return text_set(why, -ENOMEM, "no memory for the console");
	*c = (struct console){ .base = base,
			       .uart = uart,
			       .wake = wake,
			       .file = { .fd = -1, .old_fd = -1, .dir_fd = -1 },
			       .gone_fd = -1,
			       .quit = quit,
			       .ctx = ctx,
			       .in_fd = -1,
			       .out_fd = -1,
			       .acceptor = ACCEPTOR_CLOSED };
	err = open_where(c, where, why);
	if (err == 0)
		err = watch(c);
	if (err == 0) {
		err = wake_init(wake, base, on_wake, c);
		if (err < 0)
			text_set(why, err, "console: %s", text_errno(-err));
	}
	if (err < 0) {
		console_free(c);
		return err;
	}
	*out = c;
	return 0;
}

/* The last words of the guest: a reader that is slow gets a second. */
static void flush(struct console *c)
{
	for (int i = 0; i < FLUSH_ROUNDS; i++) {
		pump_output(c);
		if (c->output_len == 0)
			return;
		poll(NULL, 0, FLUSH_MS);
	}
}

void console_free(struct console *c)
{
	if (c == NULL)
		return;
	flush(c);
	if (c->out_fd > STDERR_FILENO && !is_socket(c))
		close(c->out_fd);
	hang_up(c);
	newest_file_close(&c->file);
	acceptor_close(&c->acceptor);
	tty_restore();
	free(c);
}
