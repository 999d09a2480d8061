#include "vmm/boot/aarch64/image.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum {
	TEXT_OFFSET = 8,
	IMAGE_SIZE = 16,
	FLAGS = 24,
	MAGIC = 56,
	HEADER_LEN = 64,

	BIG_ENDIAN_KERNEL = 1, /* flag */
};

/* Files that users take for a kernel. Those of EFI begin with MZ, and so may an Image. */
static const struct {
	size_t at, len;
	const char *magic, *what;
} others[] = {
	{ 0, 2, "\x1f\x8b", "is compressed by gzip; unpack it with gunzip" },
	{ 0, 4, "\x28\xb5\x2f\xfd", "is compressed by zstd; unpack it with unzstd" },
	{ 0, 6,
	  "\xfd"
	  "7zXZ",
	  "is compressed by xz; unpack it with unxz" },
	{ 0, 4, "\x02\x21\x4c\x18", "is compressed by lz4; unpack it with unlz4" },
	{ 0, 4, "\x04\x22\x4d\x18", "is compressed by lz4; unpack it with unlz4" },
	{ 0, 3, "BZh", "is compressed by bzip2; unpack it with bunzip2" },
	{ 0, 4,
	  "\x7f"
	  "ELF",
	  "is an ELF file; use arch/arm64/boot/Image of the same build" },
	{ 4, 4, "zimg",
	  "is compressed for EFI (CONFIG_EFI_ZBOOT), and there is no EFI here; use "
	  "arch/arm64/boot/Image of the same build" },
	{ 514, 4, "HdrS", "is an x86 bzImage; use a kernel for aarch64" },
	{ 0, 2, "MZ",
	  "is an EFI program, and there is no EFI here; use the kernel's Image" },
};

static uint64_t get64(const unsigned char *p)
{
	uint64_t v = 0;

	for (unsigned i = 8; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

static int refuse_other(const char *path, const unsigned char *head, size_t len,
			struct text *why)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i].at + others[i].len <= len &&
		    memcmp(head + others[i].at, others[i].magic, others[i].len) == 0)
			return text_set(why, -ENOEXEC, "kernel %s %s", path,
					others[i].what);
	return text_set(why, -ENOEXEC, "kernel %s is not an arm64 Image", path);
}

int image_parse(const char *path, const unsigned char *head, size_t head_len,
		uint64_t file_len, struct image *out, struct text *why)
{
	uint64_t offset, len;

	if (head_len < HEADER_LEN || memcmp(head + MAGIC, "ARM\x64", 4) != 0)
		return refuse_other(path, head, head_len, why);
	offset = get64(head + TEXT_OFFSET);
	len = get64(head + IMAGE_SIZE);
	if (len == 0) /* and then nobody knows the byte order of offset */
		return text_set(
			why, -ENOEXEC,
			"kernel %s is older than 3.17 (its header tells no size); "
			"use a newer one",
			path);
	if (get64(head + FLAGS) & BIG_ENDIAN_KERNEL)
		return text_set(why, -ENOEXEC,
				"kernel %s is big-endian; use a little-endian one", path);
	if (offset >= IMAGE_ALIGN || len > INT64_MAX)
		return text_set(why, -ENOEXEC,
				"kernel %s has a broken header (offset 0x%" PRIx64
				", size 0x%" PRIx64 ")",
				path, offset, len);
	*out = (struct image){ offset, len > file_len ? len : file_len };
	return 0;
}
