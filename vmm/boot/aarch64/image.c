#include "vmm/boot/aarch64/image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "vmm/boot/bytes.h"
#include "vmm/boot/kernel_file.h"
#include "vmm/boot/pe.h"
#include "vmm/config/refusal.h"

enum {
	TEXT_OFFSET = 8,
	IMAGE_SIZE = 16,
	FLAGS = 24,
	MAGIC = 56,
	HEADER_LEN = 64,

	BIG_ENDIAN_KERNEL = 1, /* flag */
};

static int refuse_broken(const char *path, uint64_t offset, uint64_t len,
			 struct text *why)
{
	char what[80];

	(void)snprintf(what, sizeof(what), "offset 0x%" PRIx64 ", size 0x%" PRIx64,
		       offset, len);
	return text_set(why, -ENOEXEC, refuse_kernel_broken, path, what);
}

int image_parse(const char *path, const unsigned char *head, size_t head_len,
		uint64_t file_len, struct image *out, struct text *why)
{
	uint64_t offset, len;
	struct pe pe;
	int err;

	if (head_len < HEADER_LEN || memcmp(head + MAGIC, "ARM\x64", 4) != 0)
		return kernel_refuse(path, KERNEL_AARCH64, head, head_len, file_len, why);
	offset = bytes_le64(head + TEXT_OFFSET);
	len = bytes_le64(head + IMAGE_SIZE);
	if (len == 0) /* and then nobody knows the byte order of offset */
		return text_set(why, -ENOEXEC, refuse_kernel_old, path);
	if (bytes_le64(head + FLAGS) & BIG_ENDIAN_KERNEL)
		return text_set(why, -ENOEXEC, refuse_kernel_big_endian, path);
	if (offset >= IMAGE_ALIGN || len > INT64_MAX)
		return refuse_broken(path, offset, len, why);
	(void)pe_parse(head, head_len, &pe); /* only those with an EFI stub tell */
	err = kernel_check_end(path, file_len, pe.end, why);
	if (err < 0)
		return err;
	*out = (struct image){ offset, len > file_len ? len : file_len };
	return 0;
}
