/* Whatever the headers say: nothing is read that the file does not have, and what is to
 * be loaded is in the file; or the file is refused in one line, or left to others. */
#include "vmm/boot/x86_64/pvh.h"
#include "vmm/boot/file_fuzz.h"

#include <elf.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int read_bytes(const void *ctx, void *to, size_t len, uint64_t offset)
{
	const struct file_fuzz *f = ctx;

	must(offset <= f->len && len <= f->len - offset);
	memset(to, 0, len);
	if (offset < FILE_FUZZ_LEN)
		memcpy(to, f->bytes + offset,
		       len < FILE_FUZZ_LEN - offset ? len : FILE_FUZZ_LEN - offset);
	return 0;
}

static void put_good(struct file_fuzz *f)
{
	static const Elf64_Ehdr e = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64,
						   ELFDATA2LSB },
				      .e_machine = EM_X86_64,
				      .e_phoff = 64,
				      .e_phentsize = sizeof(Elf64_Phdr),
				      .e_phnum = 3 };
	static const Elf64_Phdr p[] = {
		{ .p_type = PT_LOAD,
		  .p_offset = 0x800,
		  .p_paddr = 0x1000000,
		  .p_filesz = 0x700,
		  .p_memsz = 0x5000 },
		{ .p_type = PT_LOAD, .p_paddr = 0x2000000, .p_memsz = 1 },
		{ .p_type = PT_NOTE, .p_offset = 0x200, .p_filesz = 40, .p_align = 4 },
	};
	static const uint32_t notes[] = { 4, 4, 6,  0x6e6558, 7,
					  4, 4, 18, 0x6e6558, 0x1234560 };

	memcpy(f->bytes, &e, sizeof(e));
	memcpy(f->bytes + 64, p, sizeof(p));
	memcpy(f->bytes + 0x200, notes, sizeof(notes));
	f->len = 0x1000;
}

static void check(const struct pvh *p, uint64_t file_len)
{
	must(p->entry != 0 && p->n <= PVH_SEGMENTS_MAX);
	for (unsigned i = 0; i < p->n; i++) {
		const struct pvh_segment *s = &p->segment[i];

		must(s->memsz > 0 && s->filesz <= s->memsz);
		must(s->filesz == 0 ||
		     (s->offset <= file_len && s->filesz <= file_len - s->offset));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct file_fuzz f;
	struct pvh_file file = { .path = "k", .ctx = &f, .read = read_bytes };
	struct text why = { "" };
	struct pvh p;
	int err;

	memset(&f, 0, sizeof(f));
	put_good(&f);
	file_fuzz_change(&f, data, size);
	file.len = f.len &= INT64_MAX;
	err = pvh_parse(&file, &p, &why);
	if (err == 0)
		check(&p, f.len);
	else if (err < 0)
		file_fuzz_refused(&why);
	else
		must(err == 1 && why.s[0] == '\0');
	return 0;
}
