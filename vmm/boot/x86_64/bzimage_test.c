#include "vmm/boot/x86_64/bzimage.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/boot/kernel_file.h"
#include "vmm/boot/x86_64/boot.h"

#define HDR      0x1f1
#define SETUP    2048
#define FILE_LEN (SETUP + 0x10000)

static unsigned char head[KERNEL_HEAD_LEN];
static struct setup_header h;
static struct bzimage b;
static struct text why;

static int set_up(void **state)
{
	(void)state;
	memset(head, 0xaa, sizeof(head)); /* around the header */
	h = (struct setup_header){ .setup_sects = 3,
				   .syssize = 0x1000,
				   .jump = 0x66eb, /* ends at 0x202 + 0x66 */
				   .header = 0x53726448,
				   .version = 0x020f,
				   .xloadflags = XLF_KERNEL_64,
				   .pref_address = 0x1000000,
				   .init_size = 0x200000,
				   .initrd_addr_max = 0x7fffffff,
				   .cmdline_size = 2047 };
	return 0;
}

static int parse_file(uint64_t file_len)
{
	size_t len = file_len < sizeof(head) ? (size_t)file_len : sizeof(head);
	unsigned char *p = malloc(len + 1); /* where a checker sees its end */
	int err;

	assert_non_null(p);
	memcpy(head + HDR, &h, sizeof(h));
	memcpy(p, head, len);
	memset(&b, 0, sizeof(b));
	why.s[0] = '\0';
	err = bzimage_parse("k", p, len, file_len, &b, &why);
	free(p);
	return err;
}

static int parse(void)
{
	return parse_file(FILE_LEN);
}

static void each_field_is_read(void **state)
{
	(void)state;
	assert_int_equal(parse(), 0);
	assert_int_equal(b.setup_len, SETUP);
	assert_int_equal(b.len, 0x10000);
	assert_int_equal(b.gpa, 0x1000000);
	assert_int_equal(b.need, 0x200000);
	assert_int_equal(b.entry, 0x1000200);
	assert_int_equal(b.initrd_limit, 0x80000000);
	assert_int_equal(b.cmdline_max, 2047);
	assert_int_equal(b.header.pref_address, 0x1000000);

	h.init_size = 0xffff; /* less than there is in the file */
	assert_int_equal(parse(), 0);
	assert_int_equal(b.need, 0x10000);
	h.initrd_addr_max = 0xffffffff;
	h.cmdline_size = 0xffffffff;
	assert_int_equal(parse(), 0);
	assert_int_equal(b.initrd_limit, UINT64_C(0x100000000));
	assert_int_equal(b.cmdline_max, BOOT_CMDLINE_MAX - 1);
	h.setup_sects = 0; /* means 4 */
	assert_int_equal(parse_file(FILE_LEN + 512), 0);
	assert_int_equal(b.setup_len, 5 * 512);
	assert_int_equal(b.len, 0x10000);
	assert_int_equal(parse_file(FILE_LEN + 512 + 100), 0); /* a signature follows */
	assert_int_equal(b.len, 0x10000 + 100);
}

/* What follows in the file is code. */
static void the_header_ends_where_it_says(void **state)
{
	(void)state;
	h.jump = 0x5eeb; /* before init_size */
	h.init_size = 0x200000;
	h.handover_offset = 0x12345678;
	assert_int_equal(parse(), 0);
	assert_int_equal(b.header.init_size, 0);
	assert_int_equal(b.header.handover_offset, 0);
	assert_int_equal(b.need, 0x10000);
	h.jump = 0xffeb; /* behind all that we know */
	assert_int_equal(parse(), 0);
	assert_int_equal(b.header.handover_offset, 0x12345678);
	h.jump = 0x00eb; /* even before the version */
	assert_int_equal(parse(), 1);
}

static void what_is_none_is_left_to_others(void **state)
{
	(void)state;
	h.header ^= 1;
	assert_int_equal(parse(), 1);
	h.header ^= 1;
	for (uint64_t len = 0; len < 0x206; len++)
		assert_int_equal(parse_file(len), 1);
	assert_int_equal(parse_file(0x206), -ENOEXEC);
}

