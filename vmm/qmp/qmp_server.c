/* One client is served like this, and any step may end it:
 *
 *	on_readable -> frame -> serve: a few requests -> turn -> serve: a few more ...
 *	                          |-> nothing whole left: wait for on_readable
 *	                          `-> too much unread: wait for on_writable
 *
 * client_kill() closes the socket at once, but the struct lives until the loop turns
 * (on_reap): so an event that is sent from inside a client's own command may kill it, and
 * no caller needs to know. What must stay true: a live client waits for at least one of
 * readable, turn and writable, or for the reply that its handler owes it; for writable,
 * exactly while something is unread. */
#include "vmm/qmp/qmp_server.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include "vmm/base/acceptor.h"

#define REQUESTS_PER_TURN 8 /* of one client, before the others are looked at */
#define IOVECS            16

/* Lives from qmp_server_owe() to qmp_server_pay(), and knows whether its client does. */
struct qmp_owed {
	struct client *client; /* NULL: it has left */
	json_t *id;            /* NULL: the request had none */
};

struct client {
	struct qmp_server *server; /* constant */
	struct client *next;
	int fd; /* -1 when dead */
	bool negotiated;
	bool ended; /* sends no more; closed when it has all its replies */
	bool later; /* the handler said so of the command that it had last */
	struct event readable, writable, turn;
	struct evbuffer *unread;
	struct qmp_owed *owed; /* while it is not NULL no other request is looked at */
	struct qmp_frame frame;
};

struct qmp_server {
	struct event_base *base; /* constant, as are the next two */
	qmp_handler handler;
	void *ctx;
	struct acceptor acceptor;
	struct event reap;
	struct client *asks; /* whose command the handler has, and its id; or NULL */
	json_t *asks_id;
	struct client *clients; /* the dead ones too, until reaped */
	unsigned nclients;      /* without them */
};

static const struct timeval at_once = { 0, 0 };

static void client_kill(struct client *c)
{
	if (c->fd < 0)
		return;
	event_del(&c->readable);
	event_del(&c->writable);
	event_del(&c->turn);
	close(c->fd);
	c->fd = -1;
	if (c->owed != NULL)
		c->owed->client = NULL;
	c->owed = NULL;
	c->server->nclients--;
	event_add(&c->server->reap, &at_once);
	acceptor_resume(&c->server->acceptor);
}

static void client_free(struct client *c)
{
	evbuffer_free(c->unread);
	free(c);
}

static void on_reap(evutil_socket_t fd, short what, void *ctx)
{
	struct qmp_server *s = ctx;
	struct client **link = &s->clients;

	(void)fd, (void)what;
	while (*link != NULL) {
		struct client *c = *link;

		if (c->fd < 0) {
			*link = c->next;
			client_free(c);
		} else {
			link = &c->next;
		}
	}
}

static size_t backlog(const struct client *c)
{
	return evbuffer_get_length(c->unread);
}

