#include "vmm/base/listen.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[64], path[96];
static struct listen_socket l;

/* The nth of the calls below fails; each is made once in an undisturbed open. */
static int fail_at;
static struct stat at_listen; /* the socket file, when listen() was called */

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): ld --wrap */
int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);
int __real_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode);
int __real_bind(int fd, const struct sockaddr *addr, socklen_t len);
int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t len);
int __real_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static int fails(void)
{
	errno = EPROTO;
	return --fail_at == 0;
}

int __wrap_socket(int domain, int type, int protocol)
{
	return fails() ? -1 : __real_socket(domain, type, protocol);
}

int __wrap_fchmod(int fd, mode_t mode)
{
	return fails() ? -1 : __real_fchmod(fd, mode);
}

int __wrap_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
	return fails() ? -1 : __real_bind(fd, addr, len);
}

int __wrap_listen(int fd, int backlog)
{
	assert_int_equal(lstat(path, &at_listen), 0);
	return fails() ? -1 : __real_listen(fd, backlog);
}

static int make_dir(void **state)
{
	(void)state;
	fail_at = 0;
	strcpy(dir, "/tmp/qmp-test-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/sock", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

static int next_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static void touch(const char *name)
{
	int fd = open(name, O_CREAT | O_WRONLY, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static void the_file_is_private_before_anyone_can_connect(void **state)
{
	mode_t old = umask(0);

	(void)state;
	assert_int_equal(listen_open(&l, path), 0);
	umask(old);
	assert_int_equal(at_listen.st_mode, S_IFSOCK | 0600);
	listen_close(&l);
}

static void closing_removes_the_file_once(void **state)
{
	(void)state;
	assert_int_equal(listen_open(&l, path), 0);
	listen_close(&l);
	assert_int_equal(access(path, F_OK), -1);
	touch(path);
	listen_close(&l);
	assert_int_equal(unlink(path), 0);
}

static void a_file_that_is_not_ours_any_more_stays(void **state)
{
	struct listen_socket other;

	(void)state;
	assert_int_equal(listen_open(&l, path), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(listen_open(&other, path), 0);
	listen_close(&l);
	assert_int_equal(access(path, F_OK), 0);
	listen_close(&other);
}

static void a_stale_socket_is_replaced(void **state)
{
	(void)state;
	assert_int_equal(listen_open(&l, path), 0);
	close(l.fd);
	file_at_close(&l.at);
	assert_int_equal(listen_open(&l, path), 0);
	listen_close(&l);
}

static void its_folder_may_get_another_name(void **state)
{
	char away[80], there[128];

	(void)state;
	assert_int_equal(listen_open(&l, path), 0);
	(void)snprintf(away, sizeof(away), "%s-away", dir);
	(void)snprintf(there, sizeof(there), "%s/sock", away);
	assert_int_equal(rename(dir, away), 0);
	assert_int_equal(access(there, F_OK), 0);
	listen_close(&l);
	assert_int_equal(access(there, F_OK), -1);
	assert_int_equal(rename(away, dir), 0);
}

static void a_live_socket_is_not(void **state)
{
	struct listen_socket other;

	(void)state;
	assert_int_equal(listen_open(&l, path), 0);
	for (int n = 0; n < 40; n++) /* also when its queue is full of such visits */
		assert_int_equal(listen_open(&other, path), -EADDRINUSE);
	assert_int_equal(access(path, F_OK), 0);
	listen_close(&l);
}

static void other_files_are_not_touched(void **state)
{
	struct stat st;
	char target[128];

	(void)state;
	touch(path);
	assert_int_equal(listen_open(&l, path), -EEXIST);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	(void)snprintf(target, sizeof(target), "%s/target", dir);
	assert_int_equal(rename(path, target), 0);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(listen_open(&l, path), -EEXIST);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(target), 0);
}

static void bad_paths_are_refused(void **state)
{
	char too_long[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];

	(void)state;
	memset(too_long, 'x', sizeof(too_long));
	too_long[sizeof(too_long) - 1] = '\0';
	assert_int_equal(listen_open(&l, ""), -EINVAL);
	assert_int_equal(listen_open(&l, too_long), -ENAMETOOLONG);
	assert_int_equal(listen_open(&l, "/nonexistent/sock"), -ENOENT);
}

static void any_failing_call_leaves_nothing_behind(void **state)
{
	int fd = next_fd(), n = 0;

	(void)state;
	do {
		fail_at = ++n;
		int err = listen_open(&l, path);

		if (err == 0)
			break;
		assert_int_equal(err, -EPROTO);
		assert_int_equal(next_fd(), fd);
		assert_int_equal(access(path, F_OK), -1);
	} while (1);
	assert_int_equal(n, 5);
	listen_close(&l);
	assert_int_equal(next_fd(), fd);
}

#define IN_DIR(t) cmocka_unit_test_setup_teardown(t, make_dir, remove_dir)

/* Two VMs that are started at once on the path of one that was killed. */
#define RACERS 4
#define ROUNDS 200

static pthread_barrier_t barrier;

static void *race(void *arg)
{
	struct listen_socket *mine = arg;

	pthread_barrier_wait(&barrier);
	return listen_open(mine, path) == 0 ? mine : NULL;
}

static void leave_stale_socket(void)
{
	struct listen_socket gone;

	assert_int_equal(listen_open(&gone, path), 0);
	close(gone.fd);
	file_at_close(&gone.at);
}

static bool answers(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = __real_socket(AF_UNIX, SOCK_STREAM, 0), err;

	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	err = connect(fd, (struct sockaddr *)&addr, sizeof(addr));
	close(fd);
	return err == 0;
}

static void of_several_at_once_one_gets_a_stale_path(void **state)
{
	struct listen_socket each[RACERS];
	pthread_t t[RACERS];

	(void)state;
	pthread_barrier_init(&barrier, NULL, RACERS);
	for (int round = 0; round < ROUNDS; round++) {
		unsigned winners = 0;

		leave_stale_socket();
		for (int i = 0; i < RACERS; i++)
			assert_int_equal(pthread_create(&t[i], NULL, race, &each[i]), 0);
		for (int i = 0; i < RACERS; i++) {
			void *won;

			pthread_join(t[i], &won);
			winners += won != NULL;
		}
		assert_int_equal(winners, 1);
		assert_true(answers());
		for (int i = 0; i < RACERS; i++)
			listen_close(&each[i]);
	}
	pthread_barrier_destroy(&barrier);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(the_file_is_private_before_anyone_can_connect),
		IN_DIR(closing_removes_the_file_once),
		IN_DIR(a_file_that_is_not_ours_any_more_stays),
		IN_DIR(its_folder_may_get_another_name),
		IN_DIR(a_stale_socket_is_replaced),
		IN_DIR(a_live_socket_is_not),
		IN_DIR(other_files_are_not_touched),
		IN_DIR(bad_paths_are_refused),
		IN_DIR(any_failing_call_leaves_nothing_behind),
		IN_DIR(of_several_at_once_one_gets_a_stale_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
