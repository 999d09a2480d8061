#include "tools/ctl/harness.h"

#define JOB(state, phase)                                                                \
	"{\"return\": {\"job\": 3, \"operation\": \"add\", \"state\": \"" state "\", "   \
	"\"result\": \"done\", \"phase\": \"" phase "\", \"from-sockets\": 2, "          \
	"\"sockets\": 4, \"vcpus\": 2, \"cpus\": [], \"elapsed-us\": 12}}\r\n"
#define PHASE(phase, us)                                                                 \
	"{\"event\": \"HOTPLUG_PHASE\", \"data\": {\"job\": 3, \"operation\": "          \
	"\"add\", \"phase\": \"" phase "\", \"sockets\": 4, \"cpus\": [2, 3], "          \
	"\"elapsed-us\": " us "}, \"timestamp\": {\"seconds\": 0, "                      \
	"\"microseconds\": 0}}\r\n"
#define COMPLETED(result, extra)                                                         \
	"{\"event\": \"HOTPLUG_COMPLETED\", \"data\": {\"job\": 3, \"operation\": "      \
	"\"add\", \"result\": \"" result "\", \"phase\": \"online\", \"sockets\": 4, "   \
	"\"max-sockets\": 8, \"vcpus\": 4, \"elapsed-us\": 180900" extra "}}\r\n"

static void resize_tells_each_phase_once(void **state)
{
	(void)state;
	assert_int_equal(
		WITH(SCRIPT(STEP("{\"execute\":\"resize\",\"arguments\":{\"sockets\":4}}",
				 PHASE("plugged", "800")),
			    STEP(NULL, JOB("running", "accepted") PHASE("plugged", "801")
					       PHASE("registered", "40200")),
			    STEP(NULL, PHASE("online", "180900") COMPLETED("done", "")),
			    HANG),
		     "resize", "4"),
		0);
	assert_string_equal(out, "resize: sockets 2 -> 4, job 3\n"
				 "  accepted          0.0 ms\n"
				 "  plugged           0.8 ms  cpus 2-3\n"
				 "  registered       40.2 ms  cpus 2-3\n"
				 "  online          180.9 ms  cpus 2-3\n"
				 "done: 4 of 8 sockets, 4 vCPUs, in 180.9 ms\n");
	assert_string_equal(err, "");
}

static void a_trace_says_how_long_each_step_took(void **state)
{
	static const char trace[] =
		COMPLETED("done", ", \"trace\": [{\"step\": \"request-read\", "
				  "\"elapsed-us\": 0}, {\"step\": \"fd-created\", "
				  "\"elapsed-us\": 142}, {\"step\": \"ost\", "
				  "\"elapsed-us\": 1100}]");

	(void)state;
	assert_int_equal(WITH(SCRIPT(STEP("resize", JOB("running", "accepted")),
				     STEP(NULL, trace), HANG),
			      "resize", "--trace", "4"),
			 0);
	assert_string_equal(strstr(out, "vCPUs, in"),
			    "vCPUs, in 180.9 ms\n"
			    "  request-read     0.000 ms     +0.000 ms\n"
			    "  fd-created       0.142 ms     +0.142 ms\n"
			    "  ost              1.100 ms     +0.958 ms\n");
	assert_int_equal(WITH(SCRIPT(STEP("resize", JOB("running", "accepted")),
				     STEP(NULL, trace), HANG),
			      "resize", "4"),
			 0);
	assert_null(strstr(out, "fd-created"));
}

static void the_end_of_a_job_may_precede_its_reply(void **state)
{
	(void)state;
	assert_int_equal(WITH(SCRIPT(STEP("resize", COMPLETED("done", "")
							    JOB("completed", "online")),
				     HANG),
			      "resize", "4"),
			 0);
	assert_string_equal(out, "resize: sockets 2 -> 4, job 3\n"
				 "  online          180.9 ms\n"
				 "done: 4 of 8 sockets, 4 vCPUs, in 180.9 ms\n");
	assert_int_equal(
		WITH(SCRIPT(STEP("resize", JOB("completed", "")), HANG), "resize", "4"),
		0);
	assert_string_equal(out, "resize: sockets 2 -> 4, job 3\n"
				 "done: 4 sockets, 2 vCPUs, in 0.0 ms\n");
}

static void jobs_of_others_are_not_ours(void **state)
{
	const char *other = "{\"event\": \"HOTPLUG_COMPLETED\", \"data\": {\"job\": 2, "
			    "\"result\": \"failed\"}}\r\n{\"event\": \"RESET\"}\r\n";

	(void)state;
	assert_int_equal(
		WITH(SCRIPT(STEP("resize", other), STEP(NULL, JOB("running", "accepted")),
			    STEP(NULL, other), STEP(NULL, COMPLETED("done", "")), HANG),
		     "resize", "4"),
		0);
	assert_null(strstr(out, "failed"));
}