/* One sendmsg() from the front of unread: no SIGPIPE, whoever runs us. */
static ssize_t send_some(struct client *c)
{
	struct iovec iov[IOVECS];
	int n = evbuffer_peek(c->unread, -1, NULL, iov, IOVECS);
	struct msghdr msg = {
		.msg_iov = iov,
		.msg_iovlen = (size_t)(n < IOVECS ? n : IOVECS),
	};

	return sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void client_flush(struct client *c)
{
	while (c->fd >= 0 && backlog(c) > 0) {
		ssize_t sent = send_some(c);

		if (sent >= 0) {
			evbuffer_drain(c->unread, (size_t)sent);
		} else if (errno == EAGAIN) {
			event_add(&c->writable, NULL);
			return;
		} else if (errno != EINTR) {
			client_kill(c);
		}
	}
}

static void client_send(struct client *c, const char *line)
{
	if (c->fd < 0)
		return;
	if (line == NULL || evbuffer_add(c->unread, line, strlen(line)) < 0 ||
	    evbuffer_add(c->unread, "\r\n", 2) < 0)
		client_kill(c); /* a client that misses a message is lost anyway */
	else
		client_flush(c);
}

/* Steals message, which may be NULL: no memory. */
static void client_send_message(struct client *c, json_t *message)
{
	char *line = json_dumps(message, 0);

	client_send(c, line);
	free(line);
	json_decref(message);
}

static json_t *call_handler(struct client *c, const struct qmp_request *req,
			    struct qmp_error *err)
{
	struct qmp_server *s = c->server;
	json_t *result;

	s->asks = c;
	s->asks_id = req->id;
	result = s->handler(s->ctx, req->command, req->arguments, err);
	s->asks = NULL;
	return result;
}

static json_t *run(struct client *c, const struct qmp_request *req, struct qmp_error *err)
{
	switch (qmp_negotiate(&c->negotiated, req, err)) {
	case QMP_NEGOTIATED:
		return json_object();
	case QMP_COMMAND:
		return call_handler(c, req, err);
	case QMP_REFUSED:
		break;
	}
	return NULL;
}

static void reply(struct client *c, json_t *result, const struct qmp_error *err,
		  json_t *id)
{
	client_send_message(c, result != NULL ? qmp_return(result, id)
					      : qmp_failure(err, id));
}

static void answer(struct client *c, json_t *value)
{
	struct qmp_error err = { 0 };
	struct qmp_request req;
	json_t *result = NULL;

	c->later = false;
	if (qmp_request_read(value, &req, &err) == 0)
		result = run(c, &req, &err);
	if (c->later)
		json_decref(result);
	else
		reply(c, result, &err, req.id);
}

/* False when the client has sent nothing whole. */
static bool answer_next(struct client *c)
{
	struct qmp_error err;
	json_t *value;

	switch (qmp_frame_next(&c->frame, &value, &err)) {
	case QMP_FOUND_VALUE:
		answer(c, value);
		json_decref(value);
		return true;
	case QMP_FOUND_ERROR:
		client_send_message(c, qmp_failure(&err, NULL));
		return true;
	case QMP_FOUND_NONE:
		break;
	}
	return false;
}

static void client_serve(struct client *c)
{
	for (int n = 0; n < REQUESTS_PER_TURN; n++) {
		if (c->fd < 0 || c->owed != NULL || backlog(c) > QMP_BACKLOG_PAUSE)
			return;
		if (answer_next(c))
			continue;
		if (!c->ended)
			event_add(&c->readable, NULL);
		else if (backlog(c) == 0)
			client_kill(c);
		return;
	}
	if (c->fd >= 0)
		event_add(&c->turn, &at_once);
}

struct qmp_owed *qmp_server_owe(struct qmp_server *s)
{
	struct qmp_owed *o = s->asks != NULL ? malloc(sizeof(*o)) : NULL;

	if (o == NULL)
		return NULL;
	*o = (struct qmp_owed){ s->asks, json_incref(s->asks_id) };
	s->asks->owed = o;
	s->asks->later = true;
	s->asks = NULL;
	return o;
}

void qmp_server_pay(struct qmp_owed *o, json_t *result, const struct qmp_error *err)
{
	struct client *c = o->client;

	if (c != NULL) {
		c->owed = NULL;
		reply(c, result, err, o->id);
	} else {
		json_decref(result);
	}
	if (c != NULL && c->fd >= 0) /* not from here: who pays is in the middle of his */
		event_add(&c->turn, &at_once);
	json_decref(o->id);
	free(o);
}

static void on_turn(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd, (void)what;
	client_serve(ctx);
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd, (void)what;
	client_flush(ctx);
	client_serve(ctx);
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct client *c = ctx;
	size_t room;
	char *at = qmp_frame_room(&c->frame, &room); /* never 0: the frame was emptied */
	ssize_t got = recv(fd, at, room, MSG_DONTWAIT);

	(void)what;
	if (got > 0) {
		c->frame.len += (size_t)got;
	} else if (got == 0) { /* the end of its last line, too */
		c->ended = true;
		*at = '\n';
		c->frame.len++;
	} else if (errno != EAGAIN && errno != EINTR) {
		client_kill(c);
	}
	client_serve(c);
}

static int client_new(struct qmp_server *s, int fd)
{
	struct client *c = malloc(sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	c->unread = evbuffer_new();
	if (c->unread == NULL) {
		free(c);
		return -ENOMEM;
	}
	c->server = s;
	c->fd = fd;
	c->negotiated = false;
	c->ended = c->later = false;
	c->owed = NULL;
	event_assign(&c->readable, s->base, fd, EV_READ, on_readable, c);
	event_assign(&c->writable, s->base, fd, EV_WRITE, on_writable, c);
	evtimer_assign(&c->turn, s->base, on_turn, c);
	qmp_frame_init(&c->frame);
	c->next = s->clients;
	s->clients = c;
	s->nclients++;
	client_send_message(c, qmp_greeting());
	client_serve(c);
	return 0;
}

static void turn_away(int fd)
{
	static const char line[] = "{\"error\": {\"class\": \"GenericError\", "
				   "\"desc\": \"too many clients\"}}\r\n";

	(void)!send(fd, line, sizeof(line) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static void on_client(void *ctx, int fd)
{
	struct qmp_server *s = ctx;

	if (s->nclients >= QMP_CLIENTS_MAX || client_new(s, fd) < 0)
		turn_away(fd);
}

int qmp_server_new(struct event_base *base, const char *path, qmp_handler handler,
		   void *ctx, struct qmp_server **out)
{
	struct qmp_server *s = calloc(1, sizeof(*s));
	int err;

	if (s == NULL)
		return -ENOMEM;
	s->base = base;
	s->handler = handler;
	s->ctx = ctx;
	evtimer_assign(&s->reap, base, on_reap, s);
	err = acceptor_open(&s->acceptor, base, path, on_client, s);
	if (err < 0) {
		free(s);
		return err;
	}
	*out = s;
	return 0;
}

void qmp_server_emit(struct qmp_server *s, const char *event, json_t *data)
{
	json_t *message = qmp_event(event, data);
	char *line = json_dumps(message, 0);

	for (struct client *c = s->clients; c != NULL; c = c->next) {
		if (!c->negotiated)
			continue;
		client_send(c, line);
		if (backlog(c) > QMP_BACKLOG_MAX)
			client_kill(c);
	}
	free(line);
	json_decref(message);
}

static int ms_until(const struct timespec *end)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int)((end->tv_sec - now.tv_sec) * 1000 +
		     (end->tv_nsec - now.tv_nsec) / 1000000);
}

/* Sends what can be sent; how many clients still have something unread, and which. */
static nfds_t flush_all(struct qmp_server *s, struct pollfd *fds)
{
	nfds_t n = 0;

	for (struct client *c = s->clients; c != NULL; c = c->next) {
		client_flush(c);
		if (c->fd >= 0 && backlog(c) > 0)
			fds[n++] = (struct pollfd){ .fd = c->fd, .events = POLLOUT };
	}
	return n;
}

static void drain(struct qmp_server *s, unsigned timeout_ms)
{
	struct pollfd fds[QMP_CLIENTS_MAX];
	struct timespec end;
	nfds_t n = flush_all(s, fds);
	int left = (int)timeout_ms;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += timeout_ms / 1000;
	end.tv_nsec += timeout_ms % 1000 * 1000000L;
	while (n > 0 && left > 0) {
		poll(fds, n, left);
		n = flush_all(s, fds);
		left = ms_until(&end);
	}
}

void qmp_server_free(struct qmp_server *s, unsigned timeout_ms)
{
	if (s == NULL)
		return;
	drain(s, timeout_ms);
	for (struct client *c = s->clients; c != NULL; c = c->next)
		client_kill(c);
	on_reap(-1, 0, s);
	event_del(&s->reap);
	acceptor_close(&s->acceptor);
	free(s);
}
