#include "vmm/control/metrics.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define FAMILY "hotsocket_hotplug_phase_latency_seconds"

static struct metrics m;
static char *text;

static int set_up(void **state)
{
	(void)state;
	m = (struct metrics){ 0 };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(text);
	text = NULL;
	return 0;
}

static void print(const struct metrics_vcpu *vcpu, uint32_t n)
{
	const struct metrics_now now = {
		.vm = "vm-1",
		.started = 1700000000.25,
		.memory = 1 << 20,
		.sockets = 3,
		.guest_sockets = 2,
		.max_sockets = 8,
		.vcpus = { [VCPU_ABSENT] = 5, [VCPU_ONLINE] = 2, [VCPU_PARKED] = 1 },
		.writes_ignored = 7,
		.osts_lost = 3,
		.storms = 1,
		.events_dropped = 9,
		.vcpu = vcpu,
		.nvcpu = n,
	};
	size_t len;
	FILE *out;

	free(text);
	out = open_memstream(&text, &len);
	assert_non_null(out);
	metrics_print(&m, &now, out);
	assert_int_equal(fclose(out), 0);
}

/* The value of the series, as it is printed; NULL when there is none. */
static const char *value(const char *series)
{
	static char found[64];
	char line[256];
	const char *at;

	(void)snprintf(line, sizeof(line), "\n%s ", series);
	at = strstr(text, line);
	if (at == NULL)
		return NULL;
	at += strlen(line);
	(void)snprintf(found, sizeof(found), "%.*s", (int)strcspn(at, "\n"), at);
	return found;
}

#define ASSERT_VALUE(series, expected)                                                   \
	do {                                                                             \
		const char *v_ = value(series);                                          \
		assert_non_null(v_);                                                     \
		assert_string_equal(v_, expected);                                       \
	} while (0)

static void what_is_so_now(void **state)
{
	const struct metrics_vcpu vcpu[] = {
		{ .index = 0, .cpu_ns = 1500000000, .has_exits = true, .exits = 42 },
		{ .index = 5, .cpu_ns = 1000 },
	};

	(void)state;
	print(vcpu, 2);
	assert_non_null(strstr(text,
			       "\nhotsocket_build_info{vm=\"vm-1\",version=\"" VERSION
			       "\",machine=\""));
	ASSERT_VALUE("hotsocket_start_time_seconds{vm=\"vm-1\"}", "1700000000.250");
	ASSERT_VALUE("hotsocket_memory_bytes{vm=\"vm-1\"}", "1048576");
	ASSERT_VALUE("hotsocket_sockets{vm=\"vm-1\"}", "3");
	ASSERT_VALUE("hotsocket_guest_sockets{vm=\"vm-1\"}", "2");
	ASSERT_VALUE("hotsocket_max_sockets{vm=\"vm-1\"}", "8");
	ASSERT_VALUE("hotsocket_vcpus{vm=\"vm-1\",state=\"absent\"}", "5");
	ASSERT_VALUE("hotsocket_vcpus{vm=\"vm-1\",state=\"parked\"}", "1");
	ASSERT_VALUE("hotsocket_vcpus{vm=\"vm-1\",state=\"removing\"}", "0");
	ASSERT_VALUE("hotsocket_guest_writes_ignored_total{vm=\"vm-1\"}", "7");
	ASSERT_VALUE("hotsocket_guest_osts_lost_total{vm=\"vm-1\"}", "3");
	ASSERT_VALUE("hotsocket_events_dropped_total{vm=\"vm-1\"}", "9");
	ASSERT_VALUE("hotsocket_vcpu_seconds_total{vm=\"vm-1\",vcpu=\"0\"}", "1.500000");
	ASSERT_VALUE("hotsocket_vcpu_seconds_total{vm=\"vm-1\",vcpu=\"5\"}", "0.000001");
	ASSERT_VALUE("hotsocket_vcpu_exits_total{vm=\"vm-1\",vcpu=\"0\"}", "42");
	assert_null(value("hotsocket_vcpu_exits_total{vm=\"vm-1\",vcpu=\"5\"}"));
}

static void jobs_are_counted_by_their_end(void **state)
{
	const struct job done = { .id = 1, .operation = JOB_ADD, .result = JOB_DONE };
	const struct job late = { .id = 2,
				  .operation = JOB_REMOVE,
				  .result = JOB_TIMED_OUT };

	(void)state;
	metrics_count_job(&m, &done);
	metrics_count_job(&m, &done);
	metrics_count_job(&m, &late);
	print(NULL, 0);
	ASSERT_VALUE("hotsocket_hotplug_operations_total{vm=\"vm-1\",operation=\"add\","
		     "outcome=\"done\"}",
		     "2");
	ASSERT_VALUE(
		"hotsocket_hotplug_operations_total{vm=\"vm-1\",operation=\"remove\","
		"outcome=\"timed-out\"}",
		"1");
	ASSERT_VALUE(
		"hotsocket_hotplug_operations_total{vm=\"vm-1\",operation=\"remove\","
		"outcome=\"done\"}",
		"0");
	assert_null(strstr(text, "outcome=\"running\""));
}

