#include "vmm/boot/kernel_file.h"

#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/boot/pe.h"

static unsigned char head[KERNEL_HEAD_LEN];
static struct text why;

static void put(size_t at, const void *bytes, size_t len)
{
	memcpy(head + at, bytes, len);
}

static void is_called(enum kernel_arch arch, uint64_t file_len, const char *says)
{
	size_t len = file_len < sizeof(head) ? (size_t)file_len : sizeof(head);
	unsigned char *p = malloc(len + 1); /* where a checker sees its end */

	assert_non_null(p);
	memcpy(p, head, len);
	assert_int_equal(kernel_refuse("k", arch, p, len, file_len, &why), -ENOEXEC);
	assert_string_equal(why.s, says);
	free(p);
}

static void is_called_by_both(uint64_t file_len, const char *x86_64, const char *aarch64)
{
	is_called(KERNEL_X86_64, file_len, x86_64);
	is_called(KERNEL_AARCH64, file_len, aarch64);
	memset(head, 0, sizeof(head));
}

static void a_compressed_file_says_how_to_unpack_it(void **state)
{
	static const struct {
		const char *magic;
		size_t len;
		const char *says;
	} cases[] = {
		{ "\x1f\x8b", 2, "gzip; unpack it with gunzip" },
		{ "\x28\xb5\x2f\xfd", 4, "zstd; unpack it with unzstd" },
		{ "\xfd\x37\x7a\x58\x5a\0", 6, "xz; unpack it with unxz" },
		{ "\x02\x21\x4c\x18", 4, "lz4; unpack it with unlz4" },
		{ "\x04\x22\x4d\x18", 4, "lz4; unpack it with unlz4" },
		{ "BZh", 3, "bzip2; unpack it with bunzip2" },
		{ "\x5d\0\0", 3, "lzma; unpack it with unlzma" },
	};
	char says[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put(0, cases[i].magic, cases[i].len);
		(void)snprintf(says, sizeof(says), "kernel k is compressed by %s",
			       cases[i].says);
		is_called_by_both(4096, says, says);
		put(0, cases[i].magic, cases[i].len - 1); /* one byte too few */
		is_called_by_both(cases[i].len - 1,
				  "kernel k is neither a bzImage nor an x86 ELF file "
				  "with a PVH entry note",
				  "kernel k is not an arm64 Image");
	}
}

static void a_kernel_of_another_architecture_is_named(void **state)
{
	(void)state;
	put(514, "HdrS", 4);
	is_called(KERNEL_AARCH64, 4096,
		  "kernel k is an x86 bzImage; use a kernel for aarch64");
	memset(head, 0, sizeof(head));
	put(56, "ARM\x64", 4);
	is_called(KERNEL_X86_64, 4096,
		  "kernel k is an arm64 Image; use a kernel for x86_64");
	put(0, "MZ", 2); /* with an EFI stub, too */
	is_called(KERNEL_X86_64, 4096,
		  "kernel k is an arm64 Image; use a kernel for x86_64");
	memset(head, 0, sizeof(head));
	put(56, "RSC\x05", 4);
	is_called_by_both(4096, "kernel k is a RISC-V Image; use a kernel for x86_64",
			  "kernel k is a RISC-V Image; use a kernel for aarch64");
	put(0, "MZ\0\0zimg", 8);
	is_called_by_both(4096,
			  "kernel k is compressed for EFI (CONFIG_EFI_ZBOOT), and there "
			  "is no EFI here; use arch/x86/boot/bzImage of the same build",
			  "kernel k is compressed for EFI (CONFIG_EFI_ZBOOT), and there "
			  "is no EFI here; use arch/arm64/boot/Image of the same build");
}

static void put_elf(unsigned char class, unsigned char data, unsigned machine)
{
	unsigned char ident[] = { 0x7f, 'E', 'L', 'F', class, data };
	unsigned char little[] = { machine & 0xff, (machine >> 8) & 0xff },
		      big[] = { (machine >> 8) & 0xff, machine & 0xff };

	put(0, ident, sizeof(ident));
	put(18, data == ELFDATA2MSB ? big : little, 2);
}

