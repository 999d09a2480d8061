#include "devices/power.h"

#include "acpi/layout.h"
#include "devices/bus.h"

#define SLP_TYP_SHIFT 2
#define SLP_TYP_MASK  7
#define CF9_RESET     0x04 /* the reset happens when this bit is written as 1 */
#define KBD_PULSE     0xfe /* pulse the reset line */

static void sleep_control(const struct power *p, uint8_t value)
{
	if ((value & SLEEP_SLP_EN) &&
	    (value >> SLP_TYP_SHIFT & SLP_TYP_MASK) == SLEEP_S5_TYPE)
		p->wish(p->ctx, POWER_OFF);
}

void power_sleep_access(void *dev, uint64_t offset, uint8_t *data, uint32_t len,
			bool write)
{
	const struct power *p = dev;

	if (!write)
		bus_put(data, len, 0);
	else if (offset == SLEEP_CONTROL)
		sleep_control(p, data[0]);
	else if (offset == SLEEP_RESET && data[0] == SLEEP_RESET_VALUE)
		p->wish(p->ctx, POWER_RESET);
}

void power_cf9_access(void *dev, uint64_t offset, uint8_t *data, uint32_t len, bool write)
{
	const struct power *p = dev;

	(void)offset;
	if (!write)
		bus_put(data, len, 0);
	else if (data[0] & CF9_RESET)
		p->wish(p->ctx, POWER_RESET);
}

/* Status 0 says that the input buffer is empty: all ones would make a guest that resets
 * this way wait for 65536 reads. */
void power_kbd_access(void *dev, uint64_t offset, uint8_t *data, uint32_t len, bool write)
{
	const struct power *p = dev;

	(void)offset;
	if (!write)
		bus_put(data, len, 0);
	else if (data[0] == KBD_PULSE)
		p->wish(p->ctx, POWER_RESET);
}
