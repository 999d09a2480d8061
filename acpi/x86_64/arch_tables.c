#include "acpi/arch_tables.h"

#include "acpi/madt.h"

enum { NO_VGA = 1 << 2, NO_CMOS_RTC = 1 << 5 };

static const struct arch_table table[] = {
	{ madt_len, madt_build },
};

const struct arch_tables arch_tables = {
	.iapc_boot = NO_VGA | NO_CMOS_RTC,
	.n = sizeof(table) / sizeof(*table),
	.table = table,
};
