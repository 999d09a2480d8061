#include "vmm/control/amend.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "vmm/base/log.h"
#include "vmm/machine/machine.h"
#include "vmm/config/refusal.h"
#include "vmm/config/spec_file.h"

uint32_t amend_spec(const struct machine *m, enum spec_cpu k)
{
	if (k == SPEC_SOCKETS)
		return hotplug_view(m->hotplug).wanted;
	return m->spec.stored[k] != 0 ? m->spec.stored[k] : spec_running(&m->spec, k);
}

/* --- checks
 * ------------------------------------------------------------------------------- */

/* The same number again finishes what is unfinished, unless a job does so already. */
static bool resizes(const struct machine *m, const struct patch *p)
{
	const struct job *job = hotplug_job(m->hotplug);
	uint32_t wanted = hotplug_view(m->hotplug).wanted;

	if (!p->named[SPEC_SOCKETS])
		return false;
	if (p->cpu[SPEC_SOCKETS] != wanted)
		return true;
	return (job == NULL || !job_running(job)) &&
	       sockets_taken(hotplug_sockets(m->hotplug)) != wanted;
}

static bool stores(const struct machine *m, const struct patch *p)
{
	for (int k = SPEC_CORES; k < SPEC_CPU_KEYS; k++)
		if (p->named[k] && p->cpu[k] != m->spec.stored[k])
			return true;
	return false;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* A change of sockets may fail: what is stored has room for them before it and after. */
static uint32_t most_sockets(const struct machine *m, const struct patch *p)
{
	const struct job *job = hotplug_job(m->hotplug);
	uint32_t most = sockets_count(hotplug_sockets(m->hotplug));

	if (job != NULL && job_running(job))
		most = larger(most, larger(job->from, job->to));
	if (p->named[SPEC_SOCKETS])
		most = larger(most, (uint32_t)p->cpu[SPEC_SOCKETS]);
	return most;
}

static int check_stored(const struct machine *m, const struct patch *p, struct text *why)
{
	uint32_t most = most_sockets(m, p), max = (uint32_t)p->cpu[SPEC_MAX_SOCKETS];
	int k = SPEC_CPU_KEYS;

	if (p->named[SPEC_MAX_SOCKETS] && max < most) {
		text_set(why, -ERANGE, refuse_max_below, most, max, most);
		return patch_blame(p, SPEC_MAX_SOCKETS, -ERANGE, why);
	}
	if (spec_check_stored(&m->spec, most, why) == 0)
		return 0;
	while (--k > SPEC_SOCKETS && !p->named[k])
		;
	return patch_blame(p, (enum spec_cpu)k, -ERANGE, why);
}

/* What is stored is in m->spec already. */
static int check(const struct machine *m, const struct patch *p, struct text *why)
{
	const struct hotplug_view now = hotplug_view(m->hotplug);
	int err = 0;

	if (resizes(m, p))
		err = hotplug_check_resize(&m->spec, &now, p->cpu[SPEC_SOCKETS], why);
	if (err == -ERANGE)
		return patch_blame(p, SPEC_SOCKETS, err, why);
	return err < 0 ? err : check_stored(m, p, why);
}

/* --- doing it
 * ----------------------------------------------------------------------------- */

static int write_stored(struct machine *m, const struct patch *p, struct text *why)
{
	struct text reason;
	int err;

	if (m->spec.file == NULL)
		return 0;
	err = spec_file_keep_stored(m->spec.file, p->named, m->spec.stored, &reason);
	if (err == 0)
		return 0;
	text_set(why, err, refuse_patch_unwritten, reason.s);
	return spec_file_blame(m->spec.file, err, why);
}

/* "--cpus cores=2,threads=1,maxSockets=16" */
static void say_option(const struct machine *m, struct text *t)
{
	text_set(t, 0, "--cpus %s=%" PRIu32 ",%s=%" PRIu32 ",%s=%" PRIu32,
		 spec_cpu_name(SPEC_CORES), amend_spec(m, SPEC_CORES),
		 spec_cpu_name(SPEC_THREADS), amend_spec(m, SPEC_THREADS),
		 spec_cpu_name(SPEC_MAX_SOCKETS), amend_spec(m, SPEC_MAX_SOCKETS));
}

/* Tells what is stored and does not run. */
static void tell(struct machine *m)
{
	struct text what, option, why;

	if (!spec_differs(&m->spec, &what)) {
		record_restart_required(&m->record, NULL);
		return;
	}
	say_option(m, &option);
	if (m->spec.file != NULL)
		text_set(&why, 0, refuse_restart_file, what.s,
			 spec_file_name(m->spec.file));
	else
		text_set(&why, 0, refuse_restart_lost, what.s, option.s);
	record_restart_required(&m->record, why.s);
}

/* A write that failed may have got as far as the file's name. It may be as it cannot be
 * written any more: then the file keeps what it has. */
static void undo(struct machine *m, const struct patch *p,
		 const uint32_t before[SPEC_CPU_KEYS], bool tried)
{
	struct text why;

	memcpy(m->spec.stored, before, sizeof(m->spec.stored));
	if (tried && write_stored(m, p, &why) < 0)
		log_warn("%s; it may name CPUs of a patch that was refused", why.s);
}

int amend(struct machine *m, const struct patch *p, uint32_t timeout_ms,
	  struct amended *out, struct text *why)
{
	bool stored = stores(m, p), tried = false;
	uint32_t before[SPEC_CPU_KEYS];
	int err;

	*out = (struct amended){ .job = resizes(m, p) };
	out->changed = stored || out->job;
	memcpy(before, m->spec.stored, sizeof(before));
	for (int k = SPEC_CORES; k < SPEC_CPU_KEYS; k++)
		if (p->named[k])
			m->spec.stored[k] = (uint32_t)p->cpu[k];
	err = check(m, p, why);
	if (err == 0 && stored && out->job)
		err = hotplug_prepare(m->hotplug, (uint32_t)p->cpu[SPEC_SOCKETS], why);
	if (err == 0 && stored) {
		tried = true;
		err = write_stored(m, p, why);
	}
	if (err == 0 && out->job)
		err = hotplug_resize(m->hotplug, p->cpu[SPEC_SOCKETS], timeout_ms, why);
	if (err < 0)
		undo(m, p, before, tried);
	else if (stored)
		tell(m);
	return err;
}
