#include "vmm/boot/kernel_file.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "vmm/boot/bytes.h"
#include "vmm/boot/pe.h"
#include "vmm/config/refusal.h"

static const struct {
	const char *name;
	unsigned elf, pe; /* their numbers for it */
	const char *image, *built, *unknown;
} archs[KERNEL_ARCHS] = {
	[KERNEL_X86_64] = { "x86_64", EM_X86_64, PE_MACHINE_AMD64, "the kernel's bzImage",
			    "arch/x86/boot/bzImage",
			    "neither a bzImage nor an x86 ELF file with a PVH entry "
			    "note" },
	[KERNEL_AARCH64] = { "aarch64", EM_AARCH64, PE_MACHINE_ARM64,
			     "the kernel's Image", "arch/arm64/boot/Image",
			     "not an arm64 Image" },
};

static const struct {
	size_t at, len;
	const char *magic, *by, *with;
} packed[] = {
	{ 0, 2, "\x1f\x8b", "gzip", "gunzip" },
	{ 0, 4, "\x28\xb5\x2f\xfd", "zstd", "unzstd" },
	{ 0, 6, "\xfd\x37\x7a\x58\x5a", "xz", "unxz" },
	{ 0, 4, "\x02\x21\x4c\x18", "lz4", "unlz4" },
	{ 0, 4, "\x04\x22\x4d\x18", "lz4", "unlz4" },
	{ 0, 3, "BZh", "bzip2", "bunzip2" },
	{ 0, 3, "\x5d\0\0", "lzma", "unlzma" },
};

/* Kernels of one architecture by their own magic. A bzImage or an Image of ours is here
 * only when its loader has not taken it. */
static const struct {
	size_t at, len;
	const char *magic, *what;
	enum kernel_arch arch; /* KERNEL_ARCHS: none of ours */
} images[] = {
	{ 514, 4, "HdrS", "an x86 bzImage", KERNEL_X86_64 },
	{ 56, 4, "ARM\x64", "an arm64 Image", KERNEL_AARCH64 },
	{ 56, 4, "RSC\x05", "a RISC-V Image", KERNEL_ARCHS },
};

/* By e_machine, which is not always the architecture's one number. */
static const struct {
	unsigned elf;
	const char *name;
} elf_machines[] = {
	{ EM_X86_64, "x86_64" },   { EM_386, "32-bit x86" },
	{ EM_AARCH64, "aarch64" }, { EM_ARM, "32-bit Arm" },
	{ EM_RISCV, "RISC-V" },    { EM_PPC64, "PowerPC" },
	{ EM_S390, "s390x" },      { EM_LOONGARCH, "LoongArch" },
};

static bool has(const unsigned char *head, size_t len, size_t at, const char *magic,
		size_t n)
{
	return at + n <= len && memcmp(head + at, magic, n) == 0;
}

int kernel_check_end(const char *path, uint64_t file_len, uint64_t end, struct text *why)
{
	return end > file_len
		       ? text_set(why, -ENOEXEC, refuse_kernel_short, path, file_len, end)
		       : 0;
}

static int refuse_foreign(const char *path, const char *what, enum kernel_arch arch,
			  struct text *why)
{
	return text_set(why, -ENOEXEC, refuse_kernel_foreign, path, what,
			archs[arch].name);
}

static unsigned elf_machine(const unsigned char *head)
{
	const unsigned char *p = head + offsetof(Elf64_Ehdr, e_machine);

	return head[EI_DATA] == ELFDATA2MSB ? (unsigned)(p[0] << 8 | p[1])
					    : bytes_le16(p);
}

static int refuse_elf(const char *path, enum kernel_arch arch, const unsigned char *head,
		      uint64_t file_len, struct text *why)
{
	unsigned machine;
	char what[64];
	int err = kernel_check_end(path, file_len, sizeof(Elf32_Ehdr), why);

	if (err < 0)
		return err;
	machine = elf_machine(head);
	for (size_t i = 0; i < sizeof(elf_machines) / sizeof(elf_machines[0]); i++) {
		if (elf_machines[i].elf != machine || machine == archs[arch].elf)
			continue;
		(void)snprintf(what, sizeof(what), "an ELF file for %s",
			       elf_machines[i].name);
		return refuse_foreign(path, what, arch, why);
	}
	return text_set(why, -ENOEXEC, refuse_kernel_elf, path, archs[arch].built);
}

static int refuse_efi(const char *path, enum kernel_arch arch, const unsigned char *head,
		      size_t len, uint64_t file_len, struct text *why)
{
	struct pe pe;
	bool is_pe = pe_parse(head, len, &pe) == 0;
	char what[64];
	int err;

	for (unsigned i = 0; is_pe && i < KERNEL_ARCHS; i++)
		if (i != arch && pe.machine == archs[i].pe) {
			(void)snprintf(what, sizeof(what), "an EFI program for %s",
				       archs[i].name);
			return refuse_foreign(path, what, arch, why);
		}
	err = kernel_check_end(path, file_len, pe.end, why);
	return err < 0 ? err
		       : text_set(why, -ENOEXEC, refuse_kernel_efi, path,
				  archs[arch].image);
}

int kernel_refuse(const char *path, enum kernel_arch arch, const unsigned char *head,
		  size_t len, uint64_t file_len, struct text *why)
{
	for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++)
		if (has(head, len, packed[i].at, packed[i].magic, packed[i].len))
			return text_set(why, -ENOEXEC, refuse_kernel_packed, path,
					packed[i].by, packed[i].with);
	if (has(head, len, 0, ELFMAG, SELFMAG))
		return refuse_elf(path, arch, head, file_len, why);
	if (has(head, len, 4, "zimg", 4))
		return text_set(why, -ENOEXEC, refuse_kernel_zboot, path,
				archs[arch].built);
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++)
		if (images[i].arch != arch &&
		    has(head, len, images[i].at, images[i].magic, images[i].len))
			return refuse_foreign(path, images[i].what, arch, why);
	if (has(head, len, 0, "MZ", 2))
		return refuse_efi(path, arch, head, len, file_len, why);
	return text_set(why, -ENOEXEC, refuse_kernel_unknown, path, archs[arch].unknown);
}
