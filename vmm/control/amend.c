#include "vmm/control/amend.h"

#include <errno.h>
#include <string.h>

#include "vmm/config/refusal.h"
#include "vmm/config/spec_parse.h"
#include "vmm/control/control.h"
#include "vmm/machine/machine.h"

uint32_t amend_spec(const struct control *c, enum spec_cpu k)
{
	if (k == SPEC_SOCKETS)
		return hotplug_view(machine_hotplug(c->machine)).wanted;
	return c->spec->stored[k] != 0 ? c->spec->stored[k] : spec_running(c->spec, k);
}

/* --- the plan ------------------------------------------------------------- */

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
