#include "devices/power.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "acpi/layout.h"
#include "devices/bus.h"

static int last_wish; /* -1: none */

static void wish(void *ctx, enum power_wish w)
{
	(void)ctx;
	last_wish = (int)w;
}

static struct power power = { wish, NULL };

static int after_write(bus_fn fn, uint64_t offset, uint8_t value)
{
	last_wish = -1;
	fn(&power, offset, &value, 1, true);
	return last_wish;
}

static void only_s5_with_the_enable_bit_powers_off(void **state)
{
	(void)state;
	for (unsigned v = 0; v < 256; v++) {
		bool off = (v & SLEEP_SLP_EN) && (v >> 2 & 7) == SLEEP_S5_TYPE;

		assert_int_equal(
			after_write(power_sleep_access, SLEEP_CONTROL, (uint8_t)v),
			off ? POWER_OFF : -1);
	}
}

static void only_the_fadt_s_value_resets(void **state)
{
	(void)state;
	for (unsigned v = 0; v < 256; v++)
		assert_int_equal(after_write(power_sleep_access, SLEEP_RESET, (uint8_t)v),
				 v == SLEEP_RESET_VALUE ? POWER_RESET : -1);
	assert_int_equal(after_write(power_sleep_access, SLEEP_STATUS, 0xff), -1);
}

static void a_pc_s_ports_reset_too(void **state)
{
	(void)state;
	assert_int_equal(after_write(power_cf9_access, 0, 0x06), POWER_RESET);
	assert_int_equal(after_write(power_cf9_access, 0, 0x02), -1);
	assert_int_equal(after_write(power_kbd_access, 0, 0xfe), POWER_RESET);
	assert_int_equal(after_write(power_kbd_access, 0, 0xd1), -1);
}

static void everything_reads_zero(void **state)
{
	const bus_fn fns[] = { power_sleep_access, power_cf9_access, power_kbd_access };

	(void)state;
	for (size_t i = 0; i < sizeof(fns) / sizeof(fns[0]); i++) {
		uint8_t data = 0xff;

		fns[i](&power, 0, &data, 1, false);
		assert_int_equal(data, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_s5_with_the_enable_bit_powers_off),
		cmocka_unit_test(only_the_fadt_s_value_resets),
		cmocka_unit_test(a_pc_s_ports_reset_too),
		cmocka_unit_test(everything_reads_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
