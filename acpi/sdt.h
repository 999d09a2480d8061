#ifndef ACPI_SDT_H
#define ACPI_SDT_H
/* sdt: what all tables have in common (ACPI 6.4, 5.2.6): little-endian fields, the header
 * of a System Description Table and the checksum. */

#include <stddef.h>
#include <stdint.h>

#define SDT_OEM_ID       "HOTSKT"
#define SDT_OEM_TABLE_ID "HOTSOCKT"

enum { SDT_HEADER_LEN = 36 };

/* Writes the n low bytes of v at p. Gives the address behind them. */
unsigned char *sdt_put(unsigned char *p, size_t n, uint64_t v);

/* Writes the Generic Address Structure (ACPI 6.4, 5.2.3.2) of a byte in memory at p. */
void sdt_put_register(unsigned char *p, uint64_t gpa);

/* Writes the text at p, without the 0 that ends it. */
void sdt_text(unsigned char *p, const char *text);

/* Value that makes the len bytes at p add up to 0 when it replaces a 0 among them. */
unsigned char sdt_checksum(const unsigned char *p, size_t len);

/* Writes the header of a table, all but its length and checksum. */
void sdt_begin(unsigned char *table, const char *signature, unsigned char revision);

/* Completes a table of len bytes: length and checksum. */
void sdt_end(unsigned char *table, size_t len);

#endif
