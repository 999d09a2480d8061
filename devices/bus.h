#ifndef DEVICES_BUS_H
#define DEVICES_BUS_H
/* bus: which device answers at an address. One for I/O ports, one for MMIO. Filled before
 * the first vCPU runs and constant after that, so that any thread may use it without a
 * lock. */

#include <stdbool.h>
#include <stdint.h>

#define BUS_REGIONS_MAX 8 /* devices on one bus; a device is not a CPU */

/* One access of the guest: len is 1, 2, 4 or 8 bytes, data is little-endian. offset
 * counts from the region's base, and offset + len stays inside it. Any vCPU thread. */
typedef void (*bus_fn)(void *dev, uint64_t offset, uint8_t *data, uint32_t len,
		       bool write);

struct bus {
	unsigned count;
	struct bus_region {
		uint64_t base, len;
		bus_fn fn;
		void *dev;
	} region[BUS_REGIONS_MAX];
};

/* Adds a region, which overlaps no other. 0; -ENOSPC; -EEXIST on overlap. */
int bus_add(struct bus *b, uint64_t base, uint64_t len, bus_fn fn, void *dev);

/* Gives the access to the device that holds all of it. Where there is none, reads give
 * ones and writes are lost, as on a PC's bus. Returns whether a device answered. */
bool bus_access(const struct bus *b, uint64_t addr, uint8_t *data, uint32_t len,
		bool write);

/* A register's value from and to the bytes of an access, zero-extended. len is up to
 * 8. */
uint64_t bus_get(const uint8_t *data, uint32_t len);
void bus_put(uint8_t *data, uint32_t len, uint64_t value);

#endif
