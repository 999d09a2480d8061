#include "tools/ctl/show.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TEXTS 16

static const char *printable(const char *s)
{
	static char ring[TEXTS][1024];
	static unsigned turn;
	char *out = ring[turn++ % TEXTS];
	size_t n = 0;

	for (; s && s[n] && n < sizeof(ring[0]) - 1; n++)
		out[n] = (char)(s[n] >= ' ' && s[n] <= '~' ? s[n] : '?');
	out[n] = '\0';
	return out;
}

const char *show_text(const json_t *object, const char *key)
{
	return printable(json_string_value(json_object_get(object, key)));
}

json_int_t show_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static double show_ms(const json_t *object)
{
	return (double)show_number(object, "elapsed-us") / 1000;
}

/* DEL is ASCII, so jansson leaves it; it can only be in a string. */
static int put_json(const char *bytes, size_t len, void *unused)
{
	(void)unused;
	for (size_t i = 0; i < len; i++)
		if (bytes[i] == 0x7f)
			(void)fputs("\\u007f", stdout);
		else
			(void)putchar(bytes[i]);
	return 0;
}

static void print_json(const json_t *document, size_t how)
{
	json_dump_callback(document, put_json, NULL, JSON_ENSURE_ASCII | how);
	printf("\n");
}

void show_json(const json_t *document)
{
	print_json(document, 0);
}

void show_json_pretty(const json_t *document)
{
	print_json(document, JSON_INDENT(4));
}

/* "  cpus 0,2-5"; nothing for none. */
static void show_cpus(const json_t *object)
{
	const json_t *cpus = json_object_get(object, "cpus");
	size_t len = json_array_size(cpus);

	for (size_t i = 0, next; i < len; i = next) {
		json_int_t first = json_integer_value(json_array_get(cpus, i));
		json_int_t last = first;

		for (next = i + 1; next < len; next++, last++) {
			if (last == INT64_MAX ||
			    json_integer_value(json_array_get(cpus, next)) != last + 1)
				break;
		}
		printf("%s%lld", i > 0 ? "," : len > 1 ? "  cpus " : "  cpu ", first);
		if (last > first)
			printf("-%lld", last);
	}
}

static void show_sockets(const json_t *object)
{
	json_int_t max = show_number(object, "max-sockets");

	printf("%lld", show_number(object, "sockets"));
	if (max > 0)
		printf(" of %lld", max);
}

/* What people must know of this guest. */
static void show_note(const json_t *object)
{
	if (json_object_get(object, "note"))
		printf("note: %s\n", show_text(object, "note"));
}

void show_resize(const json_t *job)
{
	printf("resize: sockets %lld -> %lld, job %lld\n",
	       show_number(job, "from-sockets"), show_number(job, "sockets"),
	       show_number(job, "job"));
	show_note(job);
}

void show_patched(const json_t *answer)
{
	bool changed = json_is_true(json_object_get(answer, "changed"));

	printf("patched%s\n", changed ? "" : " (no change)");
	if (json_is_true(json_object_get(answer, "restart-required")))
		printf("restart required: %s\n", show_text(answer, "message"));
}

void show_phase(const json_t *progress)
{
	printf("  %-12s %8.1f ms", show_text(progress, "phase"), show_ms(progress));
	show_cpus(progress);
	printf("\n");
}

void show_done(const json_t *completed)
{
	const char *message = show_text(completed, "message");

	printf("done: ");
	show_sockets(completed);
	printf(" sockets, %lld vCPUs, in %.1f ms\n", show_number(completed, "vcpus"),
	       show_ms(completed));
	if (*message)
		printf("note: %s\n", message);
}

void show_trace(const json_t *completed)
{
	const json_t *list = json_object_get(completed, "trace"), *step;
	double before = 0;
	size_t i;

	json_array_foreach(list, i, step)
	{
		printf("  %-12s %9.3f ms %+10.3f ms\n", show_text(step, "step"),
		       show_ms(step), show_ms(step) - before);
		before = show_ms(step);
	}
}

static void show_time(const json_t *event)
{
	const json_t *stamp = json_object_get(event, "timestamp");
	time_t seconds = (time_t)show_number(stamp, "seconds");
	json_int_t ms = show_number(stamp, "microseconds") / 1000;
	struct tm tm = { 0 };

	localtime_r(&seconds, &tm);
	printf("%02d:%02d:%02d.%03d", tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(ms % 1000));
}

void show_event(const json_t *event)
{
	const json_t *data = json_object_get(event, "data");
	const char *name = show_text(event, "event");

	show_time(event);
	if (strcmp(name, "HOTPLUG_PHASE") == 0 ||
	    strcmp(name, "HOTPLUG_COMPLETED") == 0) {
		const char *result = show_text(data, "result");
		const char *message = show_text(data, "message");

		printf("  job %lld %s: %s, ", show_number(data, "job"),
		       show_text(data, "operation"),
		       *result ? result : show_text(data, "phase"));
		show_sockets(data);
		printf(" sockets");
		show_cpus(data);
		printf("  %.1f ms%s%s\n", show_ms(data), *message ? "  " : "", message);
		return;
	}
	printf("  %s  ", name);
	if (data)
		show_json(data);
	else
		printf("\n");
}

