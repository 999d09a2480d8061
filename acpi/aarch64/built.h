#ifndef ACPI_AARCH64_BUILT_H
#define ACPI_AARCH64_BUILT_H
/* built: for tests. One table, built alone. Comes after cmocka.h. */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "acpi/arch_tables.h"

static inline uint64_t get(const unsigned char *p, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

static inline bool built_enabled(uint32_t cpu)
{
	return cpu % 3 == 0;
}

static inline void built_check_sum(const unsigned char *buf, size_t len)
{
	unsigned sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += buf[i];
	assert_int_equal(sum & 0xFF, 0);
}

/* The table, in a buffer that ends with it, for free(). Its header is right. */
static inline unsigned char *built(struct arch_table table, const struct topology *t,
				   const char *signature, unsigned revision)
{
	static const char oem[] = "HOTSKTHOTSOCKT\x01\0\0\0HOTS\x01\0\0";
	size_t len = table.len(t);
	unsigned char *buf = calloc(len, 1), *enabled = calloc(t->max_vcpus, 1);

	assert_non_null(buf);
	assert_non_null(enabled);
	for (uint32_t i = 0; i < t->max_vcpus; i++)
		enabled[i] = built_enabled(i) ? 0xFF : 0;
	table.build(t, enabled, buf);
	free(enabled);
	assert_memory_equal(buf, signature, 4);
	assert_int_equal(get(buf + 4, 4), len);
	assert_int_equal(buf[8], revision);
	assert_memory_equal(buf + 10, oem, sizeof(oem));
	built_check_sum(buf, len);
	return buf;
}

#endif
