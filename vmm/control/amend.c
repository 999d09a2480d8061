#include "vmm/control/amend.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "vmm/base/log.h"
#include "vmm/config/refusal.h"
#include "vmm/config/spec_file.h"
#include "vmm/config/spec_parse.h"
#include "vmm/control/control.h"
#include "vmm/control/record.h"
#include "vmm/machine/machine.h"

uint32_t amend_spec(const struct control *c, enum spec_cpu k)
{
	if (k == SPEC_SOCKETS)
		return hotplug_view(machine_hotplug(c->machine)).wanted;
	return c->spec->stored[k] != 0 ? c->spec->stored[k] : spec_running(c->spec, k);
}

/* --- the plan
 * ----------------------------------------------------------------------------- */

/* The same number again finishes what is unfinished, unless a job does so already. */
static bool resizes(const struct hotplug_view *now, const struct patch *p)
{
	if (!p->named[SPEC_SOCKETS])
		return false;
	if (p->cpu[SPEC_SOCKETS] != now->wanted)
		return true;
	return now->running == NULL && (now->taken != now->wanted || now->settling);
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* A change of sockets may fail: what is stored has room for them before it and after. */
static uint32_t most_sockets(const struct hotplug_view *now, const struct patch *p)
{
	uint32_t most = larger(now->count, now->wanted);

	if (now->running != NULL)
		most = larger(most, now->running->from);
	if (p->named[SPEC_SOCKETS])
		most = larger(most, (uint32_t)p->cpu[SPEC_SOCKETS]);
	return most;
}

static int check_stored(const struct spec *next, uint32_t most, const struct patch *p,
			struct text *why)
{
	uint32_t max = (uint32_t)p->cpu[SPEC_MAX_SOCKETS];
	int k = SPEC_CPU_KEYS;

	if (p->named[SPEC_MAX_SOCKETS] && max < most) {
		text_set(why, -ERANGE, refuse_max_below, most, max, most);
		return patch_blame(p, SPEC_MAX_SOCKETS, -ERANGE, why);
	}
	if (spec_check_stored(next, most, why) == 0)
		return 0;
	while (--k > SPEC_SOCKETS && !p->named[k])
		;
	return patch_blame(p, (enum spec_cpu)k, -ERANGE, why);
}

/* next: the spec, with what is to be stored. */
static int check(const struct spec *next, const struct hotplug_view *now,
		 const struct patch *p, bool resizes, struct text *why)
{
	int err = 0;

	if (resizes)
		err = hotplug_check_resize(next, now, p->cpu[SPEC_SOCKETS], why);
	if (err == -ERANGE)
		return patch_blame(p, SPEC_SOCKETS, err, why);
	return err < 0 ? err : check_stored(next, most_sockets(now, p), p, why);
}

int amend_plan(const struct spec *spec, const struct hotplug_view *now,
	       const struct patch *p, struct amend_plan *out, struct text *why)
{
	struct spec next = *spec;

	for (int k = SPEC_CORES; k < SPEC_CPU_KEYS; k++)
		if (p->named[k])
			next.stored[k] = (uint32_t)p->cpu[k];
	*out = (struct amend_plan){
		.resizes = resizes(now, p),
		.sockets = p->cpu[SPEC_SOCKETS],
		.stores = memcmp(next.stored, spec->stored, sizeof(next.stored)) != 0,
	};
	memcpy(out->stored, next.stored, sizeof(out->stored));
	return check(&next, now, p, out->resizes, why);
}

/* --- doing it
 * ----------------------------------------------------------------------------- */

static int write_stored(struct control *c, const struct patch *p, struct text *why)
{
	struct text reason;
	int err;

	if (c->spec->from.file == NULL)
		return 0;
	err = spec_file_keep_stored(c->spec->from.file, p->named, c->spec->stored,
				    &reason);
	if (err == 0)
		return 0;
	text_set(why, err, refuse_patch_unwritten, reason.s);
	return spec_file_blame(c->spec->from.file, "", err, why);
}

/* "--cpus cores=2,threads=1,maxSockets=16" */
static void say_option(const struct control *c, struct text *t)
{
	text_set(t, 0, "--cpus %s=%" PRIu32 ",%s=%" PRIu32 ",%s=%" PRIu32,
		 spec_cpu_name(SPEC_CORES), amend_spec(c, SPEC_CORES),
		 spec_cpu_name(SPEC_THREADS), amend_spec(c, SPEC_THREADS),
		 spec_cpu_name(SPEC_MAX_SOCKETS), amend_spec(c, SPEC_MAX_SOCKETS));
}

/* Tells what is stored and does not run. */
static void tell(struct control *c)
{
	struct text what, option, why;

	if (!spec_differs(c->spec, &what)) {
		record_restart_required(c->record, NULL);
		return;
	}
	say_option(c, &option);
	if (c->spec->from.file != NULL)
		text_set(&why, 0, refuse_restart_file, what.s,
			 spec_file_name(c->spec->from.file));
	else
		text_set(&why, 0, refuse_restart_lost, what.s, option.s);
	record_restart_required(c->record, why.s);
}

/* A write that failed may have got as far as the file's name. It may be as it cannot be
 * written any more: then the file keeps what it has. */
static void undo(struct control *c, const struct patch *p,
		 const uint32_t before[SPEC_CPU_KEYS], bool tried)
{
	struct text why;

	spec_store(c->spec, before);
	if (tried && write_stored(c, p, &why) < 0)
		log_warn("%s; it may name CPUs of a patch that was refused", why.s);
}

/* Until something of it fails. *tried: the file may have been written. */
static int carry_out(struct control *c, const struct patch *p,
		     const struct amend_plan *plan, uint32_t timeout_ms, bool *tried,
		     struct text *why)
{
	int err = 0;

	if (plan->stores && plan->resizes)
		err = hotplug_prepare(machine_hotplug(c->machine),
				      (uint32_t)plan->sockets, why);
	if (err == 0 && plan->stores) {
		*tried = true;
		err = write_stored(c, p, why);
	}
	if (err == 0 && plan->resizes)
		err = hotplug_resize(machine_hotplug(c->machine), plan->sockets,
				     timeout_ms, why);
	return err;
}

int amend(struct control *c, const struct patch *p, uint32_t timeout_ms,
	  struct amended *out, struct text *why)
{
	uint32_t before[SPEC_CPU_KEYS];
	struct hotplug_view now;
	struct amend_plan plan;
	bool tried = false;
	int err;

	hotplug_look(machine_hotplug(c->machine));
	now = hotplug_view(machine_hotplug(c->machine));
	err = amend_plan(c->spec, &now, p, &plan, why);
	*out = (struct amended){ .changed = plan.stores || plan.resizes,
				 .job = plan.resizes };
	if (err < 0)
		return err;
	memcpy(before, c->spec->stored, sizeof(before));
	spec_store(c->spec, plan.stored);
	err = carry_out(c, p, &plan, timeout_ms, &tried, why);
	if (err < 0)
		undo(c, p, before, tried);
	else if (plan.stores)
		tell(c);
	return err;
}
