#include "vmm/boot/x86_64/boot.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "acpi/tables.h"
#include "vmm/boot/arch_boot.h"
#include "vmm/boot/kernel_file.h"
#include "vmm/boot/payload.h"
#include "vmm/boot/x86_64/bzimage.h"
#include "vmm/boot/x86_64/memory_map.h"
#include "vmm/boot/x86_64/pvh.h"
#include "vmm/config/refusal.h"
#include "vmm/config/spec.h"

#define TABLE_ALIGN UINT64_C(0x10000)
#define PAGE_LEN    UINT64_C(0x1000)

/* A kernel of either kind. */
struct kernel {
	bool is_bzimage;
	union {
		struct bzimage bzimage;
		struct pvh pvh;
	};
};

/* What is being loaded, filled in step by step. */
struct x86_load {
	const struct vm *vm;
	const struct spec *spec;
	const struct boot_files *files;

	uint64_t tables;     /* of the ACPI tables; RAM for kernel and initrd ends here */
	uint64_t sta;        /* as for tables_build() */
	uint64_t kernel_end; /* what the kernel needs free ends here */
	struct ram_range initrd;
	struct memory_map map;
};

/* --- what the kernel is --------------------------------------------------- */

static int read_payload(const void *ctx, void *to, size_t len, uint64_t offset)
{
	const struct payload *p = ctx;
	ssize_t n = pread(p->fd, to, len, (off_t)offset);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}

static int read_kernel(const struct payload *p, struct kernel *k, struct text *why)
{
	unsigned char head[KERNEL_HEAD_LEN];
	struct pvh_file elf = { .path = p->path, .ctx = p, .read = read_payload };
	size_t n = 0;
	int err = payload_len(p, &elf.len, why);

	if (err == 0)
		err = payload_head(p, head, sizeof(head), &n, why);
	if (err < 0)
		return err;
	err = bzimage_parse(p->path, head, n, elf.len, &k->bzimage, why);
	k->is_bzimage = err == 0;
	if (err == 1)
		err = pvh_parse(&elf, &k->pvh, why);
	return err == 1 ? kernel_refuse(p->path, KERNEL_X86_64, head, n, elf.len, why)
			: err;
}

int arch_check_kernel(const struct payload *kernel, struct text *why)
{
	struct kernel k;

	return read_kernel(kernel, &k, why);
}

/* --- what both kinds have ------------------------------------------------- */

/* Puts the tables at the top of the first range, and makes the memory map. */
static int place_tables(struct x86_load *l, struct text *why)
{
	const struct vm *vm = l->vm;
	uint64_t end = vm->range[0].gpa + vm->range[0].len, len = tables_len(vm->topo);

	if (len + 2 * TABLE_ALIGN + BOOT_HIGH_START > end)
		return payload_no_room_for(vm, "ACPI tables", len, why);
	l->sta = end - TABLE_ALIGN;
	l->tables = (l->sta - len) / TABLE_ALIGN * TABLE_ALIGN;
	memory_map_make(vm->range, vm->nranges, l->tables, l->sta, &l->map);
	return 0;
}

static int load_initrd(struct x86_load *l, uint64_t limit, struct text *why)
{
	return payload_load_initrd(&l->files->initrd, l->vm, l->kernel_end,
				   limit < l->tables ? limit : l->tables, PAGE_LEN,
				   &l->initrd, why);
}

static int load_cmdline(const struct x86_load *l, uint64_t max, struct text *why)
{
	const char *s;
	int err = payload_cmdline(l->spec->append, max, &s, why);

	if (err == 0)
		memcpy(vm_ram(l->vm, BOOT_CMDLINE, strlen(s) + 1), s, strlen(s) + 1);
	return err;
}

/* --- bzImage -------------------------------------------------------------- */

static int load_bzimage(struct x86_load *l, const struct bzimage *b, struct text *why)
{
	int err;

	if (b->gpa > l->tables || b->need > l->tables - b->gpa)
		return payload_no_room_for_kernel(l->vm, b->gpa, b->need, why);
	l->kernel_end = b->gpa + b->need;
	err = payload_load(&l->files->kernel, l->vm, b->gpa, b->setup_len, b->len, why);
	if (err == 0)
		err = load_initrd(l, b->initrd_limit, why);
	if (err == 0)
		err = load_cmdline(l, b->cmdline_max, why);
	if (err == 0)
		bzimage_params(b, &l->map, &l->initrd, BOOT_CMDLINE, l->tables,
			       vm_ram(l->vm, BOOT_PARAMS, sizeof(struct boot_params)));
	return err;
}

/* --- ELF ------------------------------------------------------------------ */

static int load_segment(struct x86_load *l, const struct pvh_segment *s, struct text *why)
{
	int err;

	if (s->gpa < BOOT_HIGH_START || s->gpa > l->tables ||
	    s->memsz > l->tables - s->gpa)
		return text_set(why, -ENOSPC, refuse_kernel_segment, l->vm->ram_len >> 20,
				s->memsz >> 10, s->gpa);
	err = payload_load(&l->files->kernel, l->vm, s->gpa, s->offset, s->filesz, why);
	if (err < 0)
		return err;
	memset(vm_ram(l->vm, s->gpa + s->filesz, s->memsz - s->filesz), 0,
	       s->memsz - s->filesz);
	if (s->gpa + s->memsz > l->kernel_end)
		l->kernel_end = s->gpa + s->memsz;
	return 0;
}

static int load_pvh(struct x86_load *l, const struct pvh *p, struct text *why)
{
	int err = 0;

	for (unsigned i = 0; err == 0 && i < p->n; i++)
		err = load_segment(l, &p->segment[i], why);
	if (err == 0)
		err = load_initrd(l, l->tables, why);
	if (err == 0)
		err = load_cmdline(l, BOOT_CMDLINE_MAX - 1, why);
	if (err == 0)
		pvh_info_make(BOOT_PVH_INFO, &l->map, &l->initrd, BOOT_CMDLINE, l->tables,
			      vm_ram(l->vm, BOOT_PVH_INFO, sizeof(struct pvh_info)));
	return err;
}

int x86_load(const struct vm *vm, const struct spec *spec, const struct boot_files *files,
	     const unsigned char *enabled, struct x86_entry *entry, unsigned char **sta,
	     struct text *why)
{
	struct x86_load l = { .vm = vm, .spec = spec, .files = files };
	struct kernel k;
	int err = place_tables(&l, why);

	if (err < 0)
		return err;
	err = read_kernel(&files->kernel, &k, why);
	if (err != 0)
		return err;
	err = k.is_bzimage ? load_bzimage(&l, &k.bzimage, why)
			   : load_pvh(&l, &k.pvh, why);
	if (err < 0)
		return err;
	tables_build(vm->topo, enabled, l.tables, l.sta,
		     vm_ram(vm, l.tables, tables_len(vm->topo)));
	*sta = vm_ram(vm, l.sta, vm->topo->max_vcpus);
	*entry = (struct x86_entry){ k.is_bzimage ? k.bzimage.entry : k.pvh.entry,
				     k.is_bzimage };
	return 0;
}
