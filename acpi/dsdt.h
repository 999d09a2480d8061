#ifndef ACPI_DSDT_H
#define ACPI_DSDT_H
/* dsdt: dsdt.asl as iasl compiled it, with a device for each possible vCPU. */

#include <stddef.h>
#include <stdint.h>

#include "acpi/topology.h"

/* Number of bytes that dsdt_build() writes. */
size_t dsdt_len(const struct topology *t);

/* Writes the table to buf; sta as for tables_build(). At most CPUS_MAX vCPUs. */
void dsdt_build(const struct topology *t, uint64_t sta, unsigned char *buf);

#endif
