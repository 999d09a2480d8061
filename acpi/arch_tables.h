#ifndef ACPI_ARCH_TABLES_H
#define ACPI_ARCH_TABLES_H
/* arch_tables: what the architecture adds to the tables that all machines have. One for
 * each architecture. */

#include <stddef.h>
#include <stdint.h>

#include "acpi/topology.h"

struct arch_table {
	/* Number of bytes that build() writes. */
	size_t (*len)(const struct topology *t);

	/* Writes the table to buf, which is zeroed; enabled is that of tables_build(). */
	void (*build)(const struct topology *t, const unsigned char *enabled,
		      unsigned char *buf);
};

struct arch_tables {
	uint16_t iapc_boot, arm_boot; /* boot flags in the FADT (ACPI 6.4, 5.2.9) */
	size_t n;
	const struct arch_table *table; /* n, in the XSDT's order, behind the FADT */
};

extern const struct arch_tables arch_tables;

#endif
