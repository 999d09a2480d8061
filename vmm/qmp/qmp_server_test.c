#include <fcntl.h>
#include <sys/wait.h>
#include "vmm/qmp/qmp_harness.h"

static void the_greeting_is_qemus(void **state)
{
	int fd = dial();

	(void)state;
	assert_hears(fd,
		     "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 1, "
		     "\"major\": 0}, \"package\": \"hotsocket " VERSION "\"}, "
		     "\"capabilities\": []}}");
	close(fd);
}

struct exchange {
	const char *said, *heard;
};

#define GENERIC(desc) "{\"error\": {\"class\": \"GenericError\", \"desc\": \"" desc "\"}"
#define NOTFOUND(desc)                                                                   \
	"{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"" desc "\"}"
#define ECHO_OK "{\"execute\": \"echo\", \"id\": 9}", "{\"return\": {}, \"id\": 9}"

static void talk(int fd, const struct exchange *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		say(fd, lines[i].said);
		say(fd, "\r\n");
		assert_hears(fd, lines[i].heard);
	}
	assert_silent(fd);
}

static void negotiation_comes_first_and_once(void **state)
{
	static const struct exchange lines[] = {
		{ "{\"execute\": \"echo\", \"id\": 1}",
		  NOTFOUND("Expecting capabilities negotiation with "
			   "'qmp_capabilities'") ", \"id\": 1}" },
		{ "{\"execute\": \"qmp_capabilities\", \"arguments\": "
		  "{\"x\": 1}}",
		  GENERIC("Parameter 'x' is unexpected") "}" },
		{ "{\"execute\": \"qmp_capabilities\", \"arguments\": "
		  "{\"enable\": 1}}",
		  GENERIC("Invalid parameter type for 'enable', "
			  "expected: array") "}" },
		{ "{\"execute\": \"qmp_capabilities\", \"arguments\": "
		  "{\"enable\": "
		  "[\"oob\"]}}",
		  GENERIC("Capability 'oob' is not available") "}" },
		{ "{\"execute\": \"qmp_capabilities\", \"arguments\": "
		  "{\"enable\": "
		  "[[]]}}",
		  GENERIC("Capability '?' is not available") "}" },
		{ "{\"execute\": \"qmp_capabilities\", \"arguments\": "
		  "{\"enable\": []}, "
		  "\"id\": 2}",
		  "{\"return\": {}, \"id\": 2}" },
		{ ECHO_OK },
		{ "{\"execute\": \"qmp_capabilities\"}",
		  NOTFOUND("Capabilities negotiation is already "
			   "complete, command "
			   "ignored") "}" },
	};
	int fd = dial();

	(void)state;
	hear(fd);
	talk(fd, lines, sizeof(lines) / sizeof(*lines));
	assert_int_equal(handled, 1);
	close(fd);
}

static void any_id_comes_back_with_replies_and_errors(void **state)
{
	static const char *const ids[] = { "null", "true", "-7",    "1.5",
					   "\"\"", "[]",   "\"ü\"", "{\"a\": [1, {}]}" };
	int fd = dial_negotiated();
	char said[128], heard[128];

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		(void)snprintf(said, sizeof(said),
			       "{\"execute\": \"echo\", \"id\": %s}\n", ids[i]);
		(void)snprintf(heard, sizeof(heard), "{\"return\": {}, \"id\": %s}",
			       ids[i]);
		say(fd, said);
		assert_hears(fd, heard);
		(void)snprintf(said, sizeof(said), "{\"id\": %s}\n", ids[i]);
		(void)snprintf(
			heard, sizeof(heard),
			GENERIC("QMP input lacks member 'execute'") ", \"id\": %s}",
			ids[i]);
		say(fd, said);
		assert_hears(fd, heard);
	}
	close(fd);
}

