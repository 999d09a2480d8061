#include "vmm/boot/aarch64/image.h"
#include "vmm/boot/kernel_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* As the kernel of a stock distribution has it: bytes, whatever this machine's order. */
static const unsigned char good[64] = {
	'M',        'Z', 0x40, 0xfa, 0x01, 0x02, 0x03, 0x14, /* code */
	0,          0,   0,    0,    0,    0,    0,    0,    /* offset */
	0,          0,   0x24, 0x02, 0,    0,    0,    0,    /* size 0x2240000 */
	0xa,        0,   0,    0,    0,    0,    0,    0,    /* flags */
	[56] = 'A', 'R', 'M',  0x64, 0x40,
};

static unsigned char head[KERNEL_HEAD_LEN];
static struct text why;

/* Parses a good header with n bytes of a field changed. */
static int parse_with(size_t at, const char *bytes, size_t n, struct image *image)
{
	memset(head, 0, sizeof(head));
	memcpy(head, good, sizeof(good));
	memcpy(head + at, bytes, n);
	return image_parse("k", head, sizeof(head), 4096, image, &why);
}

static void a_good_header_tells_place_and_size(void **state)
{
	struct image image;

	(void)state;
	assert_int_equal(parse_with(0, "MZ", 2, &image), 0);
	assert_int_equal(image.offset, 0);
	assert_int_equal(image.len, 0x2240000);
	assert_int_equal(parse_with(8, "\0\0\x08", 3, &image), 0);
	assert_int_equal(image.offset, 0x80000);
	assert_int_equal(parse_with(16, "\1\0\0", 3, &image), 0);
	assert_int_equal(image.len, 0x2000001);
	/* also one of 64 bytes, and one with more in the file than it says */
	assert_int_equal(image_parse("k", good, sizeof(good), 0x3000000, &image, &why),
			 0);
	assert_int_equal(image.len, 0x3000000);
}

static void a_bad_header_is_refused(void **state)
{
	static const struct {
		size_t at, n;
		const char *bytes, *says;
	} cases[] = {
		{ 56, 4, "ARMx", "is an EFI program" },
		{ 16, 4, "\0\0\0\0", "older than 3.17" },
		{ 24, 1, "\xb", "big-endian" },
		{ 8, 3, "\0\0\x20", "broken header (offset 0x200000, size 0x2240000)" },
		{ 8, 8, "\xff\xff\xff\xff\xff\xff\xff\xff", "broken header" },
		{ 16, 8, "\xff\xff\xff\xff\xff\xff\xff\xff",
		  "broken header (offset 0x0, size 0xffffffffffffffff)" },
		{ 16, 8, "\0\0\0\0\0\0\0\x80", "broken header" },
	};
	struct image image = { 1, 2 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
			parse_with(cases[i].at, cases[i].bytes, cases[i].n, &image),
			-ENOEXEC);
		assert_non_null(strstr(why.s, cases[i].says));
		assert_int_equal(image.offset, 1);
		assert_int_equal(image.len, 2);
	}
}

static void what_is_no_image_is_called_by_its_name(void **state)
{
	/* clang-format off */
	static const struct {
		size_t at;
		const char *bytes, *says;
	} cases[] = {
		{ 0, "\x1f\x8b\x08", "kernel k is compressed by gzip; unpack it with gunzip" },
		{ 0, "\x28\xb5\x2f\xfd", "kernel k is compressed by zstd; unpack it with unzstd" },
		{ 0, "\xfd" "7zXZ", "kernel k is compressed by xz; unpack it with unxz" },
		{ 0, "\x04\x22\x4d\x18", "kernel k is compressed by lz4; unpack it with unlz4" },
		{ 0, "\x7f" "ELF", "kernel k is an ELF file; use arch/arm64/boot/Image of the same build" },
		{ 0, "MZ\xcd\x23zimg", "kernel k is compressed for EFI (CONFIG_EFI_ZBOOT), and there is no EFI here; use arch/arm64/boot/Image of the same build" },
		{ 0, "MZ", "kernel k is an EFI program, and there is no EFI here; use the kernel's Image" },
		{ 514, "HdrS", "kernel k is an x86 bzImage; use a kernel for aarch64" },
		{ 0, "#!/bin/sh", "kernel k is not an arm64 Image" },
	};
	/* clang-format on */
	struct image image;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(head, 0, sizeof(head));
		memcpy(head + cases[i].at, cases[i].bytes, strlen(cases[i].bytes));
		assert_int_equal(image_parse("k", head, sizeof(head), 4096, &image, &why),
				 -ENOEXEC);
		assert_string_equal(why.s, cases[i].says);
	}
}

/* A header of EFI's behind Linux's, with sections that end at 0x3000. */
static void put_pe(void)
{
	static const unsigned char pe[] = { 'P', 'E', 0, 0, 0x64, 0xaa, 2, 0 };
	unsigned char *section = head + 64 + 24 + 160;

	memset(head, 0, sizeof(head));
	memcpy(head, good, sizeof(good));
	head[60] = 64;
	memcpy(head + 64, pe, sizeof(pe));
	head[64 + 20] = 160;
	section[17] = 0x10; /* 0x1000 bytes at 0x1000, 0x800 at 0x2800 */
	section[21] = 0x10;
	section[40 + 17] = 0x8;
	section[40 + 21] = 0x28;
}

static void a_file_has_all_of_its_sections(void **state)
{
	struct image image = { 1, 2 };

	(void)state;
	put_pe();
	assert_int_equal(image_parse("k", head, sizeof(head), 0x2fff, &image, &why),
			 -ENOEXEC);
	assert_string_equal(why.s, "kernel k is cut short: it has 12287 bytes, and its "
				   "header says 12288; get it again");
	assert_int_equal(image.offset, 1);
	assert_int_equal(image_parse("k", head, sizeof(head), 0x3000, &image, &why), 0);
	assert_int_equal(image.len, 0x2240000);
	/* and one that ends in the table of its sections */
	assert_int_equal(image_parse("k", head, 300, 300, &image, &why), -ENOEXEC);
	assert_non_null(strstr(why.s, "has 300 bytes, and its header says 8192"));
	assert_int_equal(image_parse("k", head, 80, 80, &image, &why), -ENOEXEC);
	assert_non_null(strstr(why.s, "has 80 bytes, and its header says 88"));
}

/* On the heap, so that a checker sees what is read behind the end. */
static void a_truncated_file_is_refused(void **state)
{
	struct image image;

	(void)state;
	for (size_t len = 0; len < sizeof(good); len++) {
		unsigned char *p = malloc(len + 1);

		assert_non_null(p);
		memcpy(p, good, len);
		assert_int_equal(image_parse("k", p, len, len, &image, &why), -ENOEXEC);
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_header_tells_place_and_size),
		cmocka_unit_test(a_bad_header_is_refused),
		cmocka_unit_test(what_is_no_image_is_called_by_its_name),
		cmocka_unit_test(a_file_has_all_of_its_sections),
		cmocka_unit_test(a_truncated_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
