#include "acpi/arch_tables.h"

#include "acpi/aarch64/gtdt.h"
#include "acpi/aarch64/pptt.h"
#include "acpi/aarch64/spcr.h"
#include "acpi/madt.h"

enum { PSCI_COMPLIANT = 1 << 0, PSCI_USE_HVC = 1 << 1 };

static const struct arch_table table[] = {
	{ madt_len, madt_build },
	{ gtdt_len, gtdt_build },
	{ spcr_len, spcr_build },
	{ pptt_len, pptt_build },
};

const struct arch_tables arch_tables = {
	.arm_boot = PSCI_COMPLIANT | PSCI_USE_HVC,
	.n = sizeof(table) / sizeof(*table),
	.table = table,
};
