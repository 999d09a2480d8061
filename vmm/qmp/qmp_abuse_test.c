/* What a client can do to the server, and to the others: nothing. */
#include <fcntl.h>
#include <sys/wait.h>
#include "vmm/qmp/qmp_harness.h"

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): ld --wrap */
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __real_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static uid_t pretended_uid = (uid_t)-1;
static bool no_fd;
static int accepts;

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	int err = __real_getsockopt(fd, level, name, value, len);

	if (err == 0 && name == SO_PEERCRED && pretended_uid != (uid_t)-1)
		((struct ucred *)value)->uid = pretended_uid;
	return err;
}

int __wrap_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	accepts++;
	if (!no_fd)
		return __real_accept4(fd, addr, len, flags);
	errno = EMFILE;
	return -1;
}

static void assert_closed(int fd)
{
	assert_string_equal(hear(fd), "");
	close(fd);
}

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void say_much(int fd, char what, size_t len)
{
	char *bytes = malloc(len);

	memset(bytes, what, len);
	say_bytes(fd, bytes, len);
	free(bytes);
}

static void an_endless_line_is_one_error(void **state)
{
	int fd = dial_negotiated();

	(void)state;
	say_much(fd, 'x', 10 << 20);
	assert_hears(fd, "{\"error\": {\"class\": \"GenericError\", \"desc\": "
			 "\"request exceeds the limit of 65536 bytes\"}}");
	assert_silent(fd);
	say(fd, "\n");
	assert_served(fd);
	close(fd);
}

static void a_deep_request_is_one_error(void **state)
{
	int fd = dial_negotiated();

	(void)state;
	say_much(fd, '[', 1 << 20);
	assert_hears(fd, "{\"error\": {\"class\": \"GenericError\", \"desc\": "
			 "\"request exceeds the limit of 32 nested levels\"}}");
	assert_silent(fd);
	say(fd, "\n");
	assert_served(fd);
	close(fd);
}

static void a_client_that_never_reads_is_dropped(void **state)
{
	int deaf = dial_negotiated(), good = dial_negotiated();
	int before = open_fds();
	int sent = 0;

	(void)state;
	for (; open_fds() == before; sent++) {
		assert_in_range(sent, 0, 2 * QMP_BACKLOG_MAX / 1000);
		qmp_server_emit(server, "TICK",
				json_pack("{s:o}", "s", big_string(1000)));
		turn();
		assert_memory_equal(hear(good), "{\"event\": \"TICK\"", 16);
	}
	assert_in_range(sent, QMP_BACKLOG_MAX / 1100, 2 * QMP_BACKLOG_MAX / 1000);
	assert_served(good);
	close(good);
	close(deaf);
}

static void a_client_that_pipelines_without_reading_is_paused(void **state)
{
	const char *big = "{\"execute\":\"big\",\"arguments\":{\"n\":10000}}";
	int greedy = dial_negotiated(), good = dial_negotiated();
	unsigned sent = stuff(greedy, big);

	(void)state;
	assert_in_range(handled, 1, 2 * QMP_BACKLOG_PAUSE / 10000);
	assert_true(handled < sent);
	assert_served(good);
	for (unsigned n = 0; n < sent; n++)
		assert_memory_equal(hear(greedy), "{\"return\": \"bbb", 15);
	assert_served(greedy);
	assert_int_equal(handled, sent + 2);
	close(greedy);
	close(good);
}

static void a_half_closed_client_gets_its_replies(void **state)
{
	int fd = dial();

	(void)state;
	hear(fd);
	say(fd, "{\"execute\":\"qmp_capabilities\"}\n");
	for (int n = 0; n < 20; n++)
		say(fd, "{\"execute\":\"big\",\"arguments\":{\"n\":50000}}\n");
	say(fd, "{\"execute\":\"echo\",\"id\":3}\n7"); /* the end ends the last line */
	shutdown(fd, SHUT_WR);
	turns(100);
	assert_hears(fd, "{\"return\": {}}");
	for (int n = 0; n < 20; n++)
		assert_int_equal(strlen(hear(fd)), 50000 + strlen("{\"return\": \"\"}"));
	assert_hears(fd, "{\"return\": {}, \"id\": 3}");
	assert_hears(fd, "{\"error\": {\"class\": \"GenericError\", \"desc\": "
			 "\"QMP input must be a JSON object\"}}");
	assert_closed(fd);
}

static void a_client_that_leaves_is_forgotten(void **state)
{
	int good = dial_negotiated();
	int before = open_fds();

	(void)state;
	for (int n = 0; n < 50; n++) {
		int fd = n % 2 ? dial_negotiated() : dial();

		if (n % 2)
			stuff(fd, "{\"execute\":\"big\",\"arguments\":{\"n\":10000}}");
		else
			say(fd, "{\"execute\":");
		close(fd);
	}
	turns(10);
	assert_int_equal(open_fds(), before);
	assert_served(good);
	close(good);
}