static void observe(uint64_t us, uint32_t nunits)
{
	struct job job = { .id = 1, .start_ns = 5000, .nunits = nunits };

	job.phase_ns[JOB_ONLINE] = job.start_ns + us * 1000;
	metrics_count_phase(&m, &job, JOB_ONLINE);
}

/* A bucket has what is at its bound, and all of the buckets below. */
static void phases_are_a_histogram(void **state)
{
	(void)state;
	observe(100, 1);
	observe(101, 1);
	observe(2500, 2);
	observe(100000000, 1);
	observe(100000001, 1);
	observe(1, 0); /* a request for what there is */
	print(NULL, 0);
	ASSERT_VALUE(FAMILY "_bucket{vm=\"vm-1\",phase=\"online\",le=\"0.0001\"}", "1");
	ASSERT_VALUE(FAMILY "_bucket{vm=\"vm-1\",phase=\"online\",le=\"0.0003\"}", "2");
	ASSERT_VALUE(FAMILY "_bucket{vm=\"vm-1\",phase=\"online\",le=\"0.001\"}", "2");
	ASSERT_VALUE(FAMILY "_bucket{vm=\"vm-1\",phase=\"online\",le=\"0.003\"}", "3");
	ASSERT_VALUE(FAMILY "_bucket{vm=\"vm-1\",phase=\"online\",le=\"30\"}", "3");
	ASSERT_VALUE(FAMILY "_bucket{vm=\"vm-1\",phase=\"online\",le=\"100\"}", "4");
	ASSERT_VALUE(FAMILY "_bucket{vm=\"vm-1\",phase=\"online\",le=\"+Inf\"}", "5");
	ASSERT_VALUE(FAMILY "_count{vm=\"vm-1\",phase=\"online\"}", "5");
	ASSERT_VALUE(FAMILY "_sum{vm=\"vm-1\",phase=\"online\"}", "200.002702000");
	ASSERT_VALUE(FAMILY "_count{vm=\"vm-1\",phase=\"parked\"}", "0");
}

static unsigned lines(void)
{
	unsigned n = 0;

	for (const char *c = text; *c != '\0'; c++)
		n += *c == '\n';
	return n;
}

/* Whatever the guest says, there are no more series. */
static void osts_are_bounded(void **state)
{
	unsigned before;

	(void)state;
	print(NULL, 0);
	before = lines();
	for (uint32_t i = 0; i < 1000; i++)
		metrics_count_ost(&m, &(struct ost){ .event = i, .status = i * 7 });
	print(NULL, 0);
	assert_int_equal(lines(), before);
	ASSERT_VALUE("hotsocket_acpi_ost_total{vm=\"vm-1\",event=\"device-check\","
		     "status=\"other\"}",
		     "1");
	ASSERT_VALUE("hotsocket_acpi_ost_total{vm=\"vm-1\",event=\"other\","
		     "status=\"0x0\"}",
		     "1");
	metrics_count_ost(&m, &(struct ost){ OST_EJECT_REQUEST, OST_EJECT_REQUEST,
					     OST_IN_PROGRESS, 1, 0 });
	print(NULL, 0);
	ASSERT_VALUE("hotsocket_acpi_ost_total{vm=\"vm-1\",event=\"eject-request\","
		     "status=\"0x84\"}",
		     "1");
}

static void refusals_have_a_reason(void **state)
{
	static const struct {
		int err;
		enum refusal reason;
	} cases[] = {
		{ 0, REFUSAL_INVALID },      { -EINVAL, REFUSAL_INVALID },
		{ -ERANGE, REFUSAL_LIMIT },  { -EBUSY, REFUSAL_BUSY },
		{ -EEXIST, REFUSAL_EXISTS }, { -ENOENT, REFUSAL_NOT_FOUND },
		{ -ENOMEM, REFUSAL_HOST },   { -EMFILE, REFUSAL_HOST },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(metrics_refusal(cases[i].err), cases[i].reason);
	m.refusals[REFUSAL_BUSY] = 3;
	print(NULL, 0);
	ASSERT_VALUE("hotsocket_hotplug_refusals_total{vm=\"vm-1\",reason=\"busy\"}",
		     "3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_so_now, set_up, tear_down),
		cmocka_unit_test_setup_teardown(jobs_are_counted_by_their_end, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(phases_are_a_histogram, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(osts_are_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refusals_have_a_reason, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
