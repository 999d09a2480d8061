/* Whatever the header says: what is to be loaded is in the file and has room, or the file
 * is refused in one line, or left to others. */
#include "vmm/boot/x86_64/bzimage.h"
#include "vmm/boot/file_fuzz.h"
#include "vmm/boot/kernel_file.h"
#include "vmm/boot/x86_64/boot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_good(struct file_fuzz *f)
{
	const struct setup_header h = { .setup_sects = 3,
					.syssize = 0x100,
					.jump = 0x66eb,
					.header = 0x53726448,
					.version = 0x020f,
					.xloadflags = XLF_KERNEL_64,
					.pref_address = 0x1000000,
					.init_size = 0x200000,
					.initrd_addr_max = 0x7fffffff,
					.cmdline_size = 2047 };

	memcpy(f->bytes + 0x1f1, &h, sizeof(h));
	f->len = 4 * 512 + 0x100 * 16;
}

static void check(const struct bzimage *b, uint64_t file_len)
{
	must(b->len > 0 && b->setup_len + b->len == file_len);
	must(b->gpa >= BOOT_HIGH_START && b->need >= b->len);
	must(b->gpa + b->need > b->gpa && b->entry > b->gpa);
	must(b->cmdline_max < BOOT_CMDLINE_MAX);
	must(b->initrd_limit >= 1 && b->initrd_limit <= UINT64_C(1) << 32);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct file_fuzz f;
	struct text why = { "" };
	struct bzimage b;
	uint8_t *head;
	size_t len;
	int err;

	memset(&f, 0, sizeof(f));
	put_good(&f);
	file_fuzz_change(&f, data, size);
	f.len &= INT64_MAX;
	head = file_fuzz_head(&f, KERNEL_HEAD_LEN, &len);
	err = bzimage_parse("k", head, len, f.len, &b, &why);
	if (err == 0)
		check(&b, f.len);
	else if (err < 0)
		file_fuzz_refused(&why);
	else
		must(err == 1 && why.s[0] == '\0');
	free(head);
	return 0;
}
