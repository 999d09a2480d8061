/* Whatever the header says: the Image has its place and its length, or is refused in one
 * line. */
#include "vmm/boot/aarch64/image.h"
#include "vmm/boot/file_fuzz.h"
#include "vmm/boot/kernel_file.h"
#include "vmm/boot/pe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_good(struct file_fuzz *f)
{
	static const uint8_t head[] = {
		'M',          'Z', [18] = 0x24, 0x02,            /* size 0x2240000 */
		[24] = 0xa,                                      /* flags */
		[56] = 'A',   'R', 'M',         0x64, [60] = 64, /* PE from here on */
		[64] = 'P',   'E', 0,           0,    0x64,
		0xaa,         2,   [84] = 160, /* its optional header */
		[265] = 0x10,                  /* 0x1000 bytes */
		[269] = 0x10,                  /* at 0x1000 */
	};

	memcpy(f->bytes, head, sizeof(head));
	f->len = 0x2000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct file_fuzz f;
	struct image image = { UINT64_MAX, 0 };
	struct text why = { "" };
	struct pe pe;
	uint8_t *head;
	size_t len;

	memset(&f, 0, sizeof(f));
	put_good(&f);
	file_fuzz_change(&f, data, size);
	f.len &= INT64_MAX;
	head = file_fuzz_head(&f, KERNEL_HEAD_LEN, &len);
	if (image_parse("k", head, len, f.len, &image, &why) == 0) {
		(void)pe_parse(head, len, &pe);
		must(pe.end <= f.len);
		must(image.offset < IMAGE_ALIGN && image.len >= f.len);
		must(image.offset + image.len > image.offset);
	} else {
		file_fuzz_refused(&why);
		must(image.offset == UINT64_MAX && image.len == 0);
	}
	free(head);
	return 0;
}
