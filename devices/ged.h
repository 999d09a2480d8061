#ifndef DEVICES_GED_H
#define DEVICES_GED_H
/* ged: the Generic Event Device (ACPI 6.4, 5.6.9). A word of pending events and one
 * level-triggered line, high while any of them is pending, so that an event raised before
 * the guest's driver is there waits for it.
 *
 * A guest whose _EVT fails leaves the line high and would take the interrupt for ever.
 * After GED_STORM reads of the word with nothing acknowledged the line is lowered, and
 * raised again with the next event. */

#include <stdbool.h>
#include <stdint.h>

#include "devices/mtx.h"

#define GED_STORM 1000

/* What it is, as plain data that can be saved. */
struct ged_state {
	uint64_t storms;  /* times that the line was lowered with something pending */
	uint32_t pending; /* GED_CPU, GED_POWER */
	uint32_t unacked; /* reads of the word since something last changed, up to
			   * GED_STORM: the line is low then */
};

struct ged {
	/* Sets the interrupt line. Called from any thread with the lock held, so that the
	 * levels arrive in order: it must not block nor come back here. */
	void (*line)(void *ctx, bool level);
	/* The line was muted. Any vCPU thread, without the lock; or NULL. */
	void (*stormed)(void *ctx);
	void *ctx; /* as the two above constant */

	struct mtx lock; /* guards the state */
	struct ged_state s;
};

/* Nothing pending, line low. stormed may be NULL. */
void ged_init(struct ged *g, void (*line)(void *ctx, bool level),
	      void (*stormed)(void *ctx), void *ctx);

/* The machine starts again: as after ged_init(), but what storms there were stay
 * counted. */
void ged_reset(struct ged *g) NOT_HOLDING(FROM_GED);

/* Sets or clears an event; setting one that is set counts as a new one. Any thread. */
void ged_set(struct ged *g, uint32_t event, bool pending) NOT_HOLDING(FROM_GED);

/* The same for a block that is loaded after the GED: only what differs is an event. */
void ged_follow(struct ged *g, uint32_t event, bool pending) NOT_HOLDING(FROM_GED);

/* Bus access to the event word, a bus_fn; dev is the ged. */
void ged_access(void *dev, uint64_t offset, uint8_t *data, uint32_t len, bool write);

/* How often the guest was found to take the interrupt without answering. Any thread. */
uint64_t ged_storms(struct ged *g) NOT_HOLDING(FROM_GED);

/* No vCPU runs. To load sets the line, whatever it was. It comes before the blocks whose
 * events the word has. 0; or -EINVAL, and nothing is changed, for what no GED can be. */
void ged_save(struct ged *g, struct ged_state *out) NOT_HOLDING(FROM_GED);
int ged_load(struct ged *g, const struct ged_state *in) NOT_HOLDING(FROM_GED);

#endif
