#include "vmm/hotplug/job.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define UDEV_RULE                                                                        \
	"SUBSYSTEM==\"cpu\", ACTION==\"add\", ATTR{online}==\"0\", ATTR{online}=\"1\""

const char job_no_acpi[] = "the guest has no ACPI and is told nothing: it must online "
			   "and offline CPUs by itself "
			   "(/sys/devices/system/cpu/cpuN/online)";

const char *job_operation_name(enum job_operation o)
{
	return o == JOB_ADD ? "add" : "remove";
}

const char *job_phase_name(enum job_phase p)
{
	static const char *const names[JOB_NPHASES] = {
		[JOB_ACCEPTED] = "accepted",     [JOB_PLUGGED] = "plugged",
		[JOB_REGISTERED] = "registered", [JOB_ONLINE] = "online",
		[JOB_REQUESTED] = "requested",   [JOB_OFFLINING] = "offlining",
		[JOB_EJECTED] = "ejected",       [JOB_PARKED] = "parked",
	};

	return names[p];
}

const char *job_result_name(enum job_result r)
{
	static const char *const names[] = {
		[JOB_RUNNING] = "running",     [JOB_DONE] = "done",
		[JOB_FAILED] = "failed",       [JOB_REFUSED] = "refused",
		[JOB_TIMED_OUT] = "timed-out", [JOB_CANCELLED] = "cancelled",
	};

	return names[r];
}

enum job_phase job_last_phase(const struct job *j)
{
	return j->operation == JOB_ADD ? JOB_ONLINE : JOB_PARKED;
}

bool job_has(const struct job *j, uint32_t cpu)
{
	for (uint32_t i = 0; i < j->ncpus; i++)
		if (j->cpu[i] == cpu)
			return true;
	return false;
}

/* When a vCPU that is gone went through this phase of a removal. It may have gone before
 * the job began, and then has no times. */
static uint64_t removed_ns(const struct cpuhp_slot *s, enum job_phase p)
{
	uint64_t ns = p == JOB_OFFLINING ? s->offlining_ns
		      : p == JOB_EJECTED ? s->ejected_ns
					 : s->gone_ns;

	return ns > 0 ? ns : 1;
}

/* When the vCPU reached the phase, or 0. */
static uint64_t reached_ns(struct cpuhp *hp, uint32_t cpu, enum job_phase p)
{
	struct cpuhp_slot s = cpuhp_get(hp, cpu);

	if (p >= JOB_REQUESTED && s.state == SLOT_ABSENT && !s.ost_due)
		return removed_ns(&s, p);
	switch (p) {
	case JOB_REGISTERED:
		return s.registered_ns;
	case JOB_ONLINE:
		return s.state == SLOT_ONLINE ? s.online_ns : 0;
	case JOB_OFFLINING:
		return s.offlining_ns;
	case JOB_EJECTED:
		return s.ejected_ns;
	default:
		return 0; /* entered by the host, or not yet gone */
	}
}

bool job_next_phase(struct job *j, struct cpuhp *hp, enum job_phase *next)
{
	enum job_phase p = j->phase + 1;

	if (!job_running(j) || j->phase == JOB_ACCEPTED || j->phase == job_last_phase(j))
		return false;
	for (uint32_t *n = &j->reached[p]; *n < j->ncpus; ++*n) {
		uint64_t ns = reached_ns(hp, j->cpu[*n], p);

		if (ns == 0)
			return false;
		if (ns > j->phase_ns[p])
			j->phase_ns[p] = ns;
		if (ns > j->progress_ns)
			j->progress_ns = ns;
	}
	if (j->phase_ns[p] <
	    j->phase_ns[j->phase]) /* none to wait for, or all long there */
		j->phase_ns[p] = j->phase_ns[j->phase];
	*next = p;
	return true;
}

void job_restart(struct job *j, uint64_t now_ns)
{
	memset(j->reached, 0, sizeof(j->reached));
	j->progress_ns = now_ns;
}