static void one_client_too_many_is_told_and_closed(void **state)
{
	int fds[QMP_CLIENTS_MAX], extra;

	(void)state;
	for (int n = 0; n < QMP_CLIENTS_MAX; n++)
		fds[n] = dial_negotiated();
	extra = dial();
	assert_hears(extra, "{\"error\": {\"class\": \"GenericError\", \"desc\": "
			    "\"too many clients\"}}");
	assert_closed(extra);
	assert_served(fds[0]);
	close(fds[0]);
	turns(5);
	fds[0] = dial_negotiated();
	for (int n = 0; n < QMP_CLIENTS_MAX; n++)
		close(fds[n]);
}

static void no_free_fd_is_no_reason_to_spin(void **state)
{
	int leaver = dial_negotiated(), fd = dial();
	long end = now_ms() + 300;

	(void)state;
	accepts = 0;
	no_fd = true;
	while (now_ms() < end)
		turn();
	assert_int_equal(accepts, 1);
	no_fd = false;
	close(leaver); /* the server's end of it makes room */
	assert_memory_equal(hear(fd), "{\"QMP\": ", 8);
	assert_in_range(now_ms() - end, 0, 600); /* by a timer it would be 700 */
	close(fd);
}

static void a_new_try_follows_within_seconds(void **state)
{
	int fd = dial();
	long start = now_ms();

	(void)state;
	no_fd = true;
	for (int n = 0; n < 3; n++)
		turn();
	no_fd = false;
	assert_memory_equal(hear(fd), "{\"QMP\": ", 8);
	assert_in_range(now_ms() - start, 500, 3000);
	close(fd);
}

static void a_busy_client_does_not_starve_the_others(void **state)
{
	int busy = dial_negotiated(), other = dial_negotiated();
	const char *echo = "{\"execute\":\"echo\"}";
	size_t len = strlen(echo);
	char all[32 * 1024];

	(void)state;
	for (size_t n = 0; n < 1000; n++)
		memcpy(all + n * len, echo, len); /* NOLINT: no string */
	assert_int_equal(send(busy, all, 1000 * len, 0), 1000 * len);
	turn();
	say(other, "{\"execute\":\"echo\",\"id\":1}\n");
	assert_hears(other, "{\"return\": {}, \"id\": 1}");
	assert_in_range(handled, 2, 64);
	for (int n = 0; n < 1000; n++)
		assert_hears(busy, "{\"return\": {}}");
	close(busy);
	close(other);
}

/* Its own command sends it more events than it may leave unread. */
static void a_client_may_die_of_its_own_command(void **state)
{
	int fd = dial_negotiated(), other = dial_negotiated();

	(void)state;
	say(fd, "{\"execute\":\"emit\",\"arguments\":{\"n\":2000}}"
		"{\"execute\":\"echo\"}");
	turns(5);
	assert_int_equal(handled, 1);
	close(other);
	close(fd);
	turns(5);
	fd = dial_negotiated();
	assert_served(fd);
	close(fd);
}

static void only_root_and_our_user_are_served(void **state)
{
	int fd;

	(void)state;
	pretended_uid = geteuid() + 1;
	fd = dial();
	assert_closed(fd);
	pretended_uid = geteuid();
	fd = dial_negotiated();
	close(fd);
	pretended_uid = 0;
	fd = dial_negotiated();
	close(fd);
	pretended_uid = (uid_t)-1;
}

/* The same with a real stranger, whom we let reach the socket. */
static int knock_as_nobody(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char byte;

	memcpy(addr.sun_path, path, sizeof(path));
	if (setgid(65534) < 0 || setuid(65534) < 0)
		return 2;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return 3;
	return recv(fd, &byte, 1, 0) == 0 ? 0 : 1;
}

static void a_stranger_hears_nothing(void **state)
{
	int status;
	pid_t child;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(dir, 0711), 0);
	assert_int_equal(chmod(path, 0666), 0);
	child = fork();
	if (child == 0)
		_exit(knock_as_nobody());
	while (waitpid(child, &status, WNOHANG) == 0)
		turn();
	assert_int_equal(status, 0);
}

#define ON_SERVER(t) cmocka_unit_test_setup_teardown(t, start_server, stop_server)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SERVER(an_endless_line_is_one_error),
		ON_SERVER(a_deep_request_is_one_error),
		ON_SERVER(a_client_that_never_reads_is_dropped),
		ON_SERVER(a_client_that_pipelines_without_reading_is_paused),
		ON_SERVER(a_half_closed_client_gets_its_replies),
		ON_SERVER(a_client_that_leaves_is_forgotten),
		ON_SERVER(one_client_too_many_is_told_and_closed),
		ON_SERVER(no_free_fd_is_no_reason_to_spin),
		ON_SERVER(a_new_try_follows_within_seconds),
		ON_SERVER(a_busy_client_does_not_starve_the_others),
		ON_SERVER(a_client_may_die_of_its_own_command),
		ON_SERVER(only_root_and_our_user_are_served),
		ON_SERVER(a_stranger_hears_nothing),
	};

	alarm(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
