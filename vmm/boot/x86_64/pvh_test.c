#include "vmm/boot/x86_64/pvh.h"

#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define NPHDRS   3
#define FILE_LEN 0x1000
#define NOTES    0x200
#define ENTRY    0x1234560
#define CODE_LEN 0x700 /* at 0x800 */

/* A file as a linker makes it: a segment, one of zeros, the note; of either class. */
static unsigned char bytes[FILE_LEN];
static Elf64_Ehdr ehdr;
static Elf64_Phdr phdr[PVH_SEGMENTS_MAX + 1];
static bool wide;
static int read_err; /* what a read fails with */
static struct pvh pvh;
static struct text why;

static int read_bytes(const void *ctx, void *to, size_t len, uint64_t offset)
{
	assert_ptr_equal(ctx, bytes);
	assert_true(offset <= FILE_LEN && len <= FILE_LEN - offset);
	memcpy(to, bytes + offset, len);
	return read_err;
}

static void put_note(size_t at, uint32_t type, const char *name, uint32_t value)
{
	Elf64_Nhdr note = { .n_namesz = 4, .n_descsz = sizeof(value), .n_type = type };

	memcpy(bytes + at, &note, sizeof(note));
	memcpy(bytes + at + 12, name, 4);
	memcpy(bytes + at + 16, &value, sizeof(value));
}

static int set_up(void **state)
{
	(void)state;
	memset(bytes, 0, sizeof(bytes));
	memset(phdr, 0, sizeof(phdr));
	wide = true;
	read_err = 0;
	ehdr = (Elf64_Ehdr){ .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB },
			     .e_machine = EM_X86_64,
			     .e_phoff = 64,
			     .e_phentsize = sizeof(Elf64_Phdr),
			     .e_phnum = NPHDRS };
	phdr[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
				.p_offset = 0x800,
				.p_paddr = 0x1000000,
				.p_filesz = CODE_LEN,
				.p_memsz = 0x5000 };
	phdr[1] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_paddr = 0x2000000, .p_memsz = 1 };
	phdr[2] = (Elf64_Phdr){ .p_type = PT_NOTE,
				.p_offset = NOTES,
				.p_filesz = 40,
				.p_memsz = 40,
				.p_align = 4 };
	put_note(NOTES, 6, "Xen", 7); /* another comes first */
	put_note(NOTES + 20, 18, "Xen", ENTRY);
	return 0;
}

static void put_narrow(void)
{
	Elf32_Ehdr e = { .e_machine = ehdr.e_machine,
			 .e_phoff = (uint32_t)ehdr.e_phoff,
			 .e_phentsize = ehdr.e_phentsize,
			 .e_phnum = ehdr.e_phnum };

	memcpy(e.e_ident, ehdr.e_ident, EI_NIDENT);
	memcpy(bytes, &e, sizeof(e));
	for (unsigned i = 0; i < NPHDRS; i++) {
		const Elf64_Phdr *w = &phdr[i];
		Elf32_Phdr n = { .p_type = w->p_type,
				 .p_offset = (uint32_t)w->p_offset,
				 .p_paddr = (uint32_t)w->p_paddr,
				 .p_filesz = (uint32_t)w->p_filesz,
				 .p_memsz = (uint32_t)w->p_memsz,
				 .p_align = (uint32_t)w->p_align };

		memcpy(bytes + 64 + i * sizeof(n), &n, sizeof(n));
	}
}

static int parse_file(uint64_t len)
{
	struct pvh_file file = {
		.path = "k", .len = len, .ctx = bytes, .read = read_bytes
	};

	if (wide) {
		memcpy(bytes, &ehdr, sizeof(ehdr));
		memcpy(bytes + 64, phdr, NPHDRS * sizeof(phdr[0]));
	} else {
		put_narrow();
	}
	memset(&pvh, 0, sizeof(pvh));
	why.s[0] = '\0';
	return pvh_parse(&file, &pvh, &why);
}

static int parse(void)
{
	return parse_file(FILE_LEN);
}

