#ifndef DEVICES_POWER_H
#define DEVICES_POWER_H
/* power: how a guest turns the machine off or resets it. The hardware-reduced sleep
 * registers (ACPI 6.4, 4.8.3.7) with the FADT's reset register behind them, and on x86
 * the two places where a PC's reset is: port 0xCF9 and the keyboard controller's command
 * port. Holds no state, and has none to save: each write is a wish, carried out by
 * whoever made the device. */

#include <stdbool.h>
#include <stdint.h>

enum power_wish { POWER_OFF, POWER_RESET };

struct power {
	void (*wish)(void *ctx, enum power_wish w); /* any vCPU thread; must not block */
	void *ctx;
};

/* Bus accesses, bus_fn; dev is the power. */
void power_sleep_access(void *dev, uint64_t offset, uint8_t *data, uint32_t len,
			bool write);
void power_cf9_access(void *dev, uint64_t offset, uint8_t *data, uint32_t len,
		      bool write);
void power_kbd_access(void *dev, uint64_t offset, uint8_t *data, uint32_t len,
		      bool write);

#endif
