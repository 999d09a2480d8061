#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vmm/base/log.h"

#define LINES 2000 /* more than any buffer of a socket or pipe here takes */

static char said[1 << 20];

/* What the other end has, all of it. */
static const char *take(int fd)
{
	size_t len = 0;
	ssize_t n;

	while ((n = recv(fd, said + len, sizeof(said) - 1 - len, MSG_DONTWAIT)) > 0)
		len += (size_t)n;
	said[len] = '\0';
	return said;
}

static void fill(int fd)
{
	log_to(fd);
	for (int i = 0; i < LINES; i++)
		log_warn("line %d, and some more for its length %400s", i, "");
	log_to(STDERR_FILENO);
}

static unsigned lines_of(const char *text)
{
	unsigned n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

static void a_socket_that_nobody_reads_blocks_nobody(void **state)
{
	unsigned long lost;
	unsigned there;
	const char *text;
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	alarm(20);
	fill(fd[0]);
	alarm(0);
	there = lines_of(take(fd[1]));
	assert_in_range(there, 1, LINES - 1);
	log_to(fd[0]);
	log_warn("again");
	log_to(STDERR_FILENO);
	text = strstr(take(fd[1]), "lost ");
	assert_non_null(text);
	lost = strtoul(text + strlen("lost "), NULL, 10);
	assert_int_equal(there + lost, LINES);
	assert_non_null(strstr(text, "hotsocket: warning: again\n"));
	close(fd[0]);
	close(fd[1]);
}

/* One that others write to as well must stay as it is: it blocks. */
static void a_pipe_that_nobody_reads_blocks_nobody(void **state)
{
	int fd[2];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	alarm(20);
	fill(fd[1]);
	alarm(0);
	n = read(fd[0], said, sizeof(said) - 1);
	assert_true(n > 0);
	log_to(fd[1]);
	log_warn("again");
	log_to(STDERR_FILENO);
	n = read(fd[0], said, sizeof(said) - 1);
	assert_true(n > 0);
	said[n] = '\0';
	assert_non_null(strstr(said, "lines of this log"));
	assert_non_null(strstr(said, "again\n"));
	close(fd[0]);
	close(fd[1]);
}

static void nothing_was_lost_is_not_told(void **state)
{
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	log_to(fd[0]);
	log_warn("%s", "one");
	log_info("%s", "not told at this level");
	log_to(STDERR_FILENO);
	assert_string_equal(take(fd[1]), "hotsocket: warning: one\n");
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_was_lost_is_not_told),
		cmocka_unit_test(a_socket_that_nobody_reads_blocks_nobody),
		cmocka_unit_test(a_pipe_that_nobody_reads_blocks_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
