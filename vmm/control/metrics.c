#include "vmm/control/metrics.h"

#include <errno.h>
#include <inttypes.h>

#include "devices/clock.h"
#include "vmm/base/arch_name.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Upper bounds, in microseconds and as they are printed, in seconds. */
static const struct {
	uint64_t us;
	const char *seconds;
} buckets[METRICS_NBUCKETS] = {
	{ 100, "0.0001" },    { 300, "0.0003" }, { 1000, "0.001" },  { 3000, "0.003" },
	{ 10000, "0.01" },    { 30000, "0.03" }, { 100000, "0.1" },  { 300000, "0.3" },
	{ 1000000, "1" },     { 3000000, "3" },  { 10000000, "10" }, { 30000000, "30" },
	{ 100000000, "100" },
};

static const struct {
	uint32_t event;
	const char *name;
} ost_events[METRICS_NOST_EVENTS - 1] = {
	{ OST_DEVICE_CHECK, "device-check" },
	{ OST_EJECT_REQUEST, "eject-request" },
	{ OST_GUEST_EJECT, "guest-eject" },
};

static const uint32_t ost_codes[METRICS_NOST_CODES - 1] = {
	0x0, 0x1, 0x2, 0x80, 0x81, 0x82, 0x83, OST_IN_PROGRESS,
};

static const char *const refusals[REFUSAL_NREASONS] = {
	[REFUSAL_LIMIT] = "limit",         [REFUSAL_BUSY] = "busy",
	[REFUSAL_INVALID] = "invalid",     [REFUSAL_EXISTS] = "exists",
	[REFUSAL_NOT_FOUND] = "not-found", [REFUSAL_HOST] = "host",
};

/* --- counting ------------------------------------------------------------- */

static void observe(struct histogram *h, uint64_t ns)
{
	unsigned i = 0;

	while (i < METRICS_NBUCKETS && ns > buckets[i].us * 1000)
		i++;
	if (i < METRICS_NBUCKETS)
		h->bucket[i]++;
	h->count++;
	h->sum_ns += ns;
}

void metrics_count_job(struct metrics *m, const struct job *job)
{
	m->operations[job->operation][job->result]++;
}

/* A request for what there is goes through no phase that means anything. */
void metrics_count_phase(struct metrics *m, const struct job *job, enum job_phase p)
{
	uint64_t ns = job->phase_ns[p];

	if (job->nunits > 0)
		observe(&m->phase[p], ns > job->start_ns ? ns - job->start_ns : 0);
}

void metrics_count_ost(struct metrics *m, const struct ost *ost)
{
	size_t event = 0, code = 0;

	while (event < COUNT(ost_events) && ost_events[event].event != ost->event)
		event++;
	while (code < COUNT(ost_codes) && ost_codes[code] != ost->status)
		code++;
	m->ost[event][code]++;
}

enum refusal metrics_refusal(int err)
{
	static const struct {
		int err;
		enum refusal reason;
	} known[] = {
		{ 0, REFUSAL_INVALID },      { -EINVAL, REFUSAL_INVALID },
		{ -ERANGE, REFUSAL_LIMIT },  { -EBUSY, REFUSAL_BUSY },
		{ -EEXIST, REFUSAL_EXISTS }, { -ENOENT, REFUSAL_NOT_FOUND },
	};

	for (size_t i = 0; i < COUNT(known); i++)
		if (known[i].err == err)
			return known[i].reason;
	return REFUSAL_HOST;
}

/* --- text ----------------------------------------------------------------- */

struct page {
	FILE *out;
	const char *vm, *family;
};

static void begin(struct page *p, const char *family, const char *type, const char *help)
{
	p->family = family;
	(void)fprintf(p->out, "# HELP %s %s\n# TYPE %s %s\n", family, help, family, type);
}

static void whole(const struct page *p, uint64_t value)
{
	(void)fprintf(p->out, "%s{vm=\"%s\"} %" PRIu64 "\n", p->family, p->vm, value);
}

static void labelled(const struct page *p, const char *label, const char *text,
		     uint64_t value)
{
	(void)fprintf(p->out, "%s{vm=\"%s\",%s=\"%s\"} %" PRIu64 "\n", p->family, p->vm,
		      label, text, value);
}

static void gauge(struct page *p, const char *family, const char *help, uint64_t value)
{
	begin(p, family, "gauge", help);
	whole(p, value);
}

static void counter(struct page *p, const char *family, const char *help, uint64_t value)
{
	begin(p, family, "counter", help);
	whole(p, value);
}

static void print_vm(struct page *p, const struct metrics_now *now)
{
	begin(p, "hotsocket_build_info", "gauge",
	      "The program that runs the VM; always 1.");
	(void)fprintf(p->out, "%s{vm=\"%s\",version=\"%s\",machine=\"%s\"} 1\n",
		      p->family, p->vm, VERSION, ARCH_NAME);
	begin(p, "hotsocket_start_time_seconds", "gauge",
	      "When the VM was started, in seconds since 1970.");
	(void)fprintf(p->out, "%s{vm=\"%s\"} %.3f\n", p->family, p->vm, now->started);
	gauge(p, "hotsocket_paused", "1 while the VM is paused.", now->paused);
	gauge(p, "hotsocket_memory_bytes", "Memory of the guest.", now->memory);
	gauge(p, "hotsocket_sockets", "Sockets that are plugged.", now->sockets);
	gauge(p, "hotsocket_guest_sockets", "Sockets that the guest has taken.",
	      now->guest_sockets);
	gauge(p, "hotsocket_max_sockets", "Sockets that are possible.", now->max_sockets);
	begin(p, "hotsocket_vcpus", "gauge", "Possible vCPUs by what became of them.");
	for (int s = 0; s < VCPU_NSTATES; s++)
		labelled(p, "state", vcpu_state_name((enum vcpu_state)s), now->vcpus[s]);
}

