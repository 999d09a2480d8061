#include "vmm/hotplug/hotplug.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "devices/clock.h"
#include "vmm/hotplug/hotplug_job.h"
#include "vmm/config/refusal.h"

const struct job *hotplug_job(const struct hotplug *h)
{
	return h->job.id > 0 ? &h->job : NULL;
}

const struct sockets *hotplug_sockets(const struct hotplug *h)
{
	return &h->sockets;
}

/* Gives the guest the vCPUs in h->cpus; n may be 0. */
static int add(struct hotplug *h, uint32_t to, uint32_t n, uint32_t timeout_ms,
	       struct text *why)
{
	uint64_t start_ns = now_ns();
	bool later = hotplug_removal_lasts(h, h->cpus, n);
	int err = later ? 0 : hotplug_make_vcpus(h, h->cpus, n, why);

	if (err < 0)
		return err;
	if (later)
		hotplug_start_job(h, JOB_ADD, to, n, timeout_ms);
	else
		hotplug_start_add(h, to, n, timeout_ms, start_ns);
	hotplug_look(h);
	return 0;
}

static int take(struct hotplug *h, uint32_t to, uint32_t n, uint32_t timeout_ms)
{
	hotplug_start_job(h, JOB_REMOVE, to, n, timeout_ms);
	cpuhp_ask_removal(h->cpuhp, h->job.cpu, n);
	hotplug_look(h);
	return 0;
}

/* The guest has this many sockets: plug what they lack, or wait for what it has not
 * taken. */
static int finish(struct hotplug *h, uint32_t sockets, uint32_t timeout_ms,
		  struct text *why)
{
	uint32_t n = sockets_lacking(&h->sockets, h->cpus);

	if (n > 0)
		return add(h, sockets, n, timeout_ms, why);
	n = sockets_unfinished(&h->sockets, h->cpus);
	cpuhp_remind(h->cpuhp, h->cpus, n);
	hotplug_start_job(h, JOB_ADD, sockets, n, timeout_ms);
	hotplug_enter_phase(h, JOB_PLUGGED, now_ns());
	hotplug_look(h);
	return 0;
}

static int check_idle(const struct hotplug *h, struct text *why)
{
	if (!job_running(&h->job))
		return 0;
	return text_set(why, -EBUSY, refuse_job_running, h->job.id, h->job.from_sockets,
			h->job.sockets, job_phase_name(h->job.phase));
}

/* That one socket may come or go now. */
static int check_able(const struct hotplug *h, struct text *why)
{
	int err = spec_check_hotplug(h->spec, why);

	return err < 0 ? err : check_idle(h, why);
}

uint32_t hotplug_wanted(const struct hotplug *h)
{
	return job_running(&h->job) ? h->job.sockets : sockets_count(&h->sockets);
}

int hotplug_check_resize(const struct hotplug *h, int64_t sockets, struct text *why)
{
	int err = spec_check_sockets(h->spec, sockets, why);

	return err < 0 ? err : check_idle(h, why);
}

int hotplug_prepare(struct hotplug *h, uint32_t sockets, struct text *why)
{
	uint32_t now = sockets_count(&h->sockets), n;
	int err;

	if (sockets <= now)
		return 0;
	n = sockets_lowest_absent(&h->sockets, sockets - now, h->cpus);
	if (hotplug_removal_lasts(h, h->cpus, n))
		return 0;
	err = hotplug_make_vcpus(h, h->cpus, n, why);
	for (uint32_t i = 0; err == 0 && i < n; i++)
		vcpu_stop(h->vcpu[h->cpus[i]]);
	return err;
}

int hotplug_resize(struct hotplug *h, int64_t sockets, uint32_t timeout_ms,
		   struct text *why)
{
	uint32_t now, to = (uint32_t)sockets;
	int err = hotplug_check_resize(h, sockets, why);

	if (err < 0)
		return err;
	now = sockets_count(&h->sockets);
	if (to > now) {
		uint32_t n = sockets_lowest_absent(&h->sockets, to - now, h->cpus);

		sockets_forget_ids(&h->sockets, h->cpus, n);
		return add(h, to, n, timeout_ms, why);
	}
	if (to < now)
		return take(h, to, sockets_highest(&h->sockets, now - to, h->cpus),
			    timeout_ms);
	return finish(h, to, timeout_ms, why);
}

static int check_add(const struct hotplug *h, int64_t socket, const char *id,
		     struct text *why)
{
	uint32_t max = h->sockets.topo->max_sockets;
	int err = check_able(h, why);