/* Those that have not reached the phase; without hp, all. */
static void name_cpus(const struct job *j, struct cpuhp *hp, enum job_phase p, char *out,
		      size_t len)
{
	const uint32_t *cpu = j->cpu;
	size_t at = 0;

	out[0] = '\0';
	for (uint32_t i = 0, end; i < j->ncpus && at + 32 < len; i = end) {
		end = i + 1;
		if (hp != NULL && reached_ns(hp, cpu[i], p) != 0)
			continue;
		while (end < j->ncpus && cpu[end] == cpu[end - 1] + 1 &&
		       (hp == NULL || reached_ns(hp, cpu[end], p) == 0))
			end++;
		at += (size_t)snprintf(out + at, len - at,
				       end - i > 1 ? "%s%u-%u" : "%s%u",
				       at > 0 ? "," : "", cpu[i], cpu[end - 1]);
	}
}

void job_name_missing(const struct job *j, struct cpuhp *hp, enum job_phase p, char *out,
		      size_t len)
{
	name_cpus(j, hp, p, out, len);
}

void job_name_cpus(const struct job *j, char *out, size_t len)
{
	name_cpus(j, NULL, JOB_ACCEPTED, out, len);
}

void job_explain_timeout(struct job *j, struct cpuhp *hp)
{
	static const char *const text[JOB_NPHASES] = {
		[JOB_PLUGGED] =
			"plugged, not registered: cpus %s; the guest has not answered: "
			"is it up, and has it ACPI CPU hotplug? The CPUs stay plugged, "
			"and the same resize waits again",
		[JOB_REGISTERED] =
			"registered, not online: cpus %s; the guest does not online "
			"new CPUs by itself: give it the udev rule " UDEV_RULE,
		[JOB_REQUESTED] =
			"requested, not offlining: cpus %s; the guest has not "
			"answered: is it up, and has it ACPI CPU hotplug? The request "
			"is withdrawn; ask again",
		[JOB_OFFLINING] =
			"offlining, not ejected: cpus %s; something in the guest "
			"holds them. The request is withdrawn; ask again",
		[JOB_EJECTED] = "ejected, not parked: cpus %s",
	};
	char cpus[128];

	if (cpuhp_no_acpi(hp)) {
		enum job_phase last = j->operation == JOB_ADD ? JOB_ONLINE : JOB_EJECTED;

		job_name_missing(j, hp, last, cpus, sizeof(cpus));
		text_set(&j->message, 0, "not %s: cpus %s; %s",
			 j->operation == JOB_ADD ? "online" : "offline", cpus,
			 job_no_acpi);
		return;
	}
	job_name_missing(j, hp, j->phase + 1, cpus, sizeof(cpus));
	if (text[j->phase] == NULL) {
		text_set(&j->message, 0, "still waiting for an earlier removal to end");
		return;
	}
	/* NOLINTNEXTLINE(clang-diagnostic-format-nonliteral): from the table above */
	text_set(&j->message, 0, text[j->phase], cpus);
}

/* ACPI 6.4, tables 6.57 (general) and 6.58 (ejection). */
static const char *status_words(const struct ost *ost)
{
	bool eject = ost->event != OST_DEVICE_CHECK;

	switch (ost->status) {
	case 0x01:
		return "failure, no reason given";
	case 0x02:
		return "the event is not recognised";
	case 0x80:
		return eject ? "not supported" : "in progress";
	case 0x81:
		return eject ? "the CPU is in use" : "the driver did not load";
	case 0x82:
		return eject ? "the CPU is busy" : "not supported";
	case 0x83:
		return "something that depends on the CPU is busy";
	default:
		return "unknown status";
	}
}

void job_explain_refusal(struct job *j, const struct ost *ost)
{
	text_set(&j->message, 0,
		 "the guest refused to %s cpu %" PRIu32 ": %s (_OST event 0x%" PRIx32
		 ", status 0x%" PRIx32 "); its kernel log says more. %s",
		 j->operation == JOB_ADD ? "take" : "let go of", ost->index,
		 status_words(ost), ost->event, ost->status,
		 j->operation == JOB_ADD
			 ? "The CPU stays plugged, and the same resize tells it again"
			 : "It keeps the CPU; ask again when that is mended");
}
