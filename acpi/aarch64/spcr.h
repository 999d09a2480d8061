#ifndef ACPI_AARCH64_SPCR_H
#define ACPI_AARCH64_SPCR_H
/* spcr: the UART as the guest's console, without a word on its command line (Microsoft's
 * Serial Port Console Redirection Table, revision 2). */

#include <stddef.h>

#include "acpi/topology.h"

/* Number of bytes that spcr_build() writes. */
size_t spcr_len(const struct topology *t);

/* Writes the table to buf, which is zeroed; enabled is that of tables_build(). */
void spcr_build(const struct topology *t, const unsigned char *enabled,
		unsigned char *buf);

#endif
