#include "tools/ctl/harness.h"

#include <time.h>

/* What a VM answers; ages count from some seconds ago. */
static char said[8192];

static const char *ago(long seconds)
{
	static char text[4][40];
	static unsigned turn;
	char *to = text[turn++ % 4];
	time_t then = time(NULL) - seconds;
	struct tm tm;

	gmtime_r(&then, &tm);
	(void)strftime(to, sizeof(text[0]), "%Y-%m-%dT%H:%M:%S.500000Z", &tm);
	return to;
}

#define CONDITION(type, status, reason)                                                  \
	"{\"type\": \"" type "\", \"status\": \"" status "\", \"reason\": \"" reason     \
	"\", \"message\": \"\"}"

static const char *vm(long age)
{
	(void)snprintf(
		said, sizeof(said),
		"{\"return\": {\"apiVersion\": \"hotsocket/v1\", \"kind\": "
		"\"VirtualMachineInstance\", \"metadata\": {\"name\": \"vm1\", "
		"\"creationTimestamp\": \"%s\"}, \"spec\": {\"domain\": {\"cpu\": "
		"{\"sockets\": 4, \"cores\": 2, \"threads\": 1, \"maxSockets\": 16}, "
		"\"memory\": {\"guest\": \"512Mi\"}}}, \"status\": {\"phase\": "
		"\"Running\", "
		"\"currentCPUTopology\": {\"sockets\": 2, \"cores\": 2, \"threads\": 1}, "
		"\"conditions\": [" CONDITION("Ready", "True", "Running") ", " CONDITION(
			"HotVCPUChange", "True",
			"AddingSockets") ", " CONDITION("RestartRequired", "False",
							"UpToDate") "]}}}\n",
		ago(age));
	return said;
}

#define ASSERT_STARTS(text) assert_memory_equal(out, text, sizeof(text) - 1)

static void get_is_a_table(void **state)
{
	static const struct {
		long age;
		const char *text;
	} ages[] = {
		{ 119, "119s " },     { 200, "3m20s " },   { 601, "10m " },
		{ 10800, "3h " },     { 20000, "5h33m " }, { 100000, "27h " },
		{ 600000, "6d22h " }, { 900000, "10d " },  { -50, "0s " },
	};

	(void)state;
	assert_int_equal(WITH(SCRIPT(STEP("query-vm", vm(5))), "get"), 0);
	ASSERT_STARTS("NAME   AGE   PHASE     READY   SOCKETS   CURRENT   MAX   CORES   "
		      "THREADS   MEMORY   CHANGE          RESTART\n");
	assert_non_null(strstr(out,
			       "s    Running   True    4         2         16    2       "
			       "1         512Mi    AddingSockets   False\n"));
	for (size_t i = 0; i < sizeof(ages) / sizeof(*ages); i++) {
		assert_int_equal(WITH(SCRIPT(STEP("query-vm", vm(ages[i].age))), "get"),
				 0);
		if (ages[i].age < 119 || ages[i].age > 200) /* a second may pass */
			assert_non_null(strstr(out, ages[i].text));
	}
}

static void get_is_yaml_and_json(void **state)
{
	(void)state;
	assert_int_equal(WITH(SCRIPT(STEP("query-vm", vm(5))), "get", "-o", "yaml"), 0);
	ASSERT_STARTS("apiVersion: hotsocket/v1\nkind: VirtualMachineInstance\n"
		      "metadata:\n  name: vm1\n  creationTimestamp: \"20");
	assert_non_null(strstr(out,
			       "  currentCPUTopology:\n    sockets: 2\n    cores: 2\n"
			       "    threads: 1\n  conditions:\n  - type: Ready\n"
			       "    status: \"True\"\n    reason: Running\n"
			       "    message: \"\"\n  - type: HotVCPUChange\n"));
	assert_int_equal(WITH(SCRIPT(STEP("query-vm", vm(5))), "get", "-ojson"), 0);
	ASSERT_STARTS("{\n    \"apiVersion\": \"hotsocket/v1\",\n");
	assert_int_equal(WITH(SCRIPT(STEP("query-vm", vm(5))), "--json", "get"), 0);
	ASSERT_STARTS("{\"apiVersion\": \"hotsocket/v1\", ");
}

