#include "tools/ctl/qmp.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

long long ctl_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int ctl_connect(struct ctl *c, const char *path)
{
	struct timeval patience = { .tv_sec = CTL_REPLY_WAIT / 1000 };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = strlen(path);

	ctl_lines_init(&c->lines);
	if (len >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, len);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -errno;
	/* bounds connect() and send() */
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(c->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return 0;
}

static int wait_readable(const struct ctl *c, long long deadline)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	for (;;) {
		long long left = deadline - ctl_now_ms();
		int n;

		if (deadline == CTL_NO_LIMIT)
			left = -1;
		else if (left < 0)
			left = 0;
		n = poll(&p, 1, left > 1000000 ? 1000000 : (int)left);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0 && left <= 1000000)
			return -ETIMEDOUT;
	}
}

static int receive(struct ctl *c, long long deadline)
{
	size_t room;
	char *to = ctl_lines_room(&c->lines, &room);
	ssize_t n;
	int err;

	if (room == 0)
		return -EMSGSIZE;
	err = wait_readable(c, deadline);
	if (err < 0)
		return err;
	n = recv(c->fd, to, room, 0);
	if (n <= 0)
		return n == 0 || errno == ECONNRESET ? -EPIPE : -errno;
	ctl_lines_came(&c->lines, (size_t)n);
	return 0;
}

int ctl_next(struct ctl *c, long long deadline, json_t **message)
{
	for (;;) {
		int err = ctl_lines_next(&c->lines, message);

		if (err != -EAGAIN)
			return err;
		err = receive(c, deadline);
		if (err < 0)
			return err;
	}
}

static int send_all(struct ctl *c, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -EPIPE;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static int send_request(struct ctl *c, json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	int err = text ? send_all(c, text, strlen(text)) : -ENOMEM;

	free(text);
	json_decref(request);
	return err < 0 ? err : send_all(c, "\n", 1);
}

int ctl_call(struct ctl *c, long long deadline, json_t *request, json_t *events,
	     json_t **reply)
{
	int err = send_request(c, request);

	while (err == 0) {
		err = ctl_next(c, deadline, reply);
		if (err < 0)
			break;
		if (json_object_get(*reply, "return") || json_object_get(*reply, "error"))
			return 0;
		if (events)
			json_array_append(events, *reply);
		json_decref(*reply);
	}
	return err;
}

int ctl_negotiate(struct ctl *c, long long deadline, json_t **refusal)
{
	json_t *message;
	int err = ctl_next(c, deadline, &message);

	*refusal = NULL;
	if (err == 0 && json_object_get(message, "QMP")) {
		json_decref(message);
		message = json_pack("{s:s}", "execute", "qmp_capabilities");
		err = ctl_call(c, deadline, message, NULL, &message);
	}
	if (err < 0)
		return err;
	if (json_object_get(message, "error")) {
		*refusal = message;
		return -EPERM;
	}
	err = json_object_get(message, "return") ? 0 : -EPROTO;
	json_decref(message);
	return err;
}
