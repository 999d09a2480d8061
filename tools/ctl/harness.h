#ifndef TOOLS_CTL_HARNESS_H
#define TOOLS_CTL_HARNESS_H
/* ctl_harness: runs the real hotsocketctl against a server that follows a script. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* One step: wait for a line with this text in it (NULL: do not), then send that. */
struct step {
	const char *heard, *said;
};

#define STEP(heard, said) ((struct step){ heard, said })
#define HANG              STEP("never said", "")

static char dir[64], path[96], tool[4096];
static const struct step *script;
static int listener;
static char out[65536], err[65536];
static bool without_stdout; /* the tool is started with that closed */

static inline bool hear(int fd, const char *text)
{
	char line[4096];
	size_t len = 0;

	while (len < sizeof(line) - 1 && recv(fd, line + len, 1, 0) == 1) {
		if (line[len++] != '\n')
			continue;
		line[len] = '\0';
		len = 0;
		if (strstr(line, text))
			return true;
	}
	return false;
}

static inline void *serve(void *unused)
{
	int fd = accept(listener, NULL, NULL);

	if (script->said) {
		(void)!send(fd, "{\"QMP\": {}}\r\n", 13, MSG_NOSIGNAL);
		hear(fd, "qmp_capabilities");
		(void)!send(fd, "{\"return\": {}}\r\n", 16, MSG_NOSIGNAL);
	}
	for (const struct step *s = script; s->said; s++) {
		if (s->heard && !hear(fd, s->heard))
			break;
		(void)!send(fd, s->said, strlen(s->said), MSG_NOSIGNAL);
	}
	close(fd);
	return unused;
}

/* Reads both pipes to their ends: the child may fill either. */
static inline void collect(int from_out, int from_err)
{
	struct pollfd fds[] = { { .fd = from_out, .events = POLLIN },
				{ .fd = from_err, .events = POLLIN } };
	char *text[] = { out, err };
	size_t len[] = { 0, 0 };
	int open_pipes = 2;

	while (open_pipes > 0 && poll(fds, 2, 30000) > 0) {
		for (int i = 0; i < 2; i++) {
			ssize_t n;

			if (fds[i].revents == 0)
				continue;
			n = read(fds[i].fd, text[i] + len[i], sizeof(out) - 1 - len[i]);
			if (n > 0) {
				len[i] += (size_t)n;
				continue;
			}
			fds[i].fd = -1;
			open_pipes--;
		}
	}
	out[len[0]] = err[len[1]] = '\0';
}

/* EMULATOR in the environment: what this program itself runs in (tools/unit). */
static inline void become_tool(const char *const *args)
{
	char zero[] = "-0", *argv[32] = { getenv("EMULATOR"), zero };

	if (argv[0] == NULL) {
		execv(tool, (char *const *)(uintptr_t)args);
		return;
	}
	argv[2] = (char *)(uintptr_t)args[0];
	argv[3] = tool;
	for (size_t n = 4; n < 31 && args[n - 3]; n++)
		argv[n] = (char *)(uintptr_t)args[n - 3];
	execvp(argv[0], argv);
}

static inline int run(const char *const *args)
{
	int to_out[2], to_err[2], status;
	pid_t child;

	assert_int_equal(pipe2(to_out, O_CLOEXEC) + pipe2(to_err, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		if (without_stdout)
			close(1);
		else
			dup2(to_out[1], 1);
		dup2(to_err[1], 2);
		become_tool(args);
		_exit(127);
	}
	close(to_out[1]);
	close(to_err[1]);
	collect(to_out[0], to_err[0]);
	close(to_out[0]);
	close(to_err[0]);
	waitpid(child, &status, 0);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define RUN(...) run((const char *const[]){ "hotsocketctl", __VA_ARGS__, NULL })

static inline int run_script(const struct step *steps, const char *const *args)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	pthread_t thread;
	int status;

	strcpy(addr.sun_path, path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listener, 1), 0);
	script = steps;
	assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
	status = run(args);
	shutdown(listener, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(listener);
	unlink(path);
	script = NULL;
	return status;
}

/* The script follows after the negotiation; without any step there is none. */
#define SCRIPT(...) ((const struct step[]){ __VA_ARGS__, STEP(NULL, NULL) })
#define WITH(steps, ...)                                                                 \
	run_script(steps, (const char *const[]){ "hotsocketctl", "-s", path,             \
						 __VA_ARGS__, NULL })

static inline int set_up(void **state)
{
	ssize_t len = readlink("/proc/self/exe", tool, sizeof(tool) - 32);

	(void)state;
	if (len < 0)
		return -1;
	tool[len] = '\0';
	strcpy(strrchr(tool, '/'), "/../../hotsocketctl");
	unsetenv("HOTSOCKET_SOCKET");
	strcpy(dir, "/tmp/ctl-test-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/sock", dir);
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	return rmdir(dir);
}

#endif
