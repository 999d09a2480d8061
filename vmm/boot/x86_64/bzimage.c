#include "vmm/boot/x86_64/bzimage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "vmm/boot/kernel_file.h"
#include "vmm/boot/x86_64/boot.h"
#include "vmm/config/refusal.h"

#define HDR_OFFSET     0x1f1
#define HDR_END_OFFSET 0x201 /* byte here + 0x202 is where the header ends */
#define HDR_BEGIN_END  0x206 /* what there must be for the magic to be read */
#define MAGIC_HDRS     0x53726448
#define VERSION_MIN    0x020c /* xloadflags */
#define ENTRY_64       0x200
#define LOADER_OTHER   0xff
#define SECTOR         512
#define SETUP_DEFAULT  4 /* sectors, where the header says 0 */
#define PARAGRAPH      16

static int read_header(const unsigned char *head, size_t head_len, struct setup_header *h)
{
	size_t len;

	memset(h, 0, sizeof(*h));
	if (head_len < HDR_BEGIN_END)
		return 1;
	len = (size_t)(0x202 + head[HDR_END_OFFSET]) - HDR_OFFSET;
	if (len > sizeof(*h))
		len = sizeof(*h);
	if (len > head_len - HDR_OFFSET)
		len = head_len - HDR_OFFSET;
	memcpy(h, head + HDR_OFFSET, len);
	return h->header == MAGIC_HDRS ? 0 : 1;
}

static uint64_t setup_len(const struct setup_header *h)
{
	return (uint64_t)((h->setup_sects ? h->setup_sects : SETUP_DEFAULT) + 1) * SECTOR;
}

static int check_header(const char *path, const struct setup_header *h, uint64_t file_len,
			struct text *why)
{
	uint64_t code = h->syssize ? (uint64_t)h->syssize * PARAGRAPH : 1;
	char what[64];
	int err = kernel_check_end(path, file_len, setup_len(h) + code, why);

	if (err < 0)
		return err;
	if (h->version < VERSION_MIN || !(h->xloadflags & XLF_KERNEL_64))
		return text_set(why, -ENOEXEC, refuse_kernel_no_64, path, h->version >> 8,
				h->version & 0xff);
	if (h->pref_address >= BOOT_HIGH_START && h->pref_address <= INT64_MAX)
		return 0;
	(void)snprintf(what, sizeof(what), "load address 0x%" PRIx64,
		       (uint64_t)h->pref_address);
	return text_set(why, -ENOEXEC, refuse_kernel_broken, path, what);
}

int bzimage_parse(const char *path, const unsigned char *head, size_t head_len,
		  uint64_t file_len, struct bzimage *out, struct text *why)
{
	struct setup_header h;
	uint64_t setup, len;
	int err = read_header(head, head_len, &h);

	if (err == 0)
		err = check_header(path, &h, file_len, why);
	if (err != 0)
		return err;
	setup = setup_len(&h);
	len = file_len - setup;
	*out = (struct bzimage){
		.setup_len = setup,
		.len = len,
		.gpa = h.pref_address,
		.need = h.init_size > len ? h.init_size : len,
		.entry = h.pref_address + ENTRY_64,
		.initrd_limit = (uint64_t)h.initrd_addr_max + 1,
		.cmdline_max = h.cmdline_size < BOOT_CMDLINE_MAX ? h.cmdline_size
								 : BOOT_CMDLINE_MAX - 1,
		.header = h,
	};
	return 0;
}

void bzimage_params(const struct bzimage *b, const struct memory_map *map,
		    const struct ram_range *initrd, uint64_t cmdline, uint64_t rsdp,
		    struct boot_params *out)
{
	memset(out, 0, sizeof(*out));
	out->hdr = b->header;
	out->hdr.type_of_loader = LOADER_OTHER;
	out->hdr.ramdisk_image = (uint32_t)initrd->gpa;
	out->hdr.ramdisk_size = (uint32_t)initrd->len;
	out->hdr.cmd_line_ptr = (uint32_t)cmdline;
	out->acpi_rsdp_addr = rsdp;
	out->e820_entries = (uint8_t)map->n;
	for (unsigned i = 0; i < map->n; i++)
		out->e820_table[i] =
			(struct boot_e820_entry){ map->entry[i].gpa, map->entry[i].len,
						  map->entry[i].type };
}
