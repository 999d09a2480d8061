#include "vmm/hotplug/hotplug.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/config/refusal.h"
#include "vmm/hotplug/driver.h"

struct hotplug {
	const struct spec *spec;
	struct sockets sockets;
	struct driver driver;
};

const struct job *hotplug_job(const struct hotplug *h)
{
	const struct job *job = &h->driver.engine.now.job;

	return job->id > 0 ? job : NULL;
}

const struct sockets *hotplug_sockets(const struct hotplug *h)
{
	return &h->sockets;
}

const struct units *hotplug_settling(const struct hotplug *h)
{
	return &h->driver.engine.now.settling;
}

struct hotplug_view hotplug_view(const struct hotplug *h)
{
	const struct job *job = &h->driver.engine.now.job;
	uint32_t count = sockets_count(&h->sockets);
	bool running = job_running(job);

	return (struct hotplug_view){
		.count = count,
		.wanted = running ? job->to : count,
		.taken = sockets_taken(&h->sockets),
		.running = running ? job : NULL,
		.settling = !units_empty(&h->driver.engine.now.settling),
	};
}

/* --- checks --------------------------------------------------------------- */

static int check_idle(const struct job *running, struct text *why)
{
	if (running == NULL)
		return 0;
	return text_set(why, -EBUSY, refuse_job_running, running->id, running->from,
			running->to, job_phase_name(running->phase));
}

int hotplug_check_resize(const struct spec *spec, const struct hotplug_view *v,
			 int64_t sockets, struct text *why)
{
	int err = spec_check_sockets(spec, sockets, why);

	return err < 0 ? err : check_idle(v->running, why);
}

static const struct job *running_job(const struct hotplug *h)
{
	const struct job *job = &h->driver.engine.now.job;

	return job_running(job) ? job : NULL;
}

/* That one socket may come or go now. */
static int check_able(const struct hotplug *h, struct text *why)
{
	int err = spec_check_hotplug(h->spec, why);

	return err < 0 ? err : check_idle(running_job(h), why);
}

static int check_add(const struct hotplug *h, int64_t socket, const char *id,
		     struct text *why)
{
	uint32_t max = h->sockets.topo->max_sockets;
	int err = check_able(h, why);

	if (socket < 0 || socket >= max)
		return text_set(why, -ERANGE, refuse_socket_id_high, socket, max - 1, max,
				spec_limit_source(h->spec).s);
	if (err < 0)
		return err;
	if (sockets_has(&h->sockets, (uint32_t)socket))
		return text_set(why, -EEXIST, refuse_socket_id_plugged, socket);
	if (strlen(id) == 0 || strlen(id) >= SOCKETS_ID_LEN)
		return text_set(why, -EINVAL, refuse_id_length, SOCKETS_ID_LEN - 1);
	if (!sockets_id_is_well_formed(id))
		return text_set(why, -EINVAL, refuse_id_form, id);
	if (!sockets_may_name(&h->sockets, (uint32_t)socket, id))
		return text_set(why, -EEXIST, refuse_id_taken, id);
	return spec_check_sockets(h->spec, sockets_count(&h->sockets) + 1, why);
}

static int check_remove(const struct hotplug *h, int64_t socket, const char *id,
			struct text *why)
{
	const struct job *running = running_job(h);
	int err = check_able(h, why);

	if (socket < 0)
		return text_set(why, -ENOENT, refuse_id_unknown, id);
	if (running != NULL && running->operation == JOB_REMOVE &&
	    units_has(&running->units, (uint32_t)socket * h->sockets.topo->per_socket))
		return text_set(why, -EBUSY, refuse_unplug_running, id);
	if (err < 0)
		return err;
	return socket == 0 ? text_set(why, -EINVAL, refuse_boot_socket) : 0;
}

/* --- plans ---------------------------------------------------------------- */

static struct job_plan plan(const struct hotplug *h, enum job_operation op,
			    struct units cpus, uint32_t to, uint32_t timeout_ms)
{
	return (struct job_plan){
		.resource = JOB_CPU,
		.operation = op,
		.units = cpus,
		.from = sockets_count(&h->sockets),
		.to = to,
		.timeout_ms = timeout_ms,
		.start_ns = h->driver.host.now_ns(h->driver.host.ctx),
	};
}

/* The guest has as many: what its sockets lack, or else what it has not taken, and what
 * it may yet eject. */
static struct job_plan plan_finish(const struct hotplug *h, uint32_t count,
				   uint32_t timeout_ms)
{
	struct units lacking = sockets_lacking(&h->sockets);
	struct job_plan p;

	if (!units_empty(&lacking))
		return plan(h, JOB_ADD, lacking, count, timeout_ms);
	p = plan(h, JOB_ADD, sockets_unfinished(&h->sockets), count, timeout_ms);
	units_put_all(&p.units, &h->driver.engine.now.settling);
	p.told = true;
	return p;
}

static struct job_plan plan_resize(const struct hotplug *h, uint32_t to,
				   uint32_t timeout_ms)
{
	const struct sockets *s = &h->sockets;
	uint32_t count = sockets_count(s);

	if (to == count)
		return plan_finish(h, count, timeout_ms);
	if (to > count)
		return plan(h, JOB_ADD, sockets_lowest_absent(s, to - count), to,
			    timeout_ms);
	return plan(h, JOB_REMOVE, sockets_highest(s, count - to), to, timeout_ms);
}

