#include "tools/ctl/harness.h"

#define SOCKETS_7                                                                        \
	"{\"spec\":{\"template\":{\"spec\":{\"domain\":{\"cpu\":{\"sockets\":7}}}}}}"
#define JOB                                                                              \
	"{\"job\": 3, \"operation\": \"add\", \"state\": \"running\", \"phase\": "       \
	"\"accepted\", \"from-sockets\": 6, \"sockets\": 7, \"vcpus\": 7, \"cpus\": "    \
	"[6], \"elapsed-us\": 0}"
#define STARTED                                                                          \
	"{\"return\": {\"changed\": true, \"restart-required\": false, \"job\": " JOB    \
	"}}\r\n"
#define COMPLETED(result)                                                                \
	"{\"event\": \"HOTPLUG_COMPLETED\", \"data\": {\"job\": 3, \"operation\": "      \
	"\"add\", \"result\": \"" result "\", \"phase\": \"online\", \"sockets\": 7, "   \
	"\"max-sockets\": 8, \"vcpus\": 7, \"elapsed-us\": 1500}}\r\n"

static void a_patch_of_sockets_is_followed_as_a_resize(void **state)
{
	(void)state;
	assert_int_equal(
		WITH(SCRIPT(STEP("\"arguments\":{\"patch\":" SOCKETS_7 "}}", STARTED),
			    STEP(NULL, COMPLETED("done")), HANG),
		     "patch", "-p", SOCKETS_7),
		0);
	assert_string_equal(out, "patched\n"
				 "resize: sockets 6 -> 7, job 3\n"
				 "  accepted          0.0 ms  cpu 6\n"
				 "  online            1.5 ms\n"
				 "done: 7 of 8 sockets, 7 vCPUs, in 1.5 ms\n");
	assert_string_equal(err, "");
}

static void it_has_the_options_of_resize(void **state)
{
	(void)state;
	assert_int_equal(
		WITH(SCRIPT(STEP("\"type\":\"json\",\"timeout-ms\":2500", STARTED), HANG),
		     "patch", "--type", "json", "-p", "[]", "--timeout", "2.5",
		     "--no-wait"),
		0);
	assert_int_equal(
		WITH(SCRIPT(STEP("patch", STARTED), STEP(NULL, COMPLETED("timed-out"))),
		     "patch", "-p", SOCKETS_7),
		3);
	assert_int_equal(
		WITH(SCRIPT(STEP("patch", STARTED), STEP(NULL, COMPLETED("failed"))),
		     "patch", "-p", SOCKETS_7),
		1);
	assert_int_equal(WITH(SCRIPT(STEP("patch", STARTED), HANG), "patch", "-p",
			      SOCKETS_7, "--timeout", "0.1"),
			 3);
}

static void what_a_restart_takes_up_is_told(void **state)
{
	(void)state;
	assert_int_equal(
		WITH(SCRIPT(STEP("patch", "{\"return\": {\"changed\": true, "
					  "\"restart-required\": true, \"message\": "
					  "\"cores \\u001b changed\"}}\r\n"),
			    HANG),
		     "patch", "-p", "{}"),
		0);
	assert_string_equal(out, "patched\nrestart required: cores ? changed\n");
	assert_int_equal(WITH(SCRIPT(STEP("patch", "{\"return\": {\"changed\": false, "
						   "\"restart-required\": false}}\r\n"),
				     HANG),
			      "patch", "-p", "{}"),
			 0);
	assert_string_equal(out, "patched (no change)\n");
}

static void json_tells_the_answer_and_then_the_job(void **state)
{
	(void)state;
	assert_int_equal(
		WITH(SCRIPT(STEP("patch", STARTED), STEP(NULL, COMPLETED("done")), HANG),
		     "--json", "patch", "-p", SOCKETS_7),
		0);
	assert_ptr_equal(strstr(out, "{\"changed\": true, \"restart-required\": false}\n"
				     "{\"job\": 3, "),
			 out);
	assert_non_null(strstr(out, "}\n{\"event\": \"HOTPLUG_COMPLETED\""));
}

static void a_refusal_is_the_vms_text(void **state)
{
	(void)state;
	assert_int_equal(
		WITH(SCRIPT(STEP("patch", "{\"error\": {\"desc\": \"9 > 8\"}}\n")),
		     "patch", "-p", SOCKETS_7),
		1);
	assert_string_equal(err, "hotsocketctl: refused: 9 > 8\n");
	assert_string_equal(out, "");
}

static void wrong_usage_exits_2(void **state)
{
	(void)state;
	assert_int_equal(RUN("-sx", "patch", "-p", "{}", "now"), 2);
	assert_int_equal(RUN("-sx", "patch", "-p", "{}", "--type", "strategic"), 2);
	assert_int_equal(RUN("-sx", "resize", "2", "-p", "{}"), 2);
	assert_int_equal(RUN("-sx", "resize", "2", "--type", "json"), 2);
	assert_int_equal(RUN("-sx", "status", "--no-wait"), 2);
	assert_int_equal(WITH(SCRIPT(HANG), "patch"), 2);
	assert_int_equal(WITH(SCRIPT(HANG), "patch", "-p", "{"), 2);
	assert_int_equal(WITH(SCRIPT(HANG), "patch", "-p", "{\"a\":1,\"a\":2}"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_patch_of_sockets_is_followed_as_a_resize),
		cmocka_unit_test(it_has_the_options_of_resize),
		cmocka_unit_test(what_a_restart_takes_up_is_told),
		cmocka_unit_test(json_tells_the_answer_and_then_the_job),
		cmocka_unit_test(a_refusal_is_the_vms_text),
		cmocka_unit_test(wrong_usage_exits_2),
	};

	alarm(120);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
