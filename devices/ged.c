#include "devices/ged.h"

#include <errno.h>

#include "acpi/layout.h"
#include "devices/bus.h"

void ged_init(struct ged *g, void (*line)(void *ctx, bool level),
	      void (*stormed)(void *ctx), void *ctx)
{
	*g = (struct ged){
		.line = line, .stormed = stormed, .ctx = ctx, .lock = MTX_INIT
	};
}

static bool level_locked(const struct ged *g) HOLDS(g->lock, RANK_GED)
{
	return g->s.pending != 0 && g->s.unacked < GED_STORM;
}

/* Something happened: the guest is given a fresh chance. */
static void update_locked(struct ged *g, uint32_t pending) HOLDS(g->lock, RANK_GED)
{
	bool before = level_locked(g);

	g->s.pending = pending;
	g->s.unacked = 0;
	if (level_locked(g) != before)
		g->line(g->ctx, !before);
}

void ged_set(struct ged *g, uint32_t event, bool pending)
{
	mtx_lock_at(&g->lock, &RANK_GED);
	update_locked(g, pending ? g->s.pending | event : g->s.pending & ~event);
	mtx_unlock_at(&g->lock, &RANK_GED);
}

void ged_follow(struct ged *g, uint32_t event, bool pending)
{
	mtx_lock_at(&g->lock, &RANK_GED);
	if (((g->s.pending & event) != 0) != pending)
		update_locked(g, g->s.pending ^ event);
	mtx_unlock_at(&g->lock, &RANK_GED);
}

void ged_reset(struct ged *g)
{
	mtx_lock_at(&g->lock, &RANK_GED);
	update_locked(g, 0);
	mtx_unlock_at(&g->lock, &RANK_GED);
}

/* Returns whether that was one too many. */
static bool count_read_locked(struct ged *g) HOLDS(g->lock, RANK_GED)
{
	if (!level_locked(g) || ++g->s.unacked < GED_STORM)
		return false;
	g->s.storms++;
	g->line(g->ctx, false);
	return true;
}

void ged_access(void *dev, uint64_t offset, uint8_t *data, uint32_t len, bool write)
{
	struct ged *g = dev;
	uint32_t value = 0;
	bool stormed = false;

	mtx_lock_at(&g->lock, &RANK_GED);
	if (offset == 0 && write) {
		uint32_t ack = (uint32_t)bus_get(data, len) & ~(uint32_t)GED_CPU;

		if (g->s.pending & ack)
			update_locked(g, g->s.pending & ~ack);
	} else if (offset == 0) {
		value = g->s.pending;
		stormed = count_read_locked(g);
	}
	mtx_unlock_at(&g->lock, &RANK_GED);
	if (stormed && g->stormed != NULL)
		g->stormed(g->ctx);
	if (!write)
		bus_put(data, len, value);
}

uint64_t ged_storms(struct ged *g)
{
	uint64_t n;

	mtx_lock_at(&g->lock, &RANK_GED);
	n = g->s.storms;
	mtx_unlock_at(&g->lock, &RANK_GED);
	return n;
}

void ged_save(struct ged *g, struct ged_state *out)
{
	mtx_lock_at(&g->lock, &RANK_GED);
	*out = g->s;
	mtx_unlock_at(&g->lock, &RANK_GED);
}

static bool can_be(const struct ged_state *s)
{
	return (s->pending & ~(uint32_t)(GED_CPU | GED_POWER)) == 0 &&
	       s->unacked <= GED_STORM && (s->pending != 0 || s->unacked == 0) &&
	       (s->unacked < GED_STORM || s->storms > 0);
}

int ged_load(struct ged *g, const struct ged_state *in)
{
	if (!can_be(in))
		return -EINVAL;
	mtx_lock_at(&g->lock, &RANK_GED);
	g->s = *in;
	g->line(g->ctx, level_locked(g));
	mtx_unlock_at(&g->lock, &RANK_GED);
	return 0;
}
