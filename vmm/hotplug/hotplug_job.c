#include "vmm/hotplug/hotplug_job.h"

#include <inttypes.h>
#include <string.h>

#include "devices/clock.h"
#include "vmm/base/log.h"

#define OSTS_PER_LOOK 64

/* Tells all listeners; what is the name of the call. */
#define TELL(h, what, ...)                                                               \
	do {                                                                             \
		const struct hotplug_listener *l_ = (h)->listeners;                      \
		for (; l_ < (h)->listeners + (h)->nlisteners; l_++)                      \
			if (l_->what != NULL)                                            \
				l_->what(l_->ctx, __VA_ARGS__);                          \
	} while (0)

/* Nobody is told yet. */
static void make_job(struct hotplug *h, enum job_operation op, uint32_t to,
		     uint32_t ncpus, uint32_t timeout_ms)
{
	uint64_t now = now_ns();
	uint32_t *cpus = h->cpus;

	h->cpus = h->job_cpus;
	h->job_cpus = cpus;
	h->job = (struct job){
		.id = h->job.id + 1,
		.operation = op,
		.from_sockets = sockets_count(&h->sockets),
		.sockets = to,
		.repair = h->repairs,
		.start_ns = now,
		.progress_ns = now,
		.end_ns = now + timeout_ms * NS_PER_MS,
		.cpu = cpus,
		.ncpus = ncpus,
		.phase = op == JOB_ADD ? JOB_ACCEPTED : JOB_REQUESTED,
	};
}

void hotplug_start_job(struct hotplug *h, enum job_operation op, uint32_t to,
		       uint32_t ncpus, uint32_t timeout_ms)
{
	make_job(h, op, to, ncpus, timeout_ms);
	hotplug_enter_phase(h, h->job.phase, h->job.start_ns);
}

void hotplug_start_add(struct hotplug *h, uint32_t to, uint32_t ncpus,
		       uint32_t timeout_ms, uint64_t start_ns)
{
	uint64_t plugged_ns;

	make_job(h, JOB_ADD, to, ncpus, timeout_ms);
	h->job.start_ns = start_ns;
	plugged_ns = cpuhp_plug(h->cpuhp, h->job.cpu, ncpus);
	hotplug_enter_phase(h, JOB_ACCEPTED, start_ns);
	hotplug_enter_phase(h, JOB_PLUGGED, plugged_ns);
}

void hotplug_enter_phase(struct hotplug *h, enum job_phase p, uint64_t ns)
{
	h->job.phase = p;
	h->job.phase_ns[p] = ns;
	TELL(h, phase, &h->job, p);
}

/* Gives the n vCPUs in h->cpus back. */
static void repair(struct hotplug *h, uint32_t n)
{
	uint32_t to = sockets_count(&h->sockets) + sockets_gone(&h->sockets, h->cpus, n);

	h->repairs = true;
	hotplug_start_job(h, JOB_ADD, to, n, HOTPLUG_TIMEOUT_MS);
	h->repairs = false;
}

/* A removal that did not get to its end may leave a socket with some of its vCPUs: it
 * gets the others back. */
static void restore_sockets(struct hotplug *h)
{
	uint32_t n = sockets_lacking(&h->sockets, h->cpus);

	if (n > 0)
		repair(h, n);
}

/* Tells of each socket that the job's end leaves gone: by a removal, whatever became of
 * the others, or as what came late did not come back. */
static void tell_deleted(struct hotplug *h)
{
	const struct sockets *s = &h->sockets;
	uint32_t told = s->topo->max_sockets;

	for (uint32_t i = 0; i < h->job.ncpus; i++) {
		uint32_t socket = h->job.cpu[i] / s->topo->per_socket;

		if (socket == told || sockets_has(s, socket))
			continue;
		TELL(h, deleted, socket, false);
		told = socket;
	}
}

void hotplug_complete(struct hotplug *h, enum job_result result)
{
	bool unfinished = h->job.operation == JOB_REMOVE && result != JOB_DONE;

	if (h->job.operation == JOB_REMOVE || h->job.repair)
		tell_deleted(h);
	h->job.result = result;
	event_del(h->timer);
	if (unfinished)
		cpuhp_withdraw_removal(h->cpuhp, h->job.cpu, h->job.ncpus);
	log_info("job=%u operation=%s result=%s sockets=%u phase=%s", h->job.id,
		 job_operation_name(h->job.operation), job_result_name(result),
		 h->job.sockets, job_phase_name(h->job.phase));
	TELL(h, completed, &h->job);
	if (unfinished)
		restore_sockets(h);
}