/* --- requests ------------------------------------------------------------- */

/* Whether the host is to make the plan's vCPUs now, before anything is done. */
static bool is_to_make(const struct hotplug *h, const struct job_plan *p)
{
	return p->operation == JOB_ADD && !p->told &&
	       !cpu_removal_lasts(h->sockets.cpuhp, &p->units);
}

/* The vCPUs that an add needs are made first: what fails then changes nothing. */
static int make(struct hotplug *h, const struct job_plan *p, bool *made, struct text *why)
{
	*made = is_to_make(h, p);
	return *made ? driver_start(&h->driver, &p->units, why) : 0;
}

static void begin(struct hotplug *h, const struct job_plan *p, bool made)
{
	const struct cpu_event ev = { .kind = CPU_BEGIN, .plan = *p, .made = made };

	(void)driver_step(&h->driver, &ev);
	driver_look(&h->driver);
}

int hotplug_prepare(struct hotplug *h, uint32_t sockets, struct text *why)
{
	struct job_plan p;
	bool made;
	int err;

	driver_settle(&h->driver);
	if (sockets <= sockets_count(&h->sockets))
		return 0;
	p = plan_resize(h, sockets, HOTPLUG_TIMEOUT_MS);
	err = make(h, &p, &made, why);
	if (err == 0 && made)
		driver_stop(&h->driver, &p.units);
	return err;
}

int hotplug_resize(struct hotplug *h, int64_t sockets, uint32_t timeout_ms,
		   struct text *why)
{
	struct hotplug_view v;
	struct job_plan p;
	bool made;
	int err;

	driver_settle(&h->driver);
	v = hotplug_view(h);
	err = hotplug_check_resize(h->spec, &v, sockets, why);
	if (err < 0)
		return err;
	p = plan_resize(h, (uint32_t)sockets, timeout_ms);
	err = make(h, &p, &made, why);
	if (err < 0)
		return err;
	if (p.to > p.from)
		sockets_forget_ids(&h->sockets, &p.units);
	begin(h, &p, made);
	return 0;
}

int hotplug_add(struct hotplug *h, int64_t socket, const char *id, struct text *why)
{
	struct job_plan p;
	bool made;
	int err;

	driver_settle(&h->driver);
	err = check_add(h, socket, id, why);
	if (err < 0)
		return err;
	p = plan(h, JOB_ADD, sockets_cpus(&h->sockets, (uint32_t)socket),
		 sockets_count(&h->sockets) + 1, HOTPLUG_TIMEOUT_MS);
	p.device = true;
	err = make(h, &p, &made, why);
	if (err < 0)
		return err;
	sockets_set_id(&h->sockets, (uint32_t)socket, id);
	begin(h, &p, made);
	return 0;
}

int hotplug_remove(struct hotplug *h, const char *id, uint32_t timeout_ms,
		   struct text *why)
{
	struct job_plan p;
	int64_t socket;
	int err;

	driver_settle(&h->driver);
	socket = sockets_find(&h->sockets, id);
	err = check_remove(h, socket, id, why);
	if (err < 0)
		return err;
	p = plan(h, JOB_REMOVE, sockets_cpus(&h->sockets, (uint32_t)socket),
		 sockets_count(&h->sockets) - 1, timeout_ms);
	begin(h, &p, false);
	return 0;
}

int hotplug_cancel(struct hotplug *h, struct text *why)
{
	const struct job *job = &h->driver.engine.now.job;
	uint32_t asked = job_running(job) ? job->id : 0;
	int err;

	driver_settle(&h->driver);
	if (asked == 0)
		return text_set(why, -ENOENT, refuse_cancel_nothing);
	if (!job_running(job) || job->id != asked)
		return text_set(why, -ENOENT, refuse_cancel_over, asked);
	err = driver_step(&h->driver, &(struct cpu_event){ .kind = CPU_CANCEL });
	if (err < 0)
		return text_set(why, err, refuse_cancel_late, job->id, job->from);
	driver_look(&h->driver);
	return 0;
}

void hotplug_look(void *hotplug)
{
	struct hotplug *h = hotplug;

	driver_look(&h->driver);
}

/* --- life ----------------------------------------------------------------- */

void hotplug_reset(struct hotplug *h)
{
	driver_settle(&h->driver);
	(void)driver_step(&h->driver, &(struct cpu_event){ .kind = CPU_RESET });
}

int hotplug_new(const struct hotplug_host *host, const struct spec *spec,
		struct cpuhp *cpuhp, const struct hotplug_listener *listeners,
		size_t nlisteners, struct hotplug **out)
{
	struct hotplug *h = calloc(1, sizeof(*h));

	if (h == NULL || sockets_init(&h->sockets, cpuhp) < 0) {
		free(h);
		return -ENOMEM;
	}
	h->spec = spec;
	h->driver.host = *host;
	h->driver.listeners = listeners;
	h->driver.nlisteners = nlisteners;
	h->driver.cpuhp = cpuhp;
	h->driver.engine.sockets = &h->sockets;
	*out = h;
	return 0;
}

void hotplug_free(struct hotplug *h)
{
	if (h == NULL)
		return;
	sockets_destroy(&h->sockets);
	free(h);
}
