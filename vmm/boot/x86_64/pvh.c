#include "vmm/boot/x86_64/pvh.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "vmm/boot/kernel_file.h"
#include "vmm/config/refusal.h"

#define NOTE_PHYS32_ENTRY 18
#define NOTES_MAX         4096 /* bytes of one note segment that we look at */
#define START_MAGIC       0x336ec578

/* The fields of file header and program header that matter, from either class. */
struct header {
	bool wide;
	uint64_t at; /* of the program headers */
	unsigned n, len;
};
struct phdr {
	uint32_t type;
	uint64_t offset, paddr, filesz, memsz, align;
};

/* --- reading -------------------------------------------------------------- */

static int read_at(const struct pvh_file *f, void *to, size_t len, uint64_t offset,
		   struct text *why)
{
	uint64_t end = offset > UINT64_MAX - len ? UINT64_MAX : offset + len;
	int err = kernel_check_end(f->path, f->len, end, why);

	if (err < 0)
		return err;
	err = f->read(f->ctx, to, len, offset);
	return err < 0 ? text_set(why, err, "kernel %s: %s", f->path, text_errno(-err))
		       : 0;
}

static int refuse_broken(const struct pvh_file *f, const char *what, uint64_t a,
			 uint64_t b, struct text *why)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "%s %" PRIu64 ", %" PRIu64, what, a, b);
	return text_set(why, -ENOEXEC, refuse_kernel_broken, f->path, text);
}

/* Of which class it is. 0; 1 when it is none of ours. */
static int read_class(const struct pvh_file *f, bool *wide, struct text *why)
{
	unsigned char ident[EI_NIDENT];
	uint16_t machine = EM_NONE;
	int err;

	if (f->len < sizeof(Elf32_Ehdr))
		return 1;
	err = read_at(f, ident, sizeof(ident), 0, why);
	if (err == 0)
		err = read_at(f, &machine, sizeof(machine),
			      offsetof(Elf64_Ehdr, e_machine), why);
	if (err < 0)
		return err;
	*wide = ident[EI_CLASS] == ELFCLASS64;
	return memcmp(ident, ELFMAG, SELFMAG) != 0 || ident[EI_DATA] != ELFDATA2LSB ||
	       machine != (*wide ? EM_X86_64 : EM_386);
}

static int read_header(const struct pvh_file *f, bool wide, struct header *out,
		       struct text *why)
{
	Elf64_Ehdr w;
	Elf32_Ehdr n;
	int err;

	if (wide) {
		err = read_at(f, &w, sizeof(w), 0, why);
		if (err == 0)
			*out = (struct header){ true, w.e_phoff, w.e_phnum,
						w.e_phentsize };
	} else {
		err = read_at(f, &n, sizeof(n), 0, why);
		if (err == 0)
			*out = (struct header){ false, n.e_phoff, n.e_phnum,
						n.e_phentsize };
	}
	if (err < 0)
		return err;
	if (out->n > PVH_SEGMENTS_MAX ||
	    (out->n > 0 && out->len != (wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr))))
		return refuse_broken(f, "program headers, and their size", out->n,
				     out->len, why);
	return 0;
}

static int read_phdr(const struct pvh_file *f, const struct header *h, unsigned i,
		     struct phdr *out, struct text *why)
{
	uint64_t at = h->at + (uint64_t)i * h->len;
	Elf64_Phdr w;
	Elf32_Phdr n;
	int err;

	if (at < h->at)
		at = UINT64_MAX; /* no file has it */
	if (h->wide) {
		err = read_at(f, &w, sizeof(w), at, why);
		if (err == 0)
			*out = (struct phdr){ w.p_type,   w.p_offset, w.p_paddr,
					      w.p_filesz, w.p_memsz,  w.p_align };
	} else {
		err = read_at(f, &n, sizeof(n), at, why);
		if (err == 0)
			*out = (struct phdr){ n.p_type,   n.p_offset, n.p_paddr,
					      n.p_filesz, n.p_memsz,  n.p_align };
	}
	return err;
}

/* Whether the file has all of it. */
static int check_phdr(const struct pvh_file *f, const struct phdr *p, struct text *why)
{
	if (p->type == PT_LOAD && p->filesz > p->memsz)
		return refuse_broken(f, "a segment's bytes in the file, and in memory",
				     p->filesz, p->memsz, why);
	if (p->filesz == 0)
		return 0;
	return kernel_check_end(
		f->path, f->len,
		p->offset > UINT64_MAX - p->filesz ? UINT64_MAX : p->offset + p->filesz,
		why);
}

/* --- the note ------------------------------------------------------------- */

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

static int read_entry(const struct pvh_file *f, const struct phdr *p, uint32_t *entry,
		      struct text *why)
{
	unsigned char notes[NOTES_MAX];
	size_t len = p->filesz < sizeof(notes) ? (size_t)p->filesz : sizeof(notes);
	int err = read_at(f, notes, len, p->offset, why);

	if (err == 0)
		*entry = find_entry(notes, len, p->align);
	return err;
}

/* --- all of it ------------------------------------------------------------ */

static int take_phdr(const struct pvh_file *f, const struct phdr *p, struct pvh *out,
		     struct text *why)
{
	int err = check_phdr(f, p, why);

	if (err == 0 && p->type == PT_NOTE && out->entry == 0)
		err = read_entry(f, p, &out->entry, why);
	if (err == 0 && p->type == PT_LOAD && p->memsz > 0)
		out->segment[out->n++] =
			(struct pvh_segment){ p->offset, p->paddr, p->filesz, p->memsz };
	return err;
}

int pvh_parse(const struct pvh_file *file, struct pvh *out, struct text *why)
{
	struct pvh found = { .entry = 0 };
	struct header h = { .n = 0 };
	bool wide;
	int err = read_class(file, &wide, why);

	if (err == 0)
		err = read_header(file, wide, &h, why);
	for (unsigned i = 0; err == 0 && i < h.n; i++) {
		struct phdr p;

		err = read_phdr(file, &h, i, &p, why);
		if (err == 0)
			err = take_phdr(file, &p, &found, why);
	}
	if (err != 0)
		return err;
	if (found.entry == 0)
		return text_set(why, -ENOEXEC, refuse_kernel_no_pvh, file->path);
	*out = found;
	return 0;
}

void pvh_info_make(uint64_t gpa, const struct memory_map *map,
		   const struct ram_range *initrd, uint64_t cmdline, uint64_t rsdp,
		   struct pvh_info *out)
{
	bool module = initrd->len > 0;

	memset(out, 0, sizeof(*out));
	out->start.magic = START_MAGIC;
	out->start.version = 1;
	out->start.nr_modules = module;
	out->start.modlist_paddr = module ? gpa + offsetof(struct pvh_info, module) : 0;
	out->start.cmdline_paddr = cmdline;
	out->start.rsdp_paddr = rsdp;
	out->start.memmap_paddr = gpa + offsetof(struct pvh_info, memmap);
	out->start.memmap_entries = map->n;
	out->module.paddr = initrd->gpa;
	out->module.size = initrd->len;
	for (unsigned i = 0; i < map->n; i++) {
		out->memmap[i].addr = map->entry[i].gpa;
		out->memmap[i].size = map->entry[i].len;
		out->memmap[i].type = map->entry[i].type;
	}
}
