#include "vmm/control/amender.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/log.h"
#include "vmm/base/writer.h"
#include "vmm/config/refusal.h"
#include "vmm/config/spec_file.h"
#include "vmm/config/spec_parse.h"
#include "vmm/control/amend.h"
#include "vmm/control/control.h"
#include "vmm/control/record.h"
#include "vmm/machine/machine.h"

struct amender {
	struct control *c;
	struct writer_file file;
	bool writes; /* a patch; what it is about is with the writer */
};

/* One patch that is carried out. */
struct change {
	struct patch patch;
	struct amend_plan plan;
	uint32_t before[SPEC_CPU_KEYS]; /* what was stored */
	uint32_t timeout_ms;
	bool undo; /* the file gets back what it had; nobody waits for it */
	amend_done_fn *done;
	void *ctx;
};

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

/* The writer's thread. */
static int write_stored(void *ctx, void *what, struct text *why)
{
	const struct amender *a = ctx;
	const struct change *ch = what;

	return spec_file_keep_stored(a->c->spec->from.file, ch->patch.named,
				     ch->undo ? ch->before : ch->plan.stored, why);
}

/* A write that failed may have got as far as the file's name. It may be as it cannot be
 * written any more: then the file keeps what it has. */
static void put_back(struct amender *a, const struct change *ch)
{
	struct change *undo = malloc(sizeof(*undo));

	if (undo == NULL)
		return;
	*undo = *ch;
	undo->undo = true;
	undo->done = NULL;
	writer_put(a->c->writer, &a->file, undo);
}

static int blame_file(const struct control *c, int err, const struct text *reason,
		      struct text *why)
{
	text_set(why, err, refuse_patch_unwritten, reason->s);
	return spec_file_blame(c->spec->from.file, "", err, why);
}

/* All that is left when what is stored is safe. */
static int finish(struct amender *a, const struct change *ch, struct text *why)
{
	struct control *c = a->c;
	int err = 0;

	spec_store(c->spec, ch->plan.stored);
	if (ch->plan.resizes)
		err = hotplug_resize(machine_hotplug(c->machine), ch->plan.sockets,
				     ch->timeout_ms, why);
	if (err < 0)
		spec_store(c->spec, ch->before);
	else if (ch->plan.stores)
		tell(c);
	return err;
}

static struct amended amended(const struct change *ch)
{
	return (struct amended){ .changed = ch->plan.stores || ch->plan.resizes,
				 .job = ch->plan.resizes };
}

static void on_undone(struct amender *a, int err, const struct text *reason)
{
	struct text why;

	if (err == 0)
		return;
	(void)blame_file(a->c, err, reason, &why);
	log_warn("%s; it may name CPUs of a patch that was refused", why.s);
}

static void on_written(void *ctx, void *what, int err, const struct text *reason)
{
	struct amender *a = ctx;
	struct change *ch = what;
	struct amended out = amended(ch);
	struct text why;

	if (ch->undo) {
		on_undone(a, err, reason);
		free(ch);
		return;
	}
	a->writes = false;
	err = err < 0 ? blame_file(a->c, err, reason, &why) : finish(a, ch, &why);
	if (err < 0)
		put_back(a, ch);
	ch->done(ch->ctx, err, &out, &why);
	free(ch);
}

/* The VM ends; or an undo gives way to what is newer, which writes all that is named. */
static void drop(void *what)
{
	struct change *ch = what;
	struct amended out = { 0 };
	struct text why;

	if (ch->done != NULL) {
		text_set(&why, -ECANCELED, "the VM ends");
		ch->done(ch->ctx, -ECANCELED, &out, &why);
	}
	free(ch);
}

static int write_first(struct amender *a, const struct change *ch, struct text *why)
{
	struct change *later = malloc(sizeof(*later));

	if (later == NULL)
		return text_set(why, -ENOMEM, "no memory for the patch");
	*later = *ch;
	a->writes = true;
	writer_put(a->c->writer, &a->file, later);
	return 1;
}

static int carry_out(struct amender *a, const struct change *ch, struct text *why)
{
	int err = 0;

	if (ch->plan.stores && ch->plan.resizes)
		err = hotplug_prepare(machine_hotplug(a->c->machine),
				      (uint32_t)ch->plan.sockets, why);
	if (err < 0)
		return err;
	if (ch->plan.stores && a->c->spec->from.file != NULL)
		return write_first(a, ch, why);
	return finish(a, ch, why);
}

int amender_patch(struct amender *a, const struct patch *p, uint32_t timeout_ms,
		  amend_done_fn *done, void *ctx, struct amended *out, struct text *why)
{
	struct control *c = a->c;
	struct change ch = {
		.patch = *p, .timeout_ms = timeout_ms, .done = done, .ctx = ctx
	};
	struct hotplug_view now;
	int err;

	hotplug_look(machine_hotplug(c->machine));
	now = hotplug_view(machine_hotplug(c->machine));
	err = amend_plan(c->spec, &now, p, &ch.plan, why);
	*out = amended(&ch);
	if (err < 0)
		return err;
	if (a->writes)
		return text_set(why, -EBUSY, refuse_patch_running);
	memcpy(ch.before, c->spec->stored, sizeof(ch.before));
	return carry_out(a, &ch, why);
}

int amender_new(struct control *c, struct amender **out)
{
	struct amender *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return -ENOMEM;
	a->c = c;
	a->file = (struct writer_file){ write_stored, on_written, drop, a, NULL, NULL };
	if (c->writer != NULL)
		writer_add(c->writer, &a->file);
	*out = a;
	return 0;
}

void amender_free(struct amender *a)
{
	free(a);
}
