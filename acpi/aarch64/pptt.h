#ifndef ACPI_AARCH64_PPTT_H
#define ACPI_AARCH64_PPTT_H
/* pptt: sockets, cores and threads of all possible vCPUs (ACPI 6.4, 5.2.29). */

#include <stddef.h>

#include "acpi/topology.h"

/* Number of bytes that pptt_build() writes. */
size_t pptt_len(const struct topology *t);

/* Writes the table to buf, which is zeroed; enabled is that of tables_build(). */
void pptt_build(const struct topology *t, const unsigned char *enabled,
		unsigned char *buf);

#endif
