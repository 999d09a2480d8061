#include "vmm/hotplug/cpu_text.h"

#include <inttypes.h>

#define UDEV_RULE                                                                        \
	"SUBSYSTEM==\"cpu\", ACTION==\"add\", ATTR{online}==\"0\", ATTR{online}=\"1\""

#ifdef __aarch64__
#define OLD_KERNEL                                                                       \
	"; a kernel older than Linux 6.11 can have no more CPUs by ACPI: give it a "     \
	"newer "                                                                         \
	"one, or --boot dt"
#else
#define OLD_KERNEL ""
#endif

/* Where the guest has brought others of the job online by itself. */
static const char some_online[] =
	"registered, not online: cpus %s; others are, so the guest's kernel takes no "
	"more "
	"(nr_cpus, possible_cpus), or not these siblings (nosmt): its log says "
	"which" OLD_KERNEL;

const char cpu_text_no_acpi[] =
	"the guest has no ACPI and is told nothing: it must online and offline CPUs by "
	"itself (/sys/devices/system/cpu/cpuN/online)";

static void explain_phase(const struct job *j, bool some, const char *cpus,
			  struct text *out)
{
	static const char *const text[JOB_NPHASES] = {
		[JOB_PLUGGED] =
			"plugged, not registered: cpus %s; the guest has not answered: "
			"is it up, and has it ACPI CPU hotplug? The CPUs stay plugged, "
			"and the same resize waits again",
		[JOB_REGISTERED] =
			"registered, not online: cpus %s; the guest does not online "
			"new CPUs by itself: give it the udev rule " UDEV_RULE OLD_KERNEL,
		[JOB_REQUESTED] =
			"requested, not offlining: cpus %s; the guest has not "
			"answered: is it up, and has it ACPI CPU hotplug? The request "
			"is withdrawn; ask again",
		[JOB_OFFLINING] =
			"offlining, not ejected: cpus %s; something in the guest "
			"holds them. The request is withdrawn; ask again",
		[JOB_EJECTED] = "ejected, not parked: cpus %s",
	};

	if (text[j->phase] == NULL)
		text_set(out, 0, "still waiting for an earlier removal to end");
	else if (j->phase == JOB_REGISTERED && some)
		text_set(out, 0, some_online, cpus);
	else /* NOLINTNEXTLINE(clang-diagnostic-format-nonliteral): from the table */
		text_set(out, 0, text[j->phase], cpus);
}

void cpu_text_timeout(const struct job *j, bool no_acpi, const struct units *missing,
		      struct text *out)
{
	char cpus[128];

	units_name(missing, cpus, sizeof(cpus));
	if (no_acpi)
		text_set(out, 0, "not %s: cpus %s; %s",
			 j->operation == JOB_ADD ? "online" : "offline", cpus,
			 cpu_text_no_acpi);
	else
		explain_phase(j, units_count(missing) < j->nunits, cpus, out);
}

void cpu_text_settling(const struct units *cpus, struct text *out)
{
	char name[128];

	units_name(cpus, name, sizeof(name));
	text_set(out, 0,
		 "cpus %s: the guest is on its way to eject them, for a removal that was "
		 "withdrawn, and has not said how that ends",
		 name);
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

void cpu_text_refusal(const struct job *j, const struct ost *ost, struct text *out)
{
	text_set(out, 0,
		 "the guest refused to %s cpu %" PRIu32 ": %s (_OST event 0x%" PRIx32
		 ", status 0x%" PRIx32 "); its kernel log says more. %s",
		 j->operation == JOB_ADD ? "take" : "let go of", ost->index,
		 status_words(ost), ost->event, ost->status,
		 j->operation == JOB_ADD
			 ? "The CPU stays plugged, and the same resize tells it again"
			 : "It keeps the CPU; ask again when that is mended");
}

void cpu_text_ejected(uint32_t cpu, bool by_guest, struct text *out)
{
	text_set(out, 0, "the guest ejected cpu %" PRIu32 " %s", cpu,
		 by_guest ? "by itself" : "after its removal was taken back");
}

void cpu_text_other_count(const struct job *j, struct text *out)
{
	text_set(out, 0,
		 "there are %" PRIu32 " sockets, not %" PRIu32
		 ": the guest let go of others meanwhile",
		 j->count, j->to);
}
