#include "vmm/boot/aarch64/boot.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/random.h>
#include <unistd.h>

#include "acpi/layout.h"
#include "acpi/tables.h"
#include "vmm/boot/aarch64/devicetree.h"
#include "vmm/boot/aarch64/handoff.h"
#include "vmm/boot/aarch64/image.h"
#include "vmm/kvm/aarch64/reg.h"
#include "vmm/kvm/aarch64/vm.h"
#include "vmm/boot/arch_boot.h"
#include "vmm/kvm/arch.h"
#include "vmm/boot/boot_files.h"
#include "vmm/boot/kernel_file.h"
#include "vmm/boot/payload.h"
#include "vmm/config/refusal.h"

#define CMDLINE_MAX   2047                 /* COMMAND_LINE_SIZE, without the final 0 */
#define INITRD_WINDOW (UINT64_C(32) << 30) /* from the kernel's GiB on: booting.rst */
#define MEMORY_MAX    ((UINT64_C(1) << VM_ADDRESS_BITS) - RAM_BASE)

/* What is being loaded, filled in step by step. */
struct arm64_load {
	const struct vm *vm;
	const struct spec *spec;
	const struct boot_files *files;

	uint64_t start, end; /* of RAM */
	uint64_t tables;     /* to the end; empty with --boot dt */
	uint64_t sta;        /* behind them, as for tables_build(); the same */
	uint64_t efi;        /* in them */
	uint64_t tree;
	uint64_t kernel, kernel_end;
	struct ram_range initrd;
};

static uint64_t round_up(uint64_t v, uint64_t align)
{
	return (v + align - 1) / align * align;
}

int arch_check(const struct spec *spec, enum option_id *which, struct text *why)
{
	*which = OPTION_nested;
	if (spec->nested)
		return text_set(why, -EINVAL, refuse_nested_arch);
	*which = OPTION_memory;
	if (spec->memory > MEMORY_MAX)
		return text_set(why, -EINVAL, refuse_memory_bits, spec->memory >> 20,
				MEMORY_MAX >> 20, VM_ADDRESS_BITS);
	return 0;
}

unsigned arch_ram_layout(uint64_t len, struct ram_range range[VM_RAM_RANGES_MAX])
{
	range[0] = (struct ram_range){ RAM_BASE, len };
	return 1;
}

static int place_tables(struct arm64_load *b, struct text *why)
{
	bool acpi = !b->spec->device_tree;
	uint64_t efi = acpi ? round_up(tables_len(b->vm->topo), 8) : 0;
	uint64_t len = acpi ? round_up(efi + HANDOFF_LEN, HANDOFF_PAGE) : 0;

	if (len + HANDOFF_PAGE + DEVICETREE_LEN_MAX > b->end - b->start)
		return payload_no_room_for(b->vm, acpi ? "ACPI tables" : "device tree",
					   len + DEVICETREE_LEN_MAX, why);
	b->sta = b->end - (acpi ? HANDOFF_PAGE : 0);
	b->tables = b->sta - len;
	b->efi = b->tables + efi;
	b->tree = b->tables - DEVICETREE_LEN_MAX;
	return 0;
}

/* The header of the file as it is now. */
static int read_image(const struct payload *kernel, struct image *image, uint64_t *len,
		      struct text *why)
{
	unsigned char head[KERNEL_HEAD_LEN];
	size_t n = 0;
	int err = payload_len(kernel, len, why);

	if (err == 0)
		err = payload_head(kernel, head, sizeof(head), &n, why);
	return err < 0 ? err : image_parse(kernel->path, head, n, *len, image, why);
}

int arch_check_kernel(const struct payload *kernel, struct text *why)
{
	struct image image;
	uint64_t len;

	return read_image(kernel, &image, &len, why);
}