static int make_vcpu(struct hotplug *h, uint32_t cpu)
{
	int err = 0;

	if (h->vcpu[cpu] == NULL)
		err = vcpu_create(h->env, cpu, &h->vcpu[cpu]);
	if (err == 0)
		err = vcpu_start(h->vcpu[cpu]);
	return err;
}

int hotplug_make_vcpus(struct hotplug *h, const uint32_t *cpu, uint32_t n,
		       struct text *why)
{
	for (uint32_t i = 0; i < n; i++) {
		int err = make_vcpu(h, cpu[i]);

		if (err == 0)
			continue;
		text_set(why, err,
			 "the host cannot make vCPU %" PRIu32
			 " (%s); nothing was changed, ask "
			 "again when that is mended",
			 cpu[i], text_errno(-err));
		while (i > 0)
			vcpu_stop(h->vcpu[cpu[--i]]);
		return err;
	}
	return 0;
}

bool hotplug_removal_lasts(struct hotplug *h, const uint32_t *cpu, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct cpuhp_slot s = cpuhp_get(h->cpuhp, cpu[i]);

		if (s.state == SLOT_EJECTED || (s.state == SLOT_ABSENT && s.ost_due))
			return true;
	}
	return false;
}

/* Tells the guest of the job's vCPUs. */
static void plug(struct hotplug *h)
{
	hotplug_enter_phase(h, JOB_PLUGGED,
			    cpuhp_plug(h->cpuhp, h->job.cpu, h->job.ncpus));
}

/* An add that had to wait. */
static void plug_when_possible(struct hotplug *h)
{
	if (hotplug_removal_lasts(h, h->job.cpu, h->job.ncpus))
		return;
	if (hotplug_make_vcpus(h, h->job.cpu, h->job.ncpus, &h->job.message) < 0)
		hotplug_complete(h, JOB_FAILED);
	else
		plug(h);
}

static void watch_guest(struct hotplug *h)
{
	enum job_phase next;

	if (job_running(&h->job) && h->job.phase == JOB_ACCEPTED)
		plug_when_possible(h);
	while (job_next_phase(&h->job, h->cpuhp, &next))
		hotplug_enter_phase(h, next, h->job.phase_ns[next]);
	if (job_running(&h->job) && h->job.phase == job_last_phase(&h->job))
		hotplug_complete(h, JOB_DONE);
}

static void refuse_job(struct hotplug *h, const struct ost *ost)
{
	job_explain_refusal(&h->job, ost);
	if (h->job.operation == JOB_REMOVE)
		TELL(h, refused, ost->index / h->sockets.topo->per_socket);
	hotplug_complete(h, JOB_REFUSED);
}

static void on_ost(struct hotplug *h, const struct ost *ost)
{
	bool for_add = ost->event == OST_DEVICE_CHECK;

	TELL(h, ost, ost);
	if (!job_running(&h->job) || ost->status == OST_SUCCESS ||
	    ost->status == OST_IN_PROGRESS || !job_has(&h->job, ost->index))
		return;
	if (for_add == (h->job.operation == JOB_ADD) &&
	    (for_add || ost->event == OST_EJECT_REQUEST))
		refuse_job(h, ost);
}

/* The guest has let this CPU go: nothing of it runs from now on. */
static void park(struct hotplug *h, uint32_t cpu)
{
	uint32_t socket = cpu / h->sockets.topo->per_socket;
	bool by_guest = cpuhp_get(h->cpuhp, cpu).by_guest;
	bool in_job = job_running(&h->job) && job_has(&h->job, cpu);
	bool in_removal = in_job && h->job.operation == JOB_REMOVE;
	const char *how = by_guest ? "by itself" : "after its removal was taken back";

	vcpu_stop(h->vcpu[cpu]);
	cpuhp_park(h->cpuhp, cpu);
	if (in_removal && !by_guest)
		return;
	log_info("the guest ejected cpu %" PRIu32 " %s", cpu, how);
	if (!by_guest)
		h->any_late = h->came_late[cpu] = true;
	if (in_job && !in_removal) {
		text_set(&h->job.message, 0, "the guest ejected cpu %" PRIu32 " %s", cpu,
			 how);
		hotplug_complete(h, JOB_REFUSED);
	}
	if (by_guest && !sockets_has(&h->sockets, socket))
		TELL(h, deleted, socket, true);
}