static void no_wait_leaves_after_the_reply(void **state)
{
	(void)state;
	assert_int_equal(WITH(SCRIPT(STEP("resize", JOB("running", "accepted")), HANG),
			      "resize", "--no-wait", "4"),
			 0);
	assert_string_equal(out, "resize: sockets 2 -> 4, job 3\n"
				 "  accepted          0.0 ms\n");
}

static void a_refusal_is_the_vms_text(void **state)
{
	(void)state;
	assert_int_equal(WITH(SCRIPT(STEP("resize", "{\"error\": {\"class\": "
						    "\"GenericError\", \"desc\": "
						    "\"9 > 8 \\u001b[31m\\u009b\"}}\n")),
			      "resize", "9"),
			 1);
	assert_string_equal(err, "hotsocketctl: refused: 9 > 8 ?[31m??\n");
	assert_string_equal(out, "");
}

static void each_end_has_its_status(void **state)
{
	static const struct {
		const char *end, *said;
		int status;
	} ends[] = {
		{ COMPLETED("timed-out", ", \"message\": \"cpu 3\""),
		  "hotsocketctl: resize timed out: cpu 3\n", 3 },
		{ COMPLETED("refused", ", \"message\": \"0x80\""),
		  "hotsocketctl: resize refused: 0x80\n", 1 },
		{ COMPLETED("failed", ""), "hotsocketctl: resize failed: online\n", 1 },
		{ COMPLETED("cancelled", ""), "hotsocketctl: resize cancelled: online\n",
		  1 },
		{ "", "hotsocketctl: the VM ended while job 3 was running\n", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		assert_int_equal(WITH(SCRIPT(STEP("resize", JOB("running", "accepted")),
					     STEP(NULL, ends[i].end)),
				      "resize", "4"),
				 ends[i].status);
		assert_string_equal(err, ends[i].said);
	}
}

static void a_timeout_bounds_our_wait_too(void **state)
{
	(void)state;
	assert_int_equal(WITH(SCRIPT(STEP("{\"sockets\":4,\"timeout-ms\":200}",
					  JOB("running", "accepted")),
				     HANG),
			      "--timeout", "0.2", "resize", "4"),
			 3);
	assert_string_equal(err, "hotsocketctl: timed out while job 3 was running\n");
	assert_int_equal(WITH(SCRIPT(HANG), "--timeout", "0.1", "status"), 3);
}

static void json_resize_is_the_job_and_its_events(void **state)
{
	(void)state;
	assert_int_equal(WITH(SCRIPT(STEP("resize", JOB("running", "accepted")),
				     STEP(NULL, COMPLETED("done", "")), HANG),
			      "resize", "4", "--json"),
			 0);
	assert_memory_equal(out, "{\"job\": 3, ", 11);
	assert_memory_equal(strchr(out, '\n'), "\n{\"event\": \"HOTPLUG_COMPLETED\"", 30);
}

static void events_follow_until_the_vm_ends(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1); /* NOLINT: one thread */
	assert_int_equal(
		WITH(SCRIPT(STEP(NULL, PHASE("online", "40200")),
			    STEP(NULL,
				 "{\"event\": \"RESET\", \"data\": {\"a\": \"\\u001b\"}, "
				 "\"timestamp\": {\"seconds\": 3661, "
				 "\"microseconds\": 5000}}\r\n")),
		     "events", "--watch"),
		0);
	assert_string_equal(out, "00:00:00.000  job 3 add: online, 4 sockets  cpus 2-3  "
				 "40.2 ms\n01:01:01.005  RESET  {\"a\": \"\\u001B\"}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resize_tells_each_phase_once),
		cmocka_unit_test(a_trace_says_how_long_each_step_took),
		cmocka_unit_test(the_end_of_a_job_may_precede_its_reply),
		cmocka_unit_test(jobs_of_others_are_not_ours),
		cmocka_unit_test(no_wait_leaves_after_the_reply),
		cmocka_unit_test(a_refusal_is_the_vms_text),
		cmocka_unit_test(each_end_has_its_status),
		cmocka_unit_test(a_timeout_bounds_our_wait_too),
		cmocka_unit_test(json_resize_is_the_job_and_its_events),
		cmocka_unit_test(events_follow_until_the_vm_ends),
	};

	alarm(120);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
