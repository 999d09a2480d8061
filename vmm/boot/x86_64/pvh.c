#include "vmm/boot/x86_64/boot.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "vmm/boot/payload.h"

/* An ELF file with a PVH entry note (Xen's docs/misc/pvh, "Direct kernel boot"): entered
 * in 32-bit mode without paging, RBX = hvm_start_info. 64-bit and 32-bit ELF. */

#define NOTE_PHYS32_ENTRY 18
#define NOTES_MAX         4096 /* bytes of one note segment that we look at */
#define PHDRS_MAX         64
#define START_MAGIC       0x336ec578

struct start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modlist_paddr, cmdline_paddr, rsdp_paddr, memmap_paddr;
	uint32_t memmap_entries, reserved;
};
struct module {
	uint64_t paddr, size, cmdline_paddr, reserved;
};
struct memmap_entry {
	uint64_t addr, size;
	uint32_t type, reserved;
};

#define MODLIST (BOOT_PVH_INFO + 0x100)
#define MEMMAP  (BOOT_PVH_INFO + 0x200)

/* The fields of a program header that matter, from either class. */
struct load {
	uint32_t type;
	uint64_t offset, paddr, filesz, memsz, align;
};

static int read_at(int fd, void *to, size_t len, uint64_t offset)
{
	return offset <= INT64_MAX && pread(fd, to, len, (off_t)offset) == (ssize_t)len
		       ? 0
		       : -1;
}

/* Where the program headers are, of either class. 0, or -1 when it is none of ours. */
static int read_header(int fd, bool wide, uint64_t *at, int *n)
{
	union {
		Elf64_Ehdr w;
		Elf32_Ehdr n;
	} e;

	if (read_at(fd, &e, wide ? sizeof(e.w) : sizeof(e.n), 0) < 0)
		return -1;
	*at = wide ? e.w.e_phoff : e.n.e_phoff;
	*n = wide ? e.w.e_phnum : e.n.e_phnum;
	if (*n > PHDRS_MAX || e.w.e_machine != (wide ? EM_X86_64 : EM_386))
		return -1;
	return (wide ? e.w.e_phentsize == sizeof(Elf64_Phdr)
		     : e.n.e_phentsize == sizeof(Elf32_Phdr))
		       ? 0
		       : -1;
}

static int read_phdr(int fd, bool wide, uint64_t at, struct load *out)
{
	Elf64_Phdr w;
	Elf32_Phdr n;

	if (wide) {
		if (read_at(fd, &w, sizeof(w), at) < 0)
			return -1;
		*out = (struct load){ w.p_type,   w.p_offset, w.p_paddr,
				      w.p_filesz, w.p_memsz,  w.p_align };
		return sizeof(w);
	}
	if (read_at(fd, &n, sizeof(n), at) < 0)
		return -1;
	*out = (struct load){ n.p_type,   n.p_offset, n.p_paddr,
			      n.p_filesz, n.p_memsz,  n.p_align };
	return sizeof(n);
}

/* Returns how many there are, or -1. */
static int read_phdrs(int fd, struct load *out)
{
	unsigned char ident[EI_NIDENT];
	uint64_t at;
	bool wide;
	int n;

	if (read_at(fd, ident, sizeof(ident), 0) < 0 ||
	    memcmp(ident, ELFMAG, SELFMAG) != 0)
		return -1;
	wide = ident[EI_CLASS] == ELFCLASS64;
	if (read_header(fd, wide, &at, &n) < 0)
		return -1;
	for (int i = 0; i < n; i++) {
		int len = read_phdr(fd, wide, at, &out[i]);

		if (len < 0)
			return -1;
		at += (uint64_t)len;
	}
	return n;
}

