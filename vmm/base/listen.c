#include "vmm/base/listen.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 16

static int set_path(struct sockaddr_un *addr, const char *path)
{
	size_t len = strlen(path);

	if (len == 0) /* Linux would take it for "any abstract address" */
		return -EINVAL;
	if (len >= sizeof(addr->sun_path))
		return -ENAMETOOLONG;
	addr->sun_family = AF_UNIX;
	memcpy(addr->sun_path, path, len + 1);
	return 0;
}

static int bind_to(int fd, const struct sockaddr_un *addr)
{
	return bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 ? -errno : 0;
}

/* Does anybody listen there? Only a refused connection says no. */
static bool is_stale(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return false;
	err = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) < 0 ? errno : 0;
	close(fd);
	return err == ECONNREFUSED;
}

/* Takes the path over from a VMM that is gone. */
static int replace_stale(int fd, const struct sockaddr_un *addr)
{
	struct stat st;

	if (lstat(addr->sun_path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return -EEXIST;
	if (!is_stale(addr))
		return -EADDRINUSE;
	if (unlink(addr->sun_path) < 0)
		return -errno;
	return bind_to(fd, addr);
}

static int bind_private(int fd, const struct sockaddr_un *addr)
{
	int err;

	if (fchmod(fd, 0600) < 0) /* bind() makes the file with the mode of the fd */
		return -errno;
	err = bind_to(fd, addr);
	return err == -EADDRINUSE ? replace_stale(fd, addr) : err;
}

int qmp_listen_open(struct qmp_listener *l, const char *path)
{
	struct sockaddr_un addr = { 0 };
	struct stat st;
	int err;

	*l = (struct qmp_listener){ .fd = -1, .at = FILE_AT_CLOSED };
	err = set_path(&addr, path);
	if (err == 0)
		err = file_at_open(&l->at, path);
	if (err < 0)
		return err;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0) {
		err = -errno;
		file_at_close(&l->at);
		return err;
	}
	err = bind_private(l->fd, &addr);
	if (err == 0 && file_at_stat(&l->at, &st) == 0) {
		l->dev = st.st_dev;
		l->ino = st.st_ino;
	}
	if (err == 0 && listen(l->fd, BACKLOG) < 0)
		err = -errno;
	if (err < 0)
		qmp_listen_close(l);
	return err;
}

const char *qmp_listen_remedy(int err)
{
	if (err == -EADDRINUSE)
		return "; another VM answers there, choose another path";
	return err == -EEXIST ? "; it is no socket, choose another path" : "";
}

static bool may_talk(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	return peer.uid == 0 || peer.uid == geteuid();
}

int qmp_listen_accept(const struct qmp_listener *l)
{
	int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (may_talk(fd))
		return fd;
	close(fd);
	return -EPERM;
}

void qmp_listen_close(struct qmp_listener *l)
{
	struct stat st;

	if (l->fd < 0)
		return;
	close(l->fd);
	l->fd = -1;
	if (file_at_stat(&l->at, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    st.st_dev == l->dev && st.st_ino == l->ino)
		(void)file_at_unlink(&l->at);
	file_at_close(&l->at);
}