static void malformed_requests_get_qemus_texts(void **state)
{
	static const struct exchange lines[] = {
		{ "[1]", GENERIC("QMP input must be a JSON object") "}" },
		{ "3", GENERIC("QMP input must be a JSON object") "}" },
		{ "\"x\"", GENERIC("QMP input must be a JSON object") "}" },
		{ "{}", GENERIC("QMP input lacks member 'execute'") "}" },
		{ "{\"exec-oob\": \"echo\", \"id\": 1}",
		  GENERIC("QMP input member 'exec-oob' is unexpected") ", \"id\": 1}" },
		{ "{\"execute\": 3, \"id\": 1}",
		  GENERIC("QMP input member 'execute' must be a string") ", \"id\": 1}" },
		{ "{\"execute\": \"echo\", \"arguments\": []}",
		  GENERIC("QMP input member 'arguments' must be an object") "}" },
		{ "{\"execute\": \"echo\", \"arguments\": null}",
		  GENERIC("QMP input member 'arguments' must be an object") "}" },
		{ ECHO_OK },
	};
	int fd = dial_negotiated();

	(void)state;
	talk(fd, lines, sizeof(lines) / sizeof(*lines));
	assert_int_equal(handled, 1);
	close(fd);
}

static void garbage_gets_one_error_a_line_without_id(void **state)
{
	static const char *const lines[] = {
		"{",
		"}",
		"nul",
		"{a}",
		"{\"\xff\": 1}",
		"{\"a\": 1, \"a\": 2}",
		"\x01\x02",
		"\"\xc3\"",
		"{\"id\": 1, \"execute\":",
		"{]",
		"{\"\\u0000\":1",
		"{\"execute\": \"x\ty\"}",
	};
	const char *start = "{\"error\": {\"class\": \"GenericError\", \"desc\": "
			    "\"JSON parse error, ";
	int fd = dial_negotiated();

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		const char *reply;

		say(fd, lines[i]);
		say(fd, "\n");
		reply = hear(fd);
		assert_memory_equal(reply, start, strlen(start));
		assert_string_equal(reply + strlen(reply) - 3, "\"}}");
		assert_served(fd);
	}
	say_bytes(fd, "{\"a\0\": 1}\n", 10);
	assert_memory_equal(hear(fd), start, strlen(start));
	assert_served(fd);
	close(fd);
}

static void a_handlers_error_is_the_reply(void **state)
{
	static const struct exchange lines[] = {
		{ "{\"execute\": \"fail\", \"id\": 4, \"arguments\": {\"desc\": \"no\"}}",
		  GENERIC("no") ", \"id\": 4}" },
		{ "{\"execute\": \"fail\", \"arguments\": {\"desc\": \"no\", "
		  "\"class\": \"CommandNotFound\"}}",
		  NOTFOUND("no") "}" },
	};
	int fd = dial_negotiated();

	(void)state;
	talk(fd, lines, sizeof(lines) / sizeof(*lines));
	close(fd);
}

/* 511 bytes fit, and the last of them is the first half of an umlaut. */
static void a_text_cut_inside_a_character_is_still_a_reply(void **state)
{
	int fd = dial_negotiated();
	const char *reply;

	(void)state;
	say(fd, "{\"execute\": \"fail\", \"arguments\": {\"desc\": \"");
	for (int n = 0; n < 510; n++)
		say(fd, "x");
	say(fd, "üü\"}}\n");
	reply = hear(fd);
	assert_string_equal(reply + strlen(reply) - 5, "x?\"}}");
	close(fd);
}

static void requests_may_come_in_any_pieces(void **state)
{
	const char *all = "{\"execute\":\"echo\",\"id\":\"a}b\"}"
			  "{\"execute\":\"echo\",\"id\":2} {\"execute\":\"echo\"}";
	int fd = dial_negotiated();

	(void)state;
	for (const char *p = all; *p; p++) {
		say_bytes(fd, p, 1);
		turn();
	}
	assert_hears(fd, "{\"return\": {}, \"id\": \"a}b\"}");
	assert_hears(fd, "{\"return\": {}, \"id\": 2}");
	assert_hears(fd, "{\"return\": {}}");
	say(fd, all);
	assert_hears(fd, "{\"return\": {}, \"id\": \"a}b\"}");
	assert_hears(fd, "{\"return\": {}, \"id\": 2}");
	assert_hears(fd, "{\"return\": {}}");
	close(fd);
}

static char *many_echoes(int n)
{
	char *all = calloc((size_t)n, 64);
	size_t len = 0;

	for (int i = 0; i < n; i++)
		len += (size_t)sprintf(all + len, "{\"execute\":\"echo\",\"id\":%d}\n",
				       i);
	return all;
}

static void a_thousand_pipelined_commands_answer_in_order(void **state)
{
	int fd = dial_negotiated();
	char *all = many_echoes(1000), heard[64];

	(void)state;
	say(fd, all);
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(heard, sizeof(heard), "{\"return\": {}, \"id\": %d}", i);
		assert_hears(fd, heard);
	}
	free(all);
	close(fd);
}