/* The entry of the note, or 0. */
static uint32_t find_entry(const unsigned char *notes, size_t len, uint64_t align)
{
	uint64_t mask = align > 4 ? 7 : 3;

	for (size_t at = 0; at + sizeof(Elf64_Nhdr) <= len;) {
		Elf64_Nhdr h;
		uint64_t desc, next;
		uint32_t entry;

		memcpy(&h, notes + at, sizeof(h));
		desc = (at + sizeof(h) + h.n_namesz + mask) & ~mask;
		next = (desc + h.n_descsz + mask) & ~mask;
		if (h.n_type == NOTE_PHYS32_ENTRY && h.n_namesz == 4 &&
		    at + sizeof(h) + 4 <= len &&
		    memcmp(notes + at + sizeof(h), "Xen", 4) == 0 &&
		    h.n_descsz >= sizeof(entry) && desc + sizeof(entry) <= len) {
			memcpy(&entry, notes + desc, sizeof(entry));
			return entry;
		}
		at = next;
	}
	return 0;
}

static uint32_t read_entry(int fd, const struct load *l, int n)
{
	unsigned char notes[NOTES_MAX];

	for (int i = 0; i < n; i++) {
		size_t len =
			l[i].filesz < sizeof(notes) ? (size_t)l[i].filesz : sizeof(notes);
		uint32_t entry;

		if (l[i].type != PT_NOTE || read_at(fd, notes, len, l[i].offset) < 0)
			continue;
		entry = find_entry(notes, len, l[i].align);
		if (entry != 0)
			return entry;
	}
	return 0;
}

static int load_segment(struct boot *b, const struct load *l, struct text *why)
{
	unsigned char *to;
	int err;

	if (l->filesz > l->memsz || l->paddr < BOOT_HIGH_START || l->paddr > b->tables ||
	    l->memsz > b->tables - l->paddr)
		return text_set(why, -ENOSPC,
				"memory %" PRIu64
				"M does not hold this kernel's segment of %" PRIu64
				" KiB at 0x%" PRIx64 "; give more --memory",
				b->vm->ram_len >> 20, l->memsz >> 10, l->paddr);
	err = payload_read(b->vm, "kernel", b->spec->kernel, b->kernel_fd, l->paddr,
			   l->offset, l->filesz, why);
	if (err < 0)
		return err;
	to = vm_ram(b->vm, l->paddr + l->filesz, l->memsz - l->filesz);
	memset(to, 0, l->memsz - l->filesz);
	if (l->paddr + l->memsz > b->kernel_end)
		b->kernel_end = l->paddr + l->memsz;
	return 0;
}

static void put_start_info(const struct boot *b)
{
	struct start_info *s = vm_ram(b->vm, BOOT_PVH_INFO, sizeof(*s));
	struct module *m = vm_ram(b->vm, MODLIST, sizeof(*m));
	struct memmap_entry *e = vm_ram(b->vm, MEMMAP, b->map_len * sizeof(*e));

	*m = (struct module){ .paddr = b->initrd.gpa, .size = b->initrd.len };
	*s = (struct start_info){
		.magic = START_MAGIC,
		.version = 1,
		.nr_modules = b->initrd.len > 0,
		.modlist_paddr = b->initrd.len > 0 ? MODLIST : 0,
		.cmdline_paddr = BOOT_CMDLINE,
		.rsdp_paddr = b->tables,
		.memmap_paddr = MEMMAP,
		.memmap_entries = b->map_len,
	};
	for (unsigned i = 0; i < b->map_len; i++)
		e[i] = (struct memmap_entry){ b->map[i].gpa, b->map[i].len,
					      b->map[i].type, 0 };
}

int pvh_load(struct boot *b, struct boot_entry *entry, struct text *why)
{
	struct load load[PHDRS_MAX];
	int n = read_phdrs(b->kernel_fd, load), err = 0;
	uint32_t rip = n > 0 ? read_entry(b->kernel_fd, load, n) : 0;

	if (rip == 0)
		return 1;
	for (int i = 0; err == 0 && i < n; i++)
		if (load[i].type == PT_LOAD && load[i].memsz > 0)
			err = load_segment(b, &load[i], why);
	if (err == 0)
		err = boot_load_initrd(b, b->tables, why);
	if (err == 0)
		err = boot_load_cmdline(b, BOOT_CMDLINE_MAX - 1, why);
	if (err < 0)
		return err;
	put_start_info(b);
	*entry = (struct boot_entry){ .rip = rip };
	return 0;
}