/* A removal was cancelled or timed out, and the guest, which was on its way, ejected CPUs
 * after that: they are not to go, so they come back. */
static void restore_late(struct hotplug *h)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < h->sockets.topo->max_vcpus; i++) {
		if (h->came_late[i] && cpuhp_get(h->cpuhp, i).state == SLOT_ABSENT)
			h->cpus[n++] = i;
		h->came_late[i] = false;
	}
	h->any_late = false;
	if (n > 0)
		repair(h, n);
}

/* Guests that send no final _OST get their time; then it is waited for no longer. Returns
 * when the next one is up, or UINT64_MAX. */
static uint64_t forgive_osts(struct hotplug *h)
{
	uint64_t next = UINT64_MAX, now = now_ns();

	for (uint32_t i = 0; i < h->job.ncpus; i++) {
		struct cpuhp_slot s = cpuhp_get(h->cpuhp, h->job.cpu[i]);
		uint64_t up = s.ejected_ns + HOTPLUG_OST_MS * NS_PER_MS;

		if (!s.ost_due)
			continue;
		if (up <= now)
			cpuhp_forgive_ost(h->cpuhp, h->job.cpu[i]);
		else if (up < next)
			next = up;
	}
	return next;
}

static uint64_t deadline(const struct job *j)
{
	uint64_t quiet = j->progress_ns + HOTPLUG_QUIET_MS * NS_PER_MS;

	return j->phase == JOB_REGISTERED && quiet < j->end_ns ? quiet : j->end_ns;
}

static void set_timer(struct hotplug *h, uint64_t at)
{
	uint64_t now = now_ns(), end = deadline(&h->job);
	struct timeval tv;

	if (end < at)
		at = end;
	at = at > now ? at - now : 1;
	tv.tv_sec = (time_t)(at / 1000000000u);
	tv.tv_usec = (suseconds_t)(at % 1000000000u / 1000 + 1);
	event_add(h->timer, &tv);
}

void hotplug_look(void *hotplug)
{
	struct hotplug *h = hotplug;
	uint64_t next_ost;
	unsigned osts = 0;
	struct ost ost;
	uint32_t cpu;

	while (cpuhp_next_ejected(h->cpuhp, &cpu))
		park(h, cpu);
	while (osts < OSTS_PER_LOOK && cpuhp_next_ost(h->cpuhp, &ost)) {
		on_ost(h, &ost);
		osts++;
	}
	if (osts == OSTS_PER_LOOK) /* a guest that floods us gets its turn, and no more */
		cpuhp_wake(h->cpuhp);
	next_ost = forgive_osts(h);
	watch_guest(h);
	if (h->any_late && !job_running(&h->job)) {
		restore_late(h);
		next_ost = forgive_osts(h);
		watch_guest(h);
	}
	if (job_running(&h->job))
		set_timer(h, next_ost);
}

void hotplug_reset(struct hotplug *h)
{
	hotplug_look(h);
	cpuhp_reset(h->cpuhp);
	for (uint32_t i = 0; i < h->sockets.topo->max_vcpus; i++)
		if (h->vcpu[i] != NULL && cpuhp_get(h->cpuhp, i).state == SLOT_ABSENT)
			vcpu_stop(h->vcpu[i]);
	if (job_running(&h->job))
		job_restart(&h->job, now_ns());
}

void hotplug_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct hotplug *h = arg;

	(void)fd;
	(void)what;
	hotplug_look(h);
	if (!job_running(&h->job) || now_ns() < deadline(&h->job))
		return;
	job_explain_timeout(&h->job, h->cpuhp);
	hotplug_complete(h, JOB_TIMED_OUT);
	hotplug_look(h); /* at what is to be made whole */
}