static void events_go_to_clients_past_negotiation(void **state)
{
	int listens = dial_negotiated(), early = dial();
	const char *form = "{\"event\": \"%31[A-Z]\", \"timestamp\": {\"seconds\": %lld, "
			   "\"microseconds\": %d}%c%n";
	long long seconds;
	int micro, end = 0;
	char name[32], brace;

	(void)state;
	hear(early);
	qmp_server_emit(server, "TICK", json_pack("{s:i}", "n", 1));
	assert_memory_equal(hear(listens), "{\"event\": \"TICK\", \"data\": {\"n\": 1}, ",
			    36);
	qmp_server_emit(server, "STOP", NULL);
	assert_int_equal(
		sscanf(hear(listens), form, name, &seconds, &micro, &brace, &end), 4);
	assert_string_equal(name, "STOP");
	assert_true(seconds - time(NULL) <= 1 && seconds - time(NULL) >= -5);
	assert_in_range(micro, 0, 999999);
	assert_silent(early);
	close(early);
	close(listens);
}

static void a_commands_own_events_precede_its_reply(void **state)
{
	int fd = dial_negotiated();

	(void)state;
	say(fd, "{\"execute\":\"emit\",\"arguments\":{\"n\":1}}{\"execute\":\"echo\"}");
	assert_memory_equal(hear(fd), "{\"event\": \"TICK\"", 16);
	assert_hears(fd, "{\"return\": {\"n\": 1}}");
	turn();
	qmp_server_emit(server, "LATER", NULL);
	assert_hears(fd, "{\"return\": {}}");
	assert_memory_equal(hear(fd), "{\"event\": \"LATER\"", 17);
	close(fd);
}

static int read_slowly(int fd)
{
	size_t len = 0;
	char last[64 * 1024], ch = 0;
	ssize_t n;

	for (int other = 3; other < 1024; other++) { /* the server's end of it, too */
		if (other != fd)
			close(other);
	}
	fcntl(fd, F_SETFL, 0);
	while ((n = recv(fd, last, sizeof(last), 0)) > 0) {
		len += (size_t)n;
		ch = last[n - 1];
		usleep(5000);
	}
	return len > 300000 && ch == '\n' ? 0 : 1;
}

static void freeing_waits_for_readers_but_not_for_ever(void **state)
{
	int fd = dial_negotiated(), deaf = dial_negotiated();
	long start = now_ms();
	int status;
	pid_t child;

	(void)state;
	for (int n = 0; n < 30; n++)
		say(fd, "{\"execute\":\"big\",\"arguments\":{\"n\":10000}}");
	turns(10);
	child = fork();
	if (child == 0)
		_exit(read_slowly(fd));
	qmp_server_free(server, PATIENCE_MS);
	server = NULL;
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	assert_in_range(now_ms() - start, 20, PATIENCE_MS / 2);
	close(fd);
	close(deaf);
}

static void freeing_ends_when_nobody_reads(void **state)
{
	int deaf = dial_negotiated();
	long start;

	(void)state;
	stuff(deaf, "{\"execute\":\"big\",\"arguments\":{\"n\":10000}}");
	start = now_ms();
	qmp_server_free(server, 100);
	server = NULL;
	assert_in_range(now_ms() - start, 99, 2000);
	close(deaf);
}

#define ON_SERVER(t) cmocka_unit_test_setup_teardown(t, start_server, stop_server)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SERVER(the_greeting_is_qemus),
		ON_SERVER(negotiation_comes_first_and_once),
		ON_SERVER(any_id_comes_back_with_replies_and_errors),
		ON_SERVER(malformed_requests_get_qemus_texts),
		ON_SERVER(garbage_gets_one_error_a_line_without_id),
		ON_SERVER(a_handlers_error_is_the_reply),
		ON_SERVER(a_text_cut_inside_a_character_is_still_a_reply),
		ON_SERVER(requests_may_come_in_any_pieces),
		ON_SERVER(a_thousand_pipelined_commands_answer_in_order),
		ON_SERVER(events_go_to_clients_past_negotiation),
		ON_SERVER(a_commands_own_events_precede_its_reply),
		ON_SERVER(freeing_waits_for_readers_but_not_for_ever),
		ON_SERVER(freeing_ends_when_nobody_reads),
	};

	alarm(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
