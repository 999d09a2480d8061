#ifndef ACPI_MADT_H
#define ACPI_MADT_H
/* madt: the interrupt controllers and all possible vCPUs (ACPI 6.4, 5.2.12). One for each
 * architecture. */

#include <stddef.h>

#include "acpi/topology.h"

/* Number of bytes that madt_build() writes. */
size_t madt_len(const struct topology *t);

/* Writes the table to buf, which is zeroed; enabled is that of tables_build(). */
void madt_build(const struct topology *t, const unsigned char *enabled,
		unsigned char *buf);

#endif