static void an_elf_file_is_named_by_its_machine(void **state)
{
	(void)state;
	put_elf(ELFCLASS64, ELFDATA2LSB, EM_AARCH64);
	is_called_by_both(4096,
			  "kernel k is an ELF file for aarch64; use a kernel for x86_64",
			  "kernel k is an ELF file; use arch/arm64/boot/Image of the "
			  "same build");
	put_elf(ELFCLASS64, ELFDATA2LSB, EM_X86_64);
	is_called(KERNEL_AARCH64, 4096,
		  "kernel k is an ELF file for x86_64; use a kernel for aarch64");
	put_elf(ELFCLASS32, ELFDATA2LSB, EM_386);
	is_called(KERNEL_AARCH64, 4096,
		  "kernel k is an ELF file for 32-bit x86; use a kernel for aarch64");
	put_elf(ELFCLASS64, ELFDATA2MSB, EM_S390);
	is_called_by_both(4096,
			  "kernel k is an ELF file for s390x; use a kernel for x86_64",
			  "kernel k is an ELF file for s390x; use a kernel for aarch64");
	put_elf(ELFCLASS64, ELFDATA2LSB, 0x7777);
	is_called_by_both(4096,
			  "kernel k is an ELF file; use arch/x86/boot/bzImage of the "
			  "same build",
			  "kernel k is an ELF file; use arch/arm64/boot/Image of the "
			  "same build");
	for (uint64_t len = 4; len < 52; len++) {
		char says[128];

		put_elf(ELFCLASS64, ELFDATA2LSB, EM_X86_64);
		(void)snprintf(says, sizeof(says),
			       "kernel k is cut short: it has %d bytes, and its header "
			       "says 52; get it again",
			       (int)len);
		is_called_by_both(len, says, says);
	}
}

/* A PE file of a machine with a section that ends at 0x3000. */
static void put_pe(unsigned machine)
{
	unsigned char pe[] = {
		'P', 'E', 0, 0, machine & 0xff, (machine >> 8) & 0xff, 1, 0
	};

	put(0, "MZ", 2);
	put(60, "\x40", 1);
	put(64, pe, sizeof(pe));
	put(64 + 20, "\xa0", 1);
	put(64 + 24 + 160 + 16, "\0\x10\0\0\0\x20", 6);
}

static void an_efi_program_is_named_by_its_machine(void **state)
{
	(void)state;
	put_pe(PE_MACHINE_ARM64);
	is_called_by_both(0x3000,
			  "kernel k is an EFI program for aarch64; use a kernel for "
			  "x86_64",
			  "kernel k is an EFI program, and there is no EFI here; use the "
			  "kernel's Image");
	put_pe(PE_MACHINE_AMD64);
	is_called_by_both(0x3000,
			  "kernel k is an EFI program, and there is no EFI here; use the "
			  "kernel's bzImage",
			  "kernel k is an EFI program for x86_64; use a kernel for "
			  "aarch64");
	put_pe(PE_MACHINE_AMD64); /* a bzImage before its own header */
	is_called(KERNEL_X86_64, 300,
		  "kernel k is cut short: it has 300 bytes, and its header says 12288; "
		  "get it again");
	is_called(KERNEL_X86_64, 63,
		  "kernel k is cut short: it has 63 bytes, and its header says 64; get "
		  "it again");
	is_called(KERNEL_X86_64, 87,
		  "kernel k is cut short: it has 87 bytes, and its header says 88; get "
		  "it again");
}

/* --- pe ------------------------------------------------------------------- */

static void each_field_of_a_pe_header_is_read(void **state)
{
	struct pe pe;

	(void)state;
	memset(head, 0, sizeof(head));
	assert_int_equal(pe_parse(head, sizeof(head), &pe), -EINVAL);
	assert_int_equal(pe.end, 0);
	put_pe(PE_MACHINE_I386);
	assert_int_equal(pe_parse(head, sizeof(head), &pe), 0);
	assert_int_equal(pe.machine, PE_MACHINE_I386);
	assert_int_equal(pe.end, 0x3000);
	put(64 + 24 + 160 + 16, "\0\0\0\0\xff\xff\xff\xff", 8); /* no bytes: anywhere */
	assert_int_equal(pe_parse(head, sizeof(head), &pe), 0);
	assert_int_equal(pe.end, 64 + 24 + 160 + 40);
	put(64 + 24 + 160 + 16, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	assert_int_equal(pe_parse(head, sizeof(head), &pe), 0);
	assert_int_equal(pe.end, UINT64_C(0x1fffffffe));
	put(70, "\xff\xff", 2); /* more sections than are here: they are in the file */
	assert_int_equal(pe_parse(head, 300, &pe), 0);
	assert_int_equal(pe.end, UINT64_C(0x1fffffffe));
	put(64 + 24 + 160 + 16, "\0\0\0\0", 4);
	assert_int_equal(pe_parse(head, 300, &pe), 0);
	assert_int_equal(pe.end, 64 + 24 + 160 + 65535 * 40);
	put(60, "\xff\xff\xff\xff", 4);
	assert_int_equal(pe_parse(head, sizeof(head), &pe), -EINVAL);
	assert_int_equal(pe.end, UINT64_C(0xffffffff) + 24);
	put(60, "\x3c\0\0\0", 4);
	assert_int_equal(pe_parse(head, sizeof(head), &pe), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_compressed_file_says_how_to_unpack_it),
		cmocka_unit_test(a_kernel_of_another_architecture_is_named),
		cmocka_unit_test(an_elf_file_is_named_by_its_machine),
		cmocka_unit_test(an_efi_program_is_named_by_its_machine),
		cmocka_unit_test(each_field_of_a_pe_header_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