static void print_operations(struct page *p, const struct metrics *m)
{
	begin(p, "hotsocket_hotplug_operations_total", "counter",
	      "Jobs that ended, by what was asked for and how it ended.");
	for (int o = 0; o < METRICS_NOPERATIONS; o++)
		for (int r = JOB_DONE; r < METRICS_NRESULTS; r++)
			(void)fprintf(p->out,
				      "%s{vm=\"%s\",operation=\"%s\",outcome=\"%s\"} "
				      "%" PRIu64 "\n",
				      p->family, p->vm,
				      job_operation_name((enum job_operation)o),
				      job_result_name((enum job_result)r),
				      m->operations[o][r]);
}

static void print_bucket(const struct page *p, const char *phase, const char *bound,
			 uint64_t n)
{
	(void)fprintf(p->out, "%s_bucket{vm=\"%s\",phase=\"%s\",le=\"%s\"} %" PRIu64 "\n",
		      p->family, p->vm, phase, bound, n);
}

static void print_histogram(const struct page *p, const char *phase,
			    const struct histogram *h)
{
	uint64_t below = 0;

	for (int i = 0; i < METRICS_NBUCKETS; i++) {
		below += h->bucket[i];
		print_bucket(p, phase, buckets[i].seconds, below);
	}
	print_bucket(p, phase, "+Inf", h->count);
	(void)fprintf(p->out, "%s_sum{vm=\"%s\",phase=\"%s\"} %.9f\n", p->family, p->vm,
		      phase, (double)h->sum_ns / (double)NS_PER_S);
	(void)fprintf(p->out, "%s_count{vm=\"%s\",phase=\"%s\"} %" PRIu64 "\n", p->family,
		      p->vm, phase, h->count);
}

static void print_phases(struct page *p, const struct metrics *m)
{
	begin(p, "hotsocket_hotplug_phase_latency_seconds", "histogram",
	      "From the request until all its vCPUs had reached the phase.");
	for (int i = 0; i < JOB_NPHASES; i++)
		print_histogram(p, job_phase_name((enum job_phase)i), &m->phase[i]);
}

static void print_osts(struct page *p, const struct metrics *m)
{
	begin(p, "hotsocket_acpi_ost_total", "counter",
	      "_OST reports of the guest, by source event and status code.");
	for (size_t e = 0; e < METRICS_NOST_EVENTS; e++) {
		const char *name = e < COUNT(ost_events) ? ost_events[e].name : "other";

		for (size_t c = 0; c < METRICS_NOST_CODES; c++) {
			char code[16] = "other";

			if (c < COUNT(ost_codes))
				(void)snprintf(code, sizeof(code), "0x%" PRIx32,
					       ost_codes[c]);
			(void)fprintf(p->out,
				      "%s{vm=\"%s\",event=\"%s\",status=\"%s\"} %" PRIu64
				      "\n",
				      p->family, p->vm, name, code, m->ost[e][c]);
		}
	}
}

static void print_refusals(struct page *p, const struct metrics *m)
{
	begin(p, "hotsocket_hotplug_refusals_total", "counter",
	      "Requests to change the VM that were refused.");
	for (int r = 0; r < REFUSAL_NREASONS; r++)
		labelled(p, "reason", refusals[r], m->refusals[r]);
}

static void print_oddities(struct page *p, const struct metrics *m,
			   const struct metrics_now *now)
{
	counter(p, "hotsocket_guest_ejects_total",
		"Sockets that the guest ejected by itself.", m->guest_ejects);
	counter(p, "hotsocket_resets_total", "How often the guest was started again.",
		m->resets);
	counter(p, "hotsocket_guest_writes_ignored_total",
		"Writes of the guest to the CPU hotplug registers that made no sense.",
		now->writes_ignored);
	counter(p, "hotsocket_guest_osts_lost_total",
		"_OST reports of the guest that came too fast to be counted elsewhere.",
		now->osts_lost);
	counter(p, "hotsocket_guest_event_storms_total",
		"How often the guest took an ACPI interrupt again and again without "
		"answering it.",
		now->storms);
	counter(p, "hotsocket_events_dropped_total",
		"Events that had to make room for younger ones.", now->events_dropped);
}

static void print_vcpus(struct page *p, const struct metrics_now *now)
{
	begin(p, "hotsocket_vcpu_seconds_total", "counter",
	      "CPU time of the vCPU's thread, of the guest and for it.");
	for (uint32_t i = 0; i < now->nvcpu; i++)
		(void)fprintf(p->out, "%s{vm=\"%s\",vcpu=\"%" PRIu32 "\"} %.6f\n",
			      p->family, p->vm, now->vcpu[i].index,
			      (double)now->vcpu[i].cpu_ns / (double)NS_PER_S);
	begin(p, "hotsocket_vcpu_exits_total", "counter",
	      "How often the vCPU left guest mode, as KVM counts.");
	for (uint32_t i = 0; i < now->nvcpu; i++)
		if (now->vcpu[i].has_exits)
			(void)fprintf(p->out,
				      "%s{vm=\"%s\",vcpu=\"%" PRIu32 "\"} %" PRIu64 "\n",
				      p->family, p->vm, now->vcpu[i].index,
				      now->vcpu[i].exits);
}

void metrics_print(const struct metrics *m, const struct metrics_now *now, FILE *out)
{
	struct page p = { .out = out, .vm = now->vm };

	print_vm(&p, now);
	print_operations(&p, m);
	print_phases(&p, m);
	print_osts(&p, m);
	print_refusals(&p, m);
	print_oddities(&p, m, now);
	print_vcpus(&p, now);
}
