#include "acpi/aarch64/gtdt.h"

#include "acpi/layout.h"
#include "acpi/sdt.h"

enum {
	GTDT_REVISION = 3,
	GTDT_CONTROL_BASE = 36, /* of the block in memory: all ones, as there is none */
	GTDT_TIMERS = 48,
	GTDT_READ_BASE = 80,
	GTDT_LEN = 104,

	/* Flags of a timer: level, active high unless said. */
	ALWAYS_ON = 1 << 2,
};

static const struct {
	uint32_t intr, flags;
} timers[] = {
	{ TIMER_SECURE_INTR, 0 },
	{ TIMER_INTR, 0 },
	{ TIMER_VIRT_INTR, ALWAYS_ON },
	{ TIMER_HYP_INTR, 0 },
};

size_t gtdt_len(const struct topology *t)
{
	(void)t;
	return GTDT_LEN;
}

void gtdt_build(const struct topology *t, const unsigned char *enabled,
		unsigned char *buf)
{
	unsigned char *p = buf + GTDT_TIMERS;

	(void)t;
	(void)enabled;
	sdt_begin(buf, "GTDT", GTDT_REVISION);
	sdt_put(buf + GTDT_CONTROL_BASE, 8, UINT64_MAX);
	for (size_t i = 0; i < sizeof(timers) / sizeof(*timers); i++) {
		p = sdt_put(p, 4, timers[i].intr);
		p = sdt_put(p, 4, timers[i].flags);
	}
	sdt_put(buf + GTDT_READ_BASE, 8, UINT64_MAX);
	sdt_end(buf, GTDT_LEN);
}
