#ifndef VMM_HOTPLUG_UNITS_H
#define VMM_HOTPLUG_UNITS_H
/* units: a set of what can be plugged, each by its number: the vCPUs of a job, the
 * sockets that went. A value: it is copied, compared and saved as it stands. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNITS_MAX 4096 /* numbers are below this */

struct units {
	uint64_t word[UNITS_MAX / 64];
};

void units_put(struct units *u, uint32_t unit);
void units_drop(struct units *u, uint32_t unit);
void units_put_all(struct units *u, const struct units *more);
void units_drop_all(struct units *u, const struct units *less);
bool units_has(const struct units *u, uint32_t unit);
bool units_meet(const struct units *a, const struct units *b); /* one is in both */
bool units_empty(const struct units *u);
uint32_t units_count(const struct units *u);

/* The first that is not below `from`; UNITS_MAX when there is none. */
uint32_t units_next(const struct units *u, uint32_t from);

/* Writes all, ascending, to out, which has room for them. How many. */
size_t units_list(const struct units *u, uint32_t *out);

/* "4-7,9"; cut short where len is too little. */
void units_name(const struct units *u, char *out, size_t len);

/* For each in u, ascending; what is dropped on the way may be the one at hand. */
#define UNITS_EACH(unit, u)                                                              \
	for (uint32_t unit = units_next(u, 0); unit < UNITS_MAX;                         \
	     unit = units_next(u, unit + 1))

#endif