static bool is_absent(const json_t *vcpus, size_t i)
{
	return strcmp(show_text(json_array_get(vcpus, i), "state"), "absent") == 0;
}

enum { CPU, SOCKET, CORE, THREAD, STATE, HOST_THREAD, OST, COLUMNS };

static const int width[COLUMNS] = {
	[CPU] = 10,   [SOCKET] = 6, [CORE] = 4,
	[THREAD] = 6, [STATE] = 10, [HOST_THREAD] = 11,
};

/* Cells that are NULL at the end of a row leave no blanks. */
static void show_row(const char *const cells[COLUMNS])
{
	for (int i = 0; i < COLUMNS && cells[i]; i++) {
		bool last = i + 1 == COLUMNS || cells[i + 1] == NULL;

		printf("%s%-*s", i > 0 ? "  " : "", last ? 0 : width[i], cells[i]);
	}
	printf("\n");
}

/* A run of absent vCPUs is one row; returns the index of the next row. */
static size_t show_absent(const json_t *vcpus, size_t i)
{
	json_int_t first = show_number(json_array_get(vcpus, i), "cpu-index");
	json_int_t last = first;
	char range[48];

	for (; i < json_array_size(vcpus) && is_absent(vcpus, i); i++)
		last = show_number(json_array_get(vcpus, i), "cpu-index");
	(void)snprintf(range, sizeof(range), last > first ? "%lld-%lld" : "%lld", first,
		       last);
	show_row((const char *const[COLUMNS]){ range, "-", "-", "-", "absent" });
	return i;
}

static const char *digits(const json_t *object, const char *key)
{
	char text[24] = "-";

	if (json_object_get(object, key))
		(void)snprintf(text, sizeof(text), "%lld", show_number(object, key));
	return printable(text);
}

/* What the guest's firmware interface said last, and how long ago. */
static const char *ost_text(const json_t *ost)
{
	char text[96];

	if (ost == NULL)
		return NULL;
	(void)snprintf(text, sizeof(text), "source 0x%llx status 0x%llx, %.1f s ago",
		       (unsigned long long)show_number(ost, "source"),
		       (unsigned long long)show_number(ost, "status"),
		       (double)show_number(ost, "age-us") / 1e6);
	return printable(text);
}

/* A CPU that runs no more although nobody asked for that. */
static const char *state_text(const json_t *vcpu)
{
	const char *state = show_text(vcpu, "state");

	return strcmp(state, "offline") == 0 ? "offline by the guest" : state;
}

static void show_vcpu(const json_t *vcpu)
{
	show_row((const char *const[COLUMNS]){
		[CPU] = digits(vcpu, "cpu-index"),
		[SOCKET] = digits(vcpu, "socket-id"),
		[CORE] = digits(vcpu, "core-id"),
		[THREAD] = digits(vcpu, "thread-id"),
		[STATE] = state_text(vcpu),
		[HOST_THREAD] = digits(vcpu, "host-thread-id"),
		[OST] = ost_text(json_object_get(vcpu, "ost")),
	});
}

static void show_vcpus(const json_t *vcpus)
{
	show_row((const char *const[COLUMNS]){ "CPU", "SOCKET", "CORE", "THREAD", "STATE",
					       "HOST-THREAD", "LAST _OST" });
	for (size_t i = 0; i < json_array_size(vcpus);) {
		if (is_absent(vcpus, i))
			i = show_absent(vcpus, i);
		else
			show_vcpu(json_array_get(vcpus, i++));
	}
}

static void show_job(const json_t *job)
{
	printf("job      %lld: %s, %s, sockets %lld -> %lld", show_number(job, "job"),
	       show_text(job, "operation"), show_text(job, "phase"),
	       show_number(job, "from-sockets"), show_number(job, "sockets"));
	show_cpus(job);
	printf("  %.1f ms\n", show_ms(job));
}

static const char *plural(json_int_t n)
{
	return n == 1 ? "" : "s";
}

void show_status(const json_t *vm, const json_t *topology, const json_t *vcpus)
{
	json_int_t cores = show_number(topology, "cores");
	json_int_t threads = show_number(topology, "threads");

	printf("VM       %s\n", show_text(vm, "status"));
	printf("sockets  %lld of %lld (maxSockets %s)\n",
	       show_number(topology, "sockets"), show_number(topology, "max-sockets"),
	       show_text(topology, "max-sockets-source"));
	printf("each     %lld core%s, %lld thread%s per core\n", cores, plural(cores),
	       threads, plural(threads));
	printf("vCPUs    %lld of %lld\n", show_number(topology, "vcpus"),
	       show_number(topology, "max-vcpus"));
	if (show_number(topology, "guest-writes-ignored") > 0)
		printf("ignored  %lld nonsensical writes of the guest\n",
		       show_number(topology, "guest-writes-ignored"));
	show_note(topology);
	if (json_object_get(topology, "job"))
		show_job(json_object_get(topology, "job"));
	printf("\n");
	show_vcpus(vcpus);
}
