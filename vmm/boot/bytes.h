#ifndef VMM_BOOT_BYTES_H
#define VMM_BOOT_BYTES_H
/* bytes: little-endian numbers of a file, at any alignment. Pure. */

#include <stdint.h>

static inline uint16_t bytes_le16(const unsigned char *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t bytes_le32(const unsigned char *p)
{
	return bytes_le16(p) | (uint32_t)bytes_le16(p + 2) << 16;
}

static inline uint64_t bytes_le64(const unsigned char *p)
{
	return bytes_le32(p) | (uint64_t)bytes_le32(p + 4) << 32;
}

#endif
