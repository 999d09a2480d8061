#ifndef VMM_BOOT_X86_64_PVH_H
#define VMM_BOOT_X86_64_PVH_H
/* pvh: an ELF file with a PVH entry note (Xen's docs/misc/pvh, "Direct kernel boot"):
 * entered in 32-bit mode without paging, RBX = hvm_start_info. 64-bit and 32-bit ELF.
 * Pure but for the reader that it is given. Believes nothing that the file says. */

#include <stddef.h>
#include <stdint.h>

#include "vmm/base/text.h"
#include "vmm/boot/x86_64/memory_map.h"

#define PVH_SEGMENTS_MAX 64

/* The bytes of a file, wherever they are. */
struct pvh_file {
	const char *path;
	uint64_t len;
	const void *ctx;
	/* Reads len bytes at offset, which are in the file. 0 or -errno. */
	int (*read)(const void *ctx, void *to, size_t len, uint64_t offset);
};

/* filesz bytes of the file at offset, which it has, then 0 up to memsz, from gpa on. */
struct pvh_segment {
	uint64_t offset, gpa, filesz, memsz;
};

struct pvh {
	uint32_t entry; /* not 0 */
	unsigned n;
	struct pvh_segment segment[PVH_SEGMENTS_MAX]; /* none is empty */
};

/* Reads the headers and the note. gpa + memsz of a segment may overflow. 0; 1 when it is
 * no ELF file of this architecture; or -ENOEXEC, or what read() returned, with *why: cut
 * short, broken, without a note. */
int pvh_parse(const struct pvh_file *file, struct pvh *out, struct text *why);

/* What the kernel is told (Xen's public/arch-x86/hvm/start_info.h). */
struct pvh_info {
	struct {
		uint32_t magic, version, flags, nr_modules;
		uint64_t modlist_paddr, cmdline_paddr, rsdp_paddr, memmap_paddr;
		uint32_t memmap_entries, reserved;
	} start;
	struct {
		uint64_t paddr, size, cmdline_paddr, reserved;
	} module;
	struct {
		uint64_t addr, size;
		uint32_t type, reserved;
	} memmap[MEMORY_MAP_MAX];
};

/* Fills it in for an info that stands at gpa; cmdline and rsdp are guest physical. */
void pvh_info_make(uint64_t gpa, const struct memory_map *map,
		   const struct ram_range *initrd, uint64_t cmdline, uint64_t rsdp,
		   struct pvh_info *out);

#endif