static void segments_and_entry_are_found(void)
{
	assert_int_equal(parse(), 0);
	assert_int_equal(pvh.entry, ENTRY);
	assert_int_equal(pvh.n, 2);
	assert_int_equal(pvh.segment[0].offset, 0x800);
	assert_int_equal(pvh.segment[0].gpa, 0x1000000);
	assert_int_equal(pvh.segment[0].filesz, CODE_LEN);
	assert_int_equal(pvh.segment[0].memsz, 0x5000);
	assert_int_equal(pvh.segment[1].gpa, 0x2000000);
	assert_int_equal(pvh.segment[1].filesz, 0);
	assert_int_equal(pvh.segment[1].memsz, 1);
}

static void make_narrow(void)
{
	wide = false;
	ehdr.e_ident[EI_CLASS] = ELFCLASS32;
	ehdr.e_machine = EM_386;
	ehdr.e_phentsize = sizeof(Elf32_Phdr);
}

static void both_classes_are_read(void **state)
{
	(void)state;
	segments_and_entry_are_found();
	make_narrow();
	segments_and_entry_are_found();
}

static void what_is_none_of_ours_is_left_to_others(void **state)
{
	static const struct {
		size_t at;
		unsigned char byte;
	} cases[] = { { 0, 0 },
		      { 3, 'f' },
		      { EI_CLASS, ELFCLASS32 },
		      { EI_DATA, ELFDATA2MSB },
		      { 18, EM_386 },
		      { 18, EM_AARCH64 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_up(NULL);
		((unsigned char *)&ehdr)[cases[i].at] = cases[i].byte;
		assert_int_equal(parse(), 1);
	}
	set_up(NULL);
	for (uint64_t len = 0; len < sizeof(Elf32_Ehdr); len++)
		assert_int_equal(parse_file(len), 1);
}

static void refused(uint64_t len, const char *says)
{
	assert_int_equal(parse_file(len), -ENOEXEC);
	assert_string_equal(why.s, says);
	assert_int_equal(pvh.entry, 0);
}

static void a_cut_file_says_both_lengths(void **state)
{
	(void)state;
	for (uint64_t len = sizeof(Elf32_Ehdr); len < 0x800 + CODE_LEN; len++)
		assert_int_equal(parse_file(len), -ENOEXEC);
	assert_int_equal(parse_file(0x800 + CODE_LEN), 0);
	refused(0x800 + CODE_LEN - 1, "kernel k is cut short: it has 3839 bytes, and its "
				      "header says 3840; get it again");
	refused(60, "kernel k is cut short: it has 60 bytes, and its header says 64; get "
		    "it again");
	refused(100, "kernel k is cut short: it has 100 bytes, and its header says 120; "
		     "get it again");
	phdr[2].p_offset = 0xfff; /* the note, too */
	refused(FILE_LEN, "kernel k is cut short: it has 4096 bytes, and its header says "
			  "4135; get it again");
	phdr[2].p_offset = UINT64_MAX;
	assert_int_equal(parse(), -ENOEXEC);
	phdr[2].p_offset = NOTES;
	phdr[0].p_offset = UINT64_MAX - 5;
	assert_int_equal(parse(), -ENOEXEC);
	phdr[0].p_offset = 0x800;
	ehdr.e_phoff = UINT64_MAX - 100;
	assert_int_equal(parse(), -ENOEXEC);
	ehdr.e_phoff = UINT64_MAX;
	assert_int_equal(parse(), -ENOEXEC);
}

static void broken_headers_are_refused(void **state)
{
	(void)state;
	ehdr.e_phnum = PVH_SEGMENTS_MAX + 1;
	refused(FILE_LEN, "kernel k has a broken header (program headers, and their size "
			  "65, 56); get it again");
	ehdr.e_phnum = NPHDRS;
	ehdr.e_phentsize = 57;
	refused(FILE_LEN, "kernel k has a broken header (program headers, and their size "
			  "3, 57); get it again");
	ehdr.e_phentsize = 56;
	phdr[0].p_memsz = CODE_LEN - 1;
	refused(FILE_LEN, "kernel k has a broken header (a segment's bytes in the file, "
			  "and in memory 1792, 1791); get it again");
}

static void without_the_note_it_is_refused(void **state)
{
	static const char says[] =
		"kernel k is an x86 ELF file without a PVH entry note; use "
		"arch/x86/boot/bzImage of the same build, or build it with CONFIG_PVH";

	(void)state;
	phdr[2].p_type = PT_LOAD + 100;
	refused(FILE_LEN, says);
	ehdr.e_phnum = 0;
	refused(FILE_LEN, says);
	set_up(NULL);
	put_note(NOTES + 20, 18, "Xem", ENTRY);
	refused(FILE_LEN, says);
	put_note(NOTES + 20, 17, "Xen", ENTRY);
	refused(FILE_LEN, says);
	put_note(NOTES + 20, 18, "Xen", 0); /* no address */
	refused(FILE_LEN, says);
	set_up(NULL);
	phdr[2].p_filesz = 39; /* the last byte of the entry is not in it */
	refused(FILE_LEN, says);
	set_up(NULL);
	memset(bytes + NOTES, 0xff, 8); /* lengths that lead behind the end */
	refused(FILE_LEN, says);
}

static void notes_may_be_aligned_to_8(void **state)
{
	(void)state;
	phdr[2].p_align = 8;
	put_note(NOTES, 18, "Xen", ENTRY);
	assert_int_equal(parse(), 0);
	assert_int_equal(pvh.entry, ENTRY);
}

static void a_read_that_fails_is_told(void **state)
{
	(void)state;
	read_err = -EIO;
	assert_int_equal(parse(), -EIO);
	assert_string_equal(why.s, "kernel k: Input/output error");
}

static void the_kernel_is_told_what_it_must_know(void **state)
{
	static const struct memory_map map = {
		2, { { 0, 0xa0000, MEMORY_MAP_RAM }, { 0x100000, 7, MEMORY_MAP_NVS } }
	};
	struct ram_range initrd = { 0x3000000, 0x777 };
	struct pvh_info i;

	(void)state;
	pvh_info_make(0x6000, &map, &initrd, 0x20000, 0x7f0000, &i);
	assert_int_equal(i.start.magic, 0x336ec578);
	assert_int_equal(i.start.version, 1);
	assert_int_equal(i.start.nr_modules, 1);
	assert_int_equal(i.start.modlist_paddr,
			 0x6000 + offsetof(struct pvh_info, module));
	assert_int_equal(i.start.cmdline_paddr, 0x20000);
	assert_int_equal(i.start.rsdp_paddr, 0x7f0000);
	assert_int_equal(i.start.memmap_paddr,
			 0x6000 + offsetof(struct pvh_info, memmap));
	assert_int_equal(i.start.memmap_entries, 2);
	assert_int_equal(i.module.paddr, 0x3000000);
	assert_int_equal(i.module.size, 0x777);
	assert_int_equal(i.memmap[1].addr, 0x100000);
	assert_int_equal(i.memmap[1].size, 7);
	assert_int_equal(i.memmap[1].type, 4);
	initrd = (struct ram_range){ 0, 0 };
	pvh_info_make(0x6000, &map, &initrd, 0x20000, 0x7f0000, &i);
	assert_int_equal(i.start.nr_modules, 0);
	assert_int_equal(i.start.modlist_paddr, 0);
	assert_int_equal(offsetof(struct pvh_info, module), 56); /* Xen's layout */
	assert_int_equal(sizeof(i.module), 32);
	assert_int_equal(sizeof(i.memmap[0]), 24);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup(t, set_up)
	const struct CMUnitTest tests[] = {
		TEST(both_classes_are_read),
		TEST(what_is_none_of_ours_is_left_to_others),
		TEST(a_cut_file_says_both_lengths),
		TEST(broken_headers_are_refused),
		TEST(without_the_note_it_is_refused),
		TEST(notes_may_be_aligned_to_8),
		TEST(a_read_that_fails_is_told),
		TEST(the_kernel_is_told_what_it_must_know),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