static int load_kernel(struct arm64_load *b, struct text *why)
{
	uint64_t room = b->tree - b->start, len;
	struct image image;
	int err = read_image(&b->files->kernel, &image, &len, why);

	if (err < 0)
		return err;
	b->kernel = b->start + image.offset;
	if (image.offset > room || image.len > room - image.offset)
		return payload_no_room_for_kernel(b->vm, b->kernel, image.len, why);
	b->kernel_end = b->kernel + image.len;
	return payload_load(&b->files->kernel, b->vm, b->kernel, 0, len, why);
}

static int load_initrd(struct arm64_load *b, struct text *why)
{
	uint64_t end = b->start + INITRD_WINDOW;

	return payload_load_initrd(&b->files->initrd, b->vm, b->kernel_end,
				   b->tree < end ? b->tree : end, HANDOFF_PAGE,
				   &b->initrd, why);
}

static void put_tables(const struct arm64_load *b, const unsigned char *enabled)
{
	const struct handoff h = { .gpa = b->efi,
				   .rsdp = b->tables,
				   .ram = b->start,
				   .reserved = b->tables,
				   .nvs = b->sta,
				   .end = b->end };

	tables_build(b->vm->topo, enabled, b->tables, b->sta,
		     vm_ram(b->vm, b->tables, b->efi - b->tables));
	handoff_build(&h, vm_ram(b->vm, b->efi, HANDOFF_LEN));
}

static int put_tree(const struct arm64_load *b, struct text *why)
{
	struct devicetree d = { .initrd = b->initrd.gpa,
				.initrd_len = b->initrd.len,
				.efi_system = b->efi,
				.efi_map = b->efi + HANDOFF_MAP,
				.topo = b->spec->device_tree ? b->vm->topo : NULL,
				.ram = b->start,
				.ram_len = b->end - b->start };
	int err = payload_cmdline(b->spec->append, CMDLINE_MAX, &d.cmdline, why);

	if (err < 0)
		return err;
	if (getrandom(&d.kaslr_seed, sizeof(d.kaslr_seed), 0) < 0)
		return text_set(why, -errno, "the host has no random number: %s",
				text_errno(errno));
	if (devicetree_build(&d, vm_ram(b->vm, b->tree, DEVICETREE_LEN_MAX),
			     DEVICETREE_LEN_MAX) < 0)
		return text_set(why, -ENOSPC, refuse_tree_high, b->vm->topo->max_vcpus,
				DEVICETREE_LEN_MAX >> 10);
	return 0;
}

int arm64_load(const struct vm *vm, const struct spec *spec,
	       const struct boot_files *files, const unsigned char *enabled,
	       struct arm64_entry *entry, struct text *why)
{
	const struct ram_range *ram = &vm->range[0];
	struct arm64_load b = { .vm = vm,
				.spec = spec,
				.files = files,
				.start = ram->gpa,
				.end = ram->gpa + ram->len };
	int err = place_tables(&b, why);

	if (err == 0)
		err = load_kernel(&b, why);
	if (err == 0)
		err = load_initrd(&b, why);
	if (err == 0)
		err = put_tree(&b, why);
	if (err < 0)
		return err;
	if (!spec->device_tree)
		put_tables(&b, enabled);
	*entry = (struct arm64_entry){ b.kernel, b.tree, spec->device_tree ? 0 : b.sta };
	return 0;
}

int arch_load(struct vm *vm, struct vcpu *vcpu0, const struct spec *spec,
	      const struct boot_files *files, const unsigned char *enabled,
	      unsigned char **sta, struct text *why)
{
	struct arm64_entry entry;
	int err = arm64_load(vm, spec, files, enabled, &entry, why);

	if (err < 0)
		return err;
	*sta = entry.sta != 0 ? vm_ram(vm, entry.sta, vm->topo->max_vcpus) : NULL;
	err = reg_set(vcpu0, REG_PC, entry.pc);
	if (err == 0)
		err = reg_set(vcpu0, REG_X(0), entry.tree);
	if (err < 0)
		text_set(why, err, "KVM does not take the boot registers: %s",
			 text_errno(-err));
	return err;
}
