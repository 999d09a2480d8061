#include "tools/ctl/harness.h"

static void help_and_version_are_for_the_asking(void **state)
{
	(void)state;
	assert_int_equal(RUN("--help"), 0);
	assert_memory_equal(out, "usage: hotsocketctl ", 20);
	assert_int_equal(RUN("--version"), 0);
	assert_string_equal(out, "hotsocketctl " VERSION "\n");
	assert_string_equal(err, "");
}

static void wrong_usage_exits_2(void **state)
{
	static const char *const wrong[][4] = {
		{ "hotsocketctl" },
		{ "hotsocketctl", "status" }, /* no socket */
		{ "hotsocketctl", "-sx", "frobnicate" },
		{ "hotsocketctl", "-sx", "resize" },
		{ "hotsocketctl", "-sx", "status", "now" },
		{ "hotsocketctl", "--frob", "status" },
		{ "hotsocketctl", "status", "--timeout" },
	};
	static const char *const bad_time[] = {
		"0", "-1", "nan", "inf", "1s", "", "1e9"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		const char *const args[] = { wrong[i][0], wrong[i][1], wrong[i][2],
					     wrong[i][3], NULL };

		assert_int_equal(run(args), 2);
		assert_string_equal(out, "");
		assert_memory_equal(err, "hotsocketctl: ", 14);
	}
	for (size_t i = 0; i < sizeof(bad_time) / sizeof(*bad_time); i++)
		assert_int_equal(RUN("-sx", "status", "--timeout", bad_time[i]), 2);
	assert_int_equal(RUN("-sx", "status", "--no-wait"), 2);
	assert_int_equal(RUN("-sx", "status", "--trace"), 2);
	assert_int_equal(RUN("-sx", "resize", "3", "--trace", "--no-wait"), 2);
	assert_int_equal(RUN("-s/nowhere", "resize", "4x"), 2);
	assert_int_equal(RUN("-s/nowhere", "resize", "four"), 2); /* asks no VM */
	assert_int_equal(RUN("-s/nowhere", "resize", "-1x"), 2);
	assert_int_equal(RUN("-s/nowhere", "resize", "-1", "2"), 2);
	assert_int_equal(RUN("-s/nowhere", "status", "-1"), 2);
	assert_int_equal(RUN("-s/nowhere", "resize", "-15"),
			 1); /* the VM says what is wrong */
	assert_int_equal(RUN("-s/nowhere", "patch"), 2);
	assert_int_equal(RUN("-s/nowhere", "patch", "-p", "{"), 2);
	assert_int_equal(RUN("-s/nowhere", "qmp", "{"), 2);
	assert_int_equal(RUN("-s/nowhere", "qmp", "null"), 2);
	assert_non_null(strstr(err, "a request is a JSON object, not null"));
	assert_int_equal(RUN("-s", "", "status"), 2);
}