static void yaml_keeps_the_types(void **state)
{
	(void)state;
	assert_int_equal(
		WITH(SCRIPT(STEP(
			     "query-vm",
			     "{\"return\": {\"a\": \"true\", \"b\": true, \"c\": null, "
			     "\"d\": \"12\", \"e\": 12, \"f\": \"1e3\", \"g\": \"No\", "
			     "\"h\": [], \"i\": {}, \"j\": \"a: b #c\", \"k\": "
			     "\"\\u001b[2J\\u00e9\", \"l\": \"x\\ny\", \"m\": 1.5, "
			     "\"n\": "
			     "[[1, 2]], \"y\": \"~\", \"o\": \"-x\", \"p\": "
			     "\"nothing\"}}\n")),
		     "get", "-o", "yaml"),
		0);
	assert_string_equal(
		out, "a: \"true\"\nb: true\nc: null\nd: \"12\"\ne: 12\nf: \"1e3\"\n"
		     "g: \"No\"\nh: []\ni: {}\nj: 'a: b #c'\n"
		     "k: \"\\e[2J\\xE9\"\nl: \"x\\ny\"\nm: 1.5\n\"n\":\n- - 1\n  - 2\n"
		     "\"y\": \"~\"\no: \"-x\"\np: nothing\n");
}

static void events_are_a_table(void **state)
{
	(void)state;
	(void)snprintf(
		said, sizeof(said),
		"{\"return\": {\"kind\": \"EventList\", \"items\": [{\"type\": "
		"\"Normal\", \"reason\": \"Started\", \"message\": \"1 of 4\", "
		"\"count\": "
		"1, \"lastTimestamp\": \"%s\"}, {\"type\": \"Warning\", \"reason\": "
		"\"HotplugRefused\", \"message\": \"no\\u001b\", \"count\": 12, "
		"\"lastTimestamp\": \"%s\"}]}}\n",
		ago(36000), ago(-9));
	assert_int_equal(WITH(SCRIPT(STEP("query-events", said)), "events"), 0);
	assert_string_equal(out,
			    "LAST SEEN   TYPE      REASON           COUNT   MESSAGE\n"
			    "10h         Normal    Started          1       1 of 4\n"
			    "0s          Warning   HotplugRefused   12      no?\n");
	assert_int_equal(WITH(SCRIPT(STEP("query-events", said)), "events", "-oyaml"), 0);
	ASSERT_STARTS("kind: EventList\nitems:\n- type: Normal\n");
}

static void metrics_are_text(void **state)
{
	(void)state;
	assert_int_equal(WITH(SCRIPT(STEP("query-metrics",
					  "{\"return\": {\"text\": \"# HELP a "
					  "b\\na{x=\\\"y\\\"} 1\\u001b\\n\"}}\n")),
			      "metrics"),
			 0);
	assert_string_equal(out, "# HELP a b\na{x=\"y\"} 1?\n");
}

static void nonsense_is_an_empty_table(void **state)
{
	static const char *const answers[] = { "[]", "5", "\"x\"",
					       "{\"items\": [1, [], {\"count\": {}}]}" };
	char line[128];

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		(void)snprintf(line, sizeof(line), "{\"return\": %s}\n", answers[i]);
		assert_int_equal(WITH(SCRIPT(STEP("query", line)), "get"), 0);
		assert_int_equal(WITH(SCRIPT(STEP("query", line)), "events"), 0);
		assert_int_equal(WITH(SCRIPT(STEP("query", line)), "metrics"), 0);
		assert_int_equal(WITH(SCRIPT(STEP("query", line)), "get", "-oyaml"), 0);
	}
}

static void options_belong_to_commands(void **state)
{
	(void)state;
	assert_int_equal(RUN("-sx", "get", "-o", "xml"), 2);
	assert_int_equal(RUN("-sx", "status", "-o", "yaml"), 2);
	assert_int_equal(RUN("-sx", "get", "--watch"), 2);
	assert_int_equal(RUN("-sx", "events", "-w", "-ojson"), 2);
}

static void a_refusal_is_told(void **state)
{
	static const char *const commands[] = { "get", "events", "metrics" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(
			WITH(SCRIPT(STEP("query", "{\"error\": {\"desc\": \"no\"}}\n")),
			     commands[i]),
			1);
		assert_string_equal(err, "hotsocketctl: refused: no\n");
		assert_string_equal(out, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(get_is_a_table),
		cmocka_unit_test(get_is_yaml_and_json),
		cmocka_unit_test(yaml_keeps_the_types),
		cmocka_unit_test(events_are_a_table),
		cmocka_unit_test(metrics_are_text),
		cmocka_unit_test(nonsense_is_an_empty_table),
		cmocka_unit_test(options_belong_to_commands),
		cmocka_unit_test(a_refusal_is_told),
	};

	alarm(120);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