static void a_cut_file_says_both_lengths(void **state)
{
	(void)state;
	for (uint64_t len = 0x206; len < FILE_LEN; len += 97)
		assert_int_equal(parse_file(len), -ENOEXEC);
	assert_int_equal(parse_file(FILE_LEN - 1), -ENOEXEC);
	assert_string_equal(why.s, "kernel k is cut short: it has 67583 bytes, and its "
				   "header says 67584; get it again");
	h.syssize = 0xffffffff;
	assert_int_equal(parse(), -ENOEXEC);
	assert_non_null(strstr(why.s, "its header says 68719478768"));
	h.syssize = 0; /* something there must be */
	assert_int_equal(parse_file(SETUP), -ENOEXEC);
	assert_int_equal(parse_file(SETUP + 1), 0);
	assert_int_equal(b.len, 1);
}

static void what_cannot_be_loaded_says_why(void **state)
{
	static const struct {
		unsigned version, flags;
		uint64_t at;
		const char *says;
	} cases[] = {
		{ 0x020b, 1, 0x1000000,
		  "kernel k has no 64-bit entry (boot protocol 2.11); use an x86_64 "
		  "kernel from 3.8 on" },
		{ 0x020f, 2, 0x1000000,
		  "kernel k has no 64-bit entry (boot protocol 2.15); use an x86_64 "
		  "kernel from 3.8 on" },
		{ 0x020f, 1, BOOT_HIGH_START - 1,
		  "kernel k has a broken header (load address 0xfffff); get it again" },
		{ 0x020f, 1, UINT64_MAX,
		  "kernel k has a broken header (load address 0xffffffffffffffff); get "
		  "it again" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		h.version = (uint16_t)cases[i].version;
		h.xloadflags = (uint16_t)cases[i].flags;
		h.pref_address = cases[i].at;
		assert_int_equal(parse(), -ENOEXEC);
		assert_string_equal(why.s, cases[i].says);
		assert_int_equal(b.len, 0);
	}
	h.pref_address = BOOT_HIGH_START;
	assert_int_equal(parse(), 0);
	h.pref_address = INT64_MAX;
	assert_int_equal(parse(), 0);
}

static void the_kernel_is_told_what_it_must_know(void **state)
{
	static const struct memory_map map = {
		2, { { 0, 0xa0000, MEMORY_MAP_RAM }, { 0x100000, 7, MEMORY_MAP_ACPI } }
	};
	static const struct ram_range initrd = { 0x3000000, 0x777 };
	struct boot_params p;

	(void)state;
	assert_int_equal(parse(), 0);
	memset(&p, 0xff, sizeof(p));
	bzimage_params(&b, &map, &initrd, 0x20000, 0x7f0000, &p);
	assert_int_equal(p.hdr.header, 0x53726448);
	assert_int_equal(p.hdr.type_of_loader, 0xff);
	assert_int_equal(p.hdr.ramdisk_image, 0x3000000);
	assert_int_equal(p.hdr.ramdisk_size, 0x777);
	assert_int_equal(p.hdr.cmd_line_ptr, 0x20000);
	assert_int_equal(p.acpi_rsdp_addr, 0x7f0000);
	assert_int_equal(p.e820_entries, 2);
	assert_int_equal(p.e820_table[1].addr, 0x100000);
	assert_int_equal(p.e820_table[1].size, 7);
	assert_int_equal(p.e820_table[1].type, 3);
	assert_int_equal(p.e820_table[2].size, 0);
	assert_int_equal(p.ext_ramdisk_image, 0);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup(t, set_up)
	const struct CMUnitTest tests[] = {
		TEST(each_field_is_read),
		TEST(the_header_ends_where_it_says),
		TEST(what_is_none_is_left_to_others),
		TEST(a_cut_file_says_both_lengths),
		TEST(what_cannot_be_loaded_says_why),
		TEST(the_kernel_is_told_what_it_must_know),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
