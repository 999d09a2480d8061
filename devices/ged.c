#include "devices/ged.h"

#include "acpi/layout.h"
#include "devices/bus.h"

void ged_init(struct ged *g, void (*line)(void *ctx, bool level),
	      void (*stormed)(void *ctx), void *ctx)
{
	*g = (struct ged){
		.line = line, .stormed = stormed, .ctx = ctx, .lock = MTX_INIT
	};
}

static bool level_locked(const struct ged *g) HOLDS(g->lock)
{
	return g->pending != 0 && !g->muted;
}

/* Something happened: the guest is given a fresh chance. */
static void update_locked(struct ged *g, uint32_t pending) HOLDS(g->lock)
{
	bool before = level_locked(g);

	g->pending = pending;
	g->unacked = 0;
	g->muted = false;
	if (level_locked(g) != before)
		g->line(g->ctx, !before);
}

void ged_set(struct ged *g, uint32_t event, bool pending)
{
	mtx_lock(&g->lock);
	update_locked(g, pending ? g->pending | event : g->pending & ~event);
	mtx_unlock(&g->lock);
}

void ged_reset(struct ged *g)
{
	mtx_lock(&g->lock);
	update_locked(g, 0);
	mtx_unlock(&g->lock);
}

/* Returns whether that was one too many. */
static bool count_read_locked(struct ged *g) HOLDS(g->lock)
{
	if (!level_locked(g) || ++g->unacked < GED_STORM)
		return false;
	g->muted = true;
	g->storms++;
	g->line(g->ctx, false);
	return true;
}

void ged_access(void *dev, uint64_t offset, uint8_t *data, uint32_t len, bool write)
{
	struct ged *g = dev;
	uint32_t value = 0;
	bool stormed = false;

	mtx_lock(&g->lock);
	if (offset == 0 && write) {
		uint32_t ack = (uint32_t)bus_get(data, len) & ~(uint32_t)GED_CPU;

		if (g->pending & ack)
			update_locked(g, g->pending & ~ack);
	} else if (offset == 0) {
		value = g->pending;
		stormed = count_read_locked(g);
	}
	mtx_unlock(&g->lock);
	if (stormed && g->stormed != NULL)
		g->stormed(g->ctx);
	if (!write)
		bus_put(data, len, value);
}

uint64_t ged_storms(struct ged *g)
{
	uint64_t n;

	mtx_lock(&g->lock);
	n = g->storms;
	mtx_unlock(&g->lock);
	return n;
}
