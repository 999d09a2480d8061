#include "acpi/sdt.h"

enum {
	LENGTH = 4,
	REVISION = 8,
	CHECKSUM = 9,
	OEM_ID = 10,
	OEM_TABLE_ID = 16,
	OEM_REVISION = 24,
	CREATOR_ID = 28,
	CREATOR_REVISION = 32,
};

unsigned char *sdt_put(unsigned char *p, size_t n, uint64_t v)
{
	for (; n > 0; n--, v >>= 8)
		*p++ = (unsigned char)v;
	return p;
}

void sdt_put_register(unsigned char *p, uint64_t gpa)
{
	p = sdt_put(p, 1, 0); /* system memory */
	p = sdt_put(p, 1, 8); /* bits */
	p = sdt_put(p, 1, 0); /* from bit 0 */
	p = sdt_put(p, 1, 1); /* by byte */
	sdt_put(p, 8, gpa);
}

void sdt_text(unsigned char *p, const char *text)
{
	while (*text != '\0')
		*p++ = (unsigned char)*text++;
}

unsigned char sdt_checksum(const unsigned char *p, size_t len)
{
	unsigned sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += p[i];
	return (unsigned char)-sum;
}

void sdt_begin(unsigned char *table, const char *signature, unsigned char revision)
{
	sdt_text(table, signature);
	table[REVISION] = revision;
	sdt_text(table + OEM_ID, SDT_OEM_ID);
	sdt_text(table + OEM_TABLE_ID, SDT_OEM_TABLE_ID);
	sdt_put(table + OEM_REVISION, 4, 1);
	sdt_text(table + CREATOR_ID, "HOTS");
	sdt_put(table + CREATOR_REVISION, 4, 1);
}

void sdt_end(unsigned char *table, size_t len)
{
	sdt_put(table + LENGTH, 4, len);
	table[CHECKSUM] = 0;
	table[CHECKSUM] = sdt_checksum(table, len);
}
