#ifndef ACPI_AARCH64_GTDT_H
#define ACPI_AARCH64_GTDT_H
/* gtdt: the timers of every CPU and their interrupts (ACPI 6.4, 5.2.25). */

#include <stddef.h>

#include "acpi/topology.h"

/* Number of bytes that gtdt_build() writes. */
size_t gtdt_len(const struct topology *t);

/* Writes the table to buf, which is zeroed; enabled is that of tables_build(). */
void gtdt_build(const struct topology *t, const unsigned char *enabled,
		unsigned char *buf);

#endif
