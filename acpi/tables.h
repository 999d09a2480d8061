#ifndef ACPI_TABLES_H
#define ACPI_TABLES_H
/* tables: the ACPI tables of a hardware-reduced machine, as bytes. Pure: no KVM, no I/O,
 * no allocation. Everything is sized by topology.max_vcpus; what changes while the VM
 * runs is in the registers and the memory that the DSDT reads, never in the tables. */

#include <stddef.h>
#include <stdint.h>

#include "acpi/topology.h"

/* Number of bytes that tables_build() writes for this topology. */
size_t tables_len(const struct topology *t);

/* Writes RSDP, XSDT, FADT, the architecture's tables (arch_tables.h) and DSDT (ACPI 6.4,
 * chapter 5), linked for the guest physical address gpa (16-byte aligned), to buf, which
 * has tables_len(t) bytes. The RSDP comes first: its address is gpa. enabled has one byte
 * for each possible vCPU: non-zero means that the MADT says Enabled, zero means Online
 * Capable. sta is the guest physical address of as many bytes, in which cpuhp_show()
 * keeps what each CPU's _STA is; no table needs them. At most CPUS_MAX vCPUs: the caller
 * refuses a larger topology. */
void tables_build(const struct topology *t, const unsigned char *enabled, uint64_t gpa,
		  uint64_t sta, unsigned char *buf);

#endif
