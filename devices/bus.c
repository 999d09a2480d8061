#include "devices/bus.h"

#include <errno.h>
#include <string.h>

int bus_add(struct bus *b, uint64_t base, uint64_t len, bus_fn fn, void *dev)
{
	if (b->count == BUS_REGIONS_MAX)
		return -ENOSPC;
	for (unsigned i = 0; i < b->count; i++) {
		const struct bus_region *r = &b->region[i];

		if (base < r->base + r->len && r->base < base + len)
			return -EEXIST;
	}
	b->region[b->count++] = (struct bus_region){ base, len, fn, dev };
	return 0;
}

bool bus_access(const struct bus *b, uint64_t addr, uint8_t *data, uint32_t len,
		bool write)
{
	for (unsigned i = 0; i < b->count; i++) {
		const struct bus_region *r = &b->region[i];

		if (addr < r->base || addr - r->base >= r->len)
			continue;
		if (len > r->len - (addr - r->base))
			break;
		r->fn(r->dev, addr - r->base, data, len, write);
		return true;
	}
	if (!write)
		memset(data, 0xff, len);
	return false;
}

uint64_t bus_get(const uint8_t *data, uint32_t len)
{
	uint64_t v = 0;

	for (uint32_t i = 0; i < len && i < 8; i++)
		v |= (uint64_t)data[i] << (8 * i);
	return v;
}

void bus_put(uint8_t *data, uint32_t len, uint64_t value)
{
	for (uint32_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i < 8 ? value >> (8 * i) & 0xff : 0);
}
