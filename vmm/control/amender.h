#ifndef VMM_CONTROL_AMENDER_H
#define VMM_CONTROL_AMENDER_H
/* amender: does what a patch asks for (amend.h has the plan). What is stored is on disk
 * before anything is said of it or done; the writer's thread waits for that, and
 * everything else goes on meanwhile. Main only. */

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/text.h"
#include "vmm/config/patch.h"

struct amender;
struct control;

struct amended {
	bool changed; /* the spec, or a job began */
	bool job;     /* it is hotplug_job() */
};

/* How it ended: err 0 with *out; or a negative errno with *why, and nothing has
 * changed. */
typedef void amend_done_fn(void *ctx, int err, const struct amended *out,
			   const struct text *why);

/* 0 or -ENOMEM. *c outlives it. */
int amender_new(struct control *c, struct amender **out);
void amender_free(struct amender *a);

/* 0 and *out: it is done. 1: the file is being written, and done(ctx, ...) is called
 * once, later. A negative errno with *why: nothing has changed: what amend_plan() says,
 * -EBUSY while another patch is being written, or what stopped the file from being
 * written or a vCPU from being made. */
int amender_patch(struct amender *a, const struct patch *p, uint32_t timeout_ms,
		  amend_done_fn *done, void *ctx, struct amended *out, struct text *why);

#endif
