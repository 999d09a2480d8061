#include "vmm/base/listen.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG   16
#define LOCK_MS   5000 /* others hold it for the time of a few system calls */
#define LOCK_EACH 5

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

/* Whoever takes a path over looks first whether somebody answers there: two that do so at
 * once must not both find nobody. The lock is the folder's own, so it leaves no file, and
 * ends with its holder. A folder that may not be read has none. */
static int lock_folder(const struct file_at *at)
{
	for (int ms = 0; flock(at->dir, LOCK_EX | LOCK_NB) < 0; ms += LOCK_EACH) {
		if (errno == EBADF)
			return 0;
		if ((errno != EWOULDBLOCK && errno != EINTR) || ms >= LOCK_MS)
			return -errno;
		poll(NULL, 0, LOCK_EACH);
	}
	return 0;
}

static void unlock_folder(const struct file_at *at)
{
	(void)flock(at->dir, LOCK_UN);
}

static int bind_private(int fd, const struct sockaddr_un *addr)
{
	int err;

	if (fchmod(fd, 0600) < 0) /* bind() makes the file with the mode of the fd */
		return -errno;
	err = bind_to(fd, addr);
	return err == -EADDRINUSE ? replace_stale(fd, addr) : err;
}

/* The folder is locked, until somebody who asks is answered. */
static int take_path(struct listen_socket *l, const struct sockaddr_un *addr)
{
	struct stat st;
	int err = bind_private(l->fd, addr);

	if (err == 0 && file_at_stat(&l->at, &st) == 0) {
		l->dev = st.st_dev;
		l->ino = st.st_ino;
	}
	if (err == 0 && listen(l->fd, BACKLOG) < 0)
		err = -errno;
	return err;
}

static void remove_ours(const struct listen_socket *l)
{
	struct stat st;

	if (file_at_stat(&l->at, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    st.st_dev == l->dev && st.st_ino == l->ino)
		(void)file_at_unlink(&l->at);
}

int listen_open(struct listen_socket *l, const char *path)
{
	struct sockaddr_un addr = { 0 };
	int err;

	*l = (struct listen_socket){ .fd = -1, .at = FILE_AT_CLOSED };
	err = set_path(&addr, path);
	if (err == 0)
		err = file_at_open(&l->at, path);
	if (err < 0)
		return err;
	err = lock_folder(&l->at);
	if (err == 0) {
		l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		err = l->fd < 0 ? -errno : take_path(l, &addr);
		if (err < 0)
			remove_ours(l);
		unlock_folder(&l->at);
	}
	if (err < 0) {
		if (l->fd >= 0)
			close(l->fd);
		l->fd = -1;
		file_at_close(&l->at);
	}
	return err;
}

const char *listen_remedy(int err)
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

int listen_accept(const struct listen_socket *l)
{
	int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (may_talk(fd))
		return fd;
	close(fd);
	return -EPERM;
}

void listen_close(struct listen_socket *l)
{
	if (l->fd < 0)
		return;
	close(l->fd);
	l->fd = -1;
	if (lock_folder(&l->at) == 0) {
		remove_ours(l);
		unlock_folder(&l->at);
	}
	file_at_close(&l->at);
}