	if (socket < 0 || socket >= max)
		return text_set(why, -ERANGE, refuse_socket_id_high, socket, max - 1, max,
				spec_limit_source_name(h->spec));
	if (err < 0)
		return err;
	if (sockets_has(&h->sockets, (uint32_t)socket))
		return text_set(why, -EEXIST, refuse_socket_id_plugged, socket);
	if (strlen(id) == 0 || strlen(id) >= SOCKETS_ID_LEN)
		return text_set(why, -EINVAL, refuse_id_length, SOCKETS_ID_LEN - 1);
	if (!sockets_may_name(&h->sockets, (uint32_t)socket, id))
		return text_set(why, -EEXIST, refuse_id_taken, id);
	return spec_check_sockets(h->spec, sockets_count(&h->sockets) + 1, why);
}

int hotplug_add(struct hotplug *h, int64_t socket, const char *id, struct text *why)
{
	int err = check_add(h, socket, id, why);

	if (err < 0)
		return err;
	if (sockets_set_id(&h->sockets, (uint32_t)socket, id) < 0)
		return text_set(why, -ENOMEM, "no memory for the id");
	return add(h, sockets_count(&h->sockets) + 1,
		   sockets_cpus(&h->sockets, (uint32_t)socket, h->cpus),
		   HOTPLUG_TIMEOUT_MS, why);
}

int hotplug_remove(struct hotplug *h, const char *id, uint32_t timeout_ms,
		   struct text *why)
{
	int64_t socket = sockets_find(&h->sockets, id);
	int err = check_able(h, why);

	if (socket < 0)
		return text_set(why, -ENOENT, refuse_id_unknown, id);
	if (err < 0 && h->job.operation == JOB_REMOVE &&
	    job_has(&h->job, (uint32_t)socket * h->sockets.topo->per_socket))
		return text_set(why, -EBUSY, refuse_unplug_running, id);
	if (err < 0)
		return err;
	if (socket == 0)
		return text_set(why, -EINVAL, refuse_boot_socket);
	return take(h, sockets_count(&h->sockets) - 1,
		    sockets_cpus(&h->sockets, (uint32_t)socket, h->cpus), timeout_ms);
}

/* Takes an add back. */
static int unplug(struct hotplug *h, struct text *why)
{
	if (h->job.phase == JOB_ACCEPTED)
		return 0;
	if (cpuhp_unplug(h->cpuhp, h->job.cpu, h->job.ncpus) < 0)
		return text_set(why, -EBUSY, refuse_cancel_late, h->job.id,
				h->job.from_sockets);
	for (uint32_t i = 0; i < h->job.ncpus; i++)
		vcpu_stop(h->vcpu[h->job.cpu[i]]);
	return 0;
}

int hotplug_cancel(struct hotplug *h, struct text *why)
{
	int err;

	hotplug_look(h);
	if (!job_running(&h->job))
		return text_set(why, -ENOENT, refuse_cancel_nothing);
	err = h->job.operation == JOB_ADD ? unplug(h, why) : 0;
	if (err < 0)
		return err;
	text_set(&h->job.message, 0, "cancelled by request");
	hotplug_complete(h, JOB_CANCELLED);
	hotplug_look(h); /* at what is to be made whole */
	return 0;
}

/* --- life
 * --------------------------------------------------------------------------------- */

int hotplug_new(struct event_base *base, const struct spec *spec, struct cpuhp *cpuhp,
		struct vcpu_env *env, struct vcpu **vcpu,
		const struct hotplug_listener *listeners, size_t nlisteners,
		struct hotplug **out)
{
	struct hotplug *h = calloc(1, sizeof(*h));
	size_t n = cpuhp->topo->max_vcpus;

	if (h == NULL)
		return -ENOMEM;
	*h = (struct hotplug){
		.spec = spec,
		.cpuhp = cpuhp,
		.env = env,
		.vcpu = vcpu,
		.listeners = listeners,
		.nlisteners = nlisteners,
	};
	h->cpus = calloc(n, sizeof(*h->cpus));
	h->job_cpus = calloc(n, sizeof(*h->job_cpus));
	h->came_late = calloc(n, sizeof(*h->came_late));
	h->timer = evtimer_new(base, hotplug_on_timer, h);
	if (h->cpus == NULL || h->job_cpus == NULL || h->came_late == NULL ||
	    h->timer == NULL || sockets_init(&h->sockets, cpuhp) < 0) {
		hotplug_free(h);
		return -ENOMEM;
	}
	*out = h;
	return 0;
}

void hotplug_free(struct hotplug *h)
{
	if (h == NULL)
		return;
	if (h->timer != NULL)
		event_free(h->timer);
	sockets_destroy(&h->sockets);
	free(h->came_late);
	free(h->job_cpus);
	free(h->cpus);
	free(h);
}
