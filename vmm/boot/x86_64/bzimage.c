#include "vmm/boot/x86_64/boot.h"

#include <asm/bootparam.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "vmm/boot/payload.h"

/* Linux bzImage by the 64-bit protocol (Documentation/arch/x86/boot.rst, "64-bit Boot
 * Protocol"): the setup code is never run. */

#define HDR_OFFSET     0x1f1
#define HDR_END_OFFSET 0x201 /* byte here + 0x202 is where the header ends */
#define MAGIC_HDRS     0x53726448
#define VERSION_MIN    0x020c /* xloadflags */
#define ENTRY_64       0x200
#define LOADER_OTHER   0xff
#define SECTOR         512

static int read_header(const struct boot *b, struct setup_header *h)
{
	unsigned char head[HDR_OFFSET + sizeof(*h)];
	ssize_t n = pread(b->kernel_fd, head, sizeof(head), 0);
	size_t len;

	if (n != (ssize_t)sizeof(head))
		return 1;
	len = (size_t)(0x202 + head[HDR_END_OFFSET]) - HDR_OFFSET;
	if (len > sizeof(*h))
		len = sizeof(*h);
	memset(h, 0, sizeof(*h));
	memcpy(h, head + HDR_OFFSET, len);
	return h->header == MAGIC_HDRS ? 0 : 1;
}

static int check_header(const struct boot *b, const struct setup_header *h,
			struct text *why)
{
	uint64_t setup = (uint64_t)((h->setup_sects ? h->setup_sects : 4) + 1) * SECTOR;

	if (h->version < VERSION_MIN || !(h->xloadflags & XLF_KERNEL_64))
		return text_set(
			why, -ENOEXEC,
			"kernel %s has no 64-bit entry (boot protocol %u.%02u); use an "
			"x86_64 kernel from 3.8 on",
			b->spec->kernel, h->version >> 8, h->version & 0xff);
	if (b->kernel_len <= setup)
		return text_set(why, -ENODATA, "kernel %s is cut short", b->spec->kernel);
	return 0;
}

static int load_payload(struct boot *b, const struct setup_header *h, struct text *why)
{
	uint64_t setup = (uint64_t)((h->setup_sects ? h->setup_sects : 4) + 1) * SECTOR;
	uint64_t at = h->pref_address, len = b->kernel_len - setup;
	uint64_t need = h->init_size > len ? h->init_size : len;
	int err;

	if (at < BOOT_HIGH_START || at > b->tables || need > b->tables - at)
		return payload_no_room_for_kernel(b->vm, at, need, why);
	err = payload_read(b->vm, "kernel", b->spec->kernel, b->kernel_fd, at, setup, len,
			   why);
	if (err < 0)
		return err;
	b->kernel_end = at + need;
	return 0;
}

static void put_params(const struct boot *b, const struct setup_header *h)
{
	struct boot_params *p = vm_ram(b->vm, BOOT_PARAMS, sizeof(*p));

	memset(p, 0, sizeof(*p));
	p->hdr = *h;
	p->hdr.type_of_loader = LOADER_OTHER;
	p->hdr.ramdisk_image = (uint32_t)b->initrd.gpa;
	p->hdr.ramdisk_size = (uint32_t)b->initrd.len;
	p->hdr.cmd_line_ptr = BOOT_CMDLINE;
	p->acpi_rsdp_addr = b->tables;
	p->e820_entries = (uint8_t)b->map_len;
	for (unsigned i = 0; i < b->map_len; i++)
		p->e820_table[i] = (struct boot_e820_entry){ b->map[i].gpa, b->map[i].len,
							     b->map[i].type };
}

int bzimage_load(struct boot *b, struct boot_entry *entry, struct text *why)
{
	struct setup_header h;
	int err = read_header(b, &h);

	if (err != 0)
		return err;
	err = check_header(b, &h, why);
	if (err == 0)
		err = load_payload(b, &h, why);
	if (err == 0)
		err = boot_load_initrd(b, (uint64_t)h.initrd_addr_max + 1, why);
	if (err == 0)
		err = boot_load_cmdline(b,
					h.cmdline_size < BOOT_CMDLINE_MAX
						? h.cmdline_size
						: BOOT_CMDLINE_MAX - 1,
					why);
	if (err < 0)
		return err;
	put_params(b, &h);
	*entry = (struct boot_entry){ .rip = h.pref_address + ENTRY_64,
				      .long_mode = true };
	return 0;
}