static void an_option_of_another_command_is_refused(void **state)
{
	static const struct {
		const char *args[4], *words;
	} cases[] = {
		{ { "status", "--no-wait" }, "--no-wait belongs to resize and patch" },
		{ { "quit", "--trace" }, "--trace belongs to resize and patch" },
		{ { "resize", "3", "-p{}" }, "-p and --type belong to patch" },
		{ { "get", "--type", "json" }, "-p and --type belong to patch" },
		{ { "get", "--watch" }, "--watch belongs to events" },
		{ { "status", "-oyaml" }, "-o belongs to get and events" },
		{ { "resize", "3", "--trace", "--no-wait" },
		  "does not go with --no-wait" },
		{ { "get", "-ojson", "--json" }, "-o does not go with --json" },
		{ { "events", "--watch", "-ojson" }, "does not go with --watch" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *const *a = cases[i].args;
		const char *const args[] = { "hotsocketctl", "-s/nowhere", a[0], a[1],
					     a[2],           a[3],         NULL };

		assert_int_equal(run(args), 2);
		assert_non_null(strstr(err, cases[i].words));
	}
}

static void no_server_is_explained(void **state)
{
	char expected[256];

	(void)state;
	assert_int_equal(RUN("status", "-s", path), 1);
	(void)snprintf(expected, sizeof(expected),
		       "hotsocketctl: cannot connect to %s: No such file or directory; ",
		       path);
	assert_memory_equal(err, expected, strlen(expected));
	assert_int_equal(RUN("status", "-s/dev/null"), 1);
	assert_non_null(strstr(err, "it is no socket"));
	assert_int_equal(WITH(&STEP(NULL, NULL), "status"), 1);
	assert_string_equal(err, "hotsocketctl: the VM ended while greeting us (only its "
				 "user and root are served)\n");
}

static void the_socket_may_come_from_the_environment(void **state)
{
	(void)state;
	setenv("HOTSOCKET_SOCKET", path, 1); /* NOLINT: one thread */
	assert_int_equal(
		run_script(SCRIPT(STEP("query-x", "{\"return\": 5}\n")),
			   (const char *const[]){ "hotsocketctl", "qmp",
						  "{\"execute\": \"query-x\"}", NULL }),
		0);
	unsetenv("HOTSOCKET_SOCKET"); /* NOLINT: one thread */
	assert_string_equal(out, "{\"return\": 5}\n");
}

static void qmp_prints_the_reply_and_fails_with_it(void **state)
{
	const char *error = "{\"error\": {\"class\": \"X\", \"desc\": \"\\u001b[2J\"}}\n";

	(void)state;
	assert_int_equal(
		WITH(SCRIPT(STEP("frob", error)), "qmp", "{\"execute\":\"frob\"}"), 1);
	assert_string_equal(out, "{\"error\": {\"class\": \"X\", \"desc\": "
				 "\"\\u001B[2J\"}}\n");
}

#define TOPOLOGY                                                                         \
	"{\"return\": {\"sockets\": 2, \"cores\": 1, \"threads\": 1, \"max-sockets\": "  \
	"5, "                                                                            \
	"\"max-sockets-source\": \"set for the VM\", \"vcpus\": 2, \"max-vcpus\": 5}}\n"
#define VCPU(n, state)                                                                   \
	"{\"cpu-index\": " n ", \"socket-id\": " n                                       \
	", \"core-id\": 0, \"thread-id\": 0, "                                           \
	"\"arch-id\": " n ", \"state\": \"" state "\""

static const struct step status_script[] = {
	{ "query-status", "{\"return\": {\"status\": \"running\"}}\n" },
	{ "query-topology", TOPOLOGY },
	{ "query-vcpus", "{\"return\": [" },
	{ NULL, VCPU("0", "online") ", \"host-thread-id\": 77}, " },
	{ NULL, VCPU("1", "online") ", \"ost\": {\"source\": 1, \"status\": 0, " },
	{ NULL, "\"age-us\": 2500000}}, " },
	{ NULL, VCPU("2", "absent") "}, " VCPU("3", "absent") "}, " },
	{ NULL, VCPU("4", "ejected") "}]}\n" },
	{ NULL, NULL },
};

static void status_is_a_table(void **state)
{
	(void)state;
	assert_int_equal(WITH(status_script, "status"), 0);
	assert_string_equal(
		out,
		"VM       running\n"
		"sockets  2 of 5 (maxSockets set for the VM)\n"
		"each     1 core, 1 thread per core\n"
		"vCPUs    2 of 5\n"
		"\n"
		"CPU         SOCKET  CORE  THREAD  STATE       HOST-THREAD  LAST _OST\n"
		"0           0       0     0       online      77\n"
		"1           1       0     0       online      -            "
		"source 0x1 status 0x0, 2.5 s ago\n"
		"2-3         -       -     -       absent\n"
		"4           4       0     0       ejected     -\n");
	assert_int_equal(WITH(status_script, "--json", "status"), 0);
	assert_memory_equal(
		out, "{\"status\": {\"status\": \"running\"}, \"topology\": {", 47);
}

static void stop_and_cont_are_qmp_s(void **state)
{
	(void)state;
	assert_int_equal(WITH(SCRIPT(STEP("\"stop\"", "{\"return\": {}}\n")), "stop"), 0);
	assert_string_equal(out, "");
	assert_int_equal(
		WITH(SCRIPT(STEP("\"cont\"", "{\"return\": {}}\n")), "--json", "cont"),
		0);
	assert_string_equal(out, "{}\n");
}

/* What is printed must not be sent to the VM. */
static void a_closed_stdout_is_an_error(void **state)
{
	(void)state;
	without_stdout = true;
	assert_int_equal(WITH(SCRIPT(STEP("query-x", "{\"return\": 5}\n")), "qmp",
			      "{\"execute\":\"query-x\"}"),
			 1);
	without_stdout = false;
	assert_string_equal(err, "hotsocketctl: cannot write the output\n");
}

static void quit_waits_for_the_end(void **state)
{
	(void)state;
	assert_int_equal(WITH(SCRIPT(STEP("quit", "{\"return\": {}}\n"),
				     STEP(NULL, "{\"event\": \"SHUTDOWN\"}\n")),
			      "quit"),
			 0);
	assert_int_equal(WITH(SCRIPT(STEP("quit", "")), "quit"), 0);
	assert_int_equal(WITH(SCRIPT(STEP("quit", "{\"return\": {}}\n"), HANG), "quit",
			      "--timeout", "0.1"),
			 3);
}

static void powerdown_waits_for_the_guest_without_a_limit_of_its_own(void **state)
{
	(void)state;
	assert_int_equal(WITH(SCRIPT(STEP("system_powerdown", "{\"return\": {}}\n"),
				     STEP(NULL, "{\"event\": \"POWERDOWN\"}\n"),
				     STEP(NULL, "{\"event\": \"SHUTDOWN\"}\n")),
			      "powerdown"),
			 0);
	assert_string_equal(out, "");
	assert_int_equal(WITH(SCRIPT(STEP("system_powerdown",
					  "{\"error\": {\"desc\": \"no\"}}\n")),
			      "powerdown"),
			 1);
	assert_int_equal(
		WITH(SCRIPT(STEP("system_powerdown", "{\"return\": {}}\n"), HANG),
		     "powerdown", "--timeout", "0.1"),
		3);
}

static void reset_waits_until_the_guest_starts_again(void **state)
{
	(void)state;
	assert_int_equal(WITH(SCRIPT(STEP("system_reset", "{\"return\": {}}\n"),
				     STEP(NULL, "{\"event\": \"STOP\"}\n"),
				     STEP(NULL, "{\"event\": \"RESET\"}\n")),
			      "reset"),
			 0);
	assert_string_equal(out, "");
	assert_int_equal(WITH(SCRIPT(STEP("system_reset",
					  "{\"event\": \"RESET\"}\n{\"return\": {}}\n"),
				     HANG),
			      "--json", "reset"),
			 0);
	assert_string_equal(out, "{\"event\": \"RESET\"}\n");
	assert_int_equal(WITH(SCRIPT(STEP("system_reset", "{\"return\": {}}\n"),
				     STEP(NULL, "{\"event\": \"SHUTDOWN\"}\n")),
			      "reset"),
			 1);
	assert_int_equal(WITH(SCRIPT(STEP("system_reset", "{\"return\": {}}\n"), HANG),
			      "reset", "--timeout", "0.1"),
			 3);
}

static void nonsense_is_not_believed(void **state)
{
	static char flood[(2 << 20) + 1];

	(void)state;
	memset(flood, 'x', sizeof(flood) - 1);
	assert_int_equal(WITH(SCRIPT(STEP("query", "SSH-2.0\n"), HANG), "status"), 1);
	assert_string_equal(err, "hotsocketctl: the answer was not QMP while waiting for "
				 "its reply\n");
	assert_int_equal(WITH(SCRIPT(STEP("query", "[1]\n"), HANG), "status"), 1);
	assert_int_equal(WITH(SCRIPT(STEP("query", "{\"return\": 1}\n"),
				     STEP("query", "{\"return\": []}\n"),
				     STEP("query", "{\"return\": {\"a\": [[]]}}\n")),
			      "status"),
			 0);
	assert_int_equal(WITH(SCRIPT(STEP("query", flood), HANG), "status"), 1);
	assert_string_equal(err, "hotsocketctl: the answer was too long while waiting "
				 "for its reply\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_and_version_are_for_the_asking),
		cmocka_unit_test(wrong_usage_exits_2),
		cmocka_unit_test(an_option_of_another_command_is_refused),
		cmocka_unit_test(no_server_is_explained),
		cmocka_unit_test(the_socket_may_come_from_the_environment),
		cmocka_unit_test(qmp_prints_the_reply_and_fails_with_it),
		cmocka_unit_test(status_is_a_table),
		cmocka_unit_test(stop_and_cont_are_qmp_s),
		cmocka_unit_test(a_closed_stdout_is_an_error),
		cmocka_unit_test(quit_waits_for_the_end),
		cmocka_unit_test(
			powerdown_waits_for_the_guest_without_a_limit_of_its_own),
		cmocka_unit_test(reset_waits_until_the_guest_starts_again),
		cmocka_unit_test(nonsense_is_not_believed),
	};

	alarm(120);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
