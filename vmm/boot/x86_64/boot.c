#include "vmm/boot/x86_64/boot.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vmm/boot/arch_boot.h"
#include "vmm/kvm/arch.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/x86_64/vm.h"
#include "vmm/config/refusal.h"
#include "vmm/config/spec.h"

#define HOLE_START UINT64_C(0xc0000000)
#define HOLE_END   UINT64_C(0x100000000)
#define PAGE_LEN   UINT64_C(0x1000)

#define RESET_STUB 0xffff0

#define CR0_PE      UINT64_C(0x1)
#define CR0_ET      UINT64_C(0x10)
#define CR0_PG      UINT64_C(0x80000000)
#define CR4_PAE     UINT64_C(0x20)
#define EFER_LM     UINT64_C(0x500) /* LME, LMA */
#define PTE_TABLE   UINT64_C(0x3)   /* present, writable */
#define PTE_2M      UINT64_C(0x83)  /* and a large page */
#define GIBS_MAPPED UINT64_C(4)

int arch_check(const struct spec *spec, enum option_id *which, struct text *why)
{
	*which = OPTION_boot;
	return spec->device_tree ? text_set(why, -EINVAL, refuse_boot_dt) : 0;
}

unsigned arch_ram_layout(uint64_t len, struct ram_range range[VM_RAM_RANGES_MAX])
{
	range[0] = (struct ram_range){ 0, len < HOLE_START ? len : HOLE_START };
	if (len <= HOLE_START)
		return 1;
	range[1] = (struct ram_range){ HOLE_END, len - HOLE_START };
	return 2;
}

/* Linux resets by the BIOS's entry at F000:FFF0 where it believes in EFI, and so do we
 * all after a jump to 0: mov al,6; mov dx,0xcf9; out dx,al; hlt; jmp -3. */
static void put_reset_stub(const struct vm *vm)
{
	static const unsigned char code[] = { 0xb0, 0x06, 0xba, 0xf9, 0x0c,
					      0xee, 0xf4, 0xeb, 0xfd };

	memcpy(vm_ram(vm, RESET_STUB, sizeof(code)), code, sizeof(code));
}

static void put_page_tables(const struct vm *vm)
{
	uint64_t *pml4 = vm_ram(vm, BOOT_PAGE_TABLES, (2 + GIBS_MAPPED) * PAGE_LEN);
	uint64_t *pdpt = pml4 + PAGE_LEN / 8, *pd = pdpt + PAGE_LEN / 8;

	memset(pml4, 0, 2 * PAGE_LEN);
	pml4[0] = (BOOT_PAGE_TABLES + PAGE_LEN) | PTE_TABLE;
	for (uint64_t i = 0; i < GIBS_MAPPED; i++)
		pdpt[i] = (BOOT_PAGE_TABLES + (2 + i) * PAGE_LEN) | PTE_TABLE;
	for (uint64_t i = 0; i < GIBS_MAPPED * PAGE_LEN / 8; i++)
		pd[i] = i << 21 | PTE_2M;
}

static void put_gdt(const struct vm *vm, bool long_mode)
{
	const uint64_t gdt[] = { 0, 0,
				 long_mode ? UINT64_C(0x00af9b000000ffff)
					   : UINT64_C(0x00cf9b000000ffff),
				 UINT64_C(0x00cf93000000ffff) };

	memcpy(vm_ram(vm, BOOT_GDT, sizeof(gdt)), gdt, sizeof(gdt));
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, bool long_mode)
{
	return (struct kvm_segment){
		.limit = UINT32_MAX,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
		.db = !long_mode,
		.l = long_mode,
		.g = 1,
	};
}

/* Boot protocol of the kernel, 64-bit (Documentation/arch/x86/boot.rst) or PVH's
 * 32-bit. */
static int set_registers(const struct vcpu *v, const struct x86_entry *entry)
{
	struct kvm_regs regs = {
		.rip = entry->rip,
		.rsi = entry->long_mode ? BOOT_PARAMS : 0,
		.rbx = entry->long_mode ? 0 : BOOT_PVH_INFO,
		.rsp = BOOT_CMDLINE, /* grows down into free memory */
		.rflags = 2,
	};
	struct kvm_sregs s;

	if (ioctl(v->fd, KVM_GET_SREGS, &s) < 0)
		return -errno;
	s.cs = segment(0x10, 11, entry->long_mode);
	s.ds = s.es = s.fs = s.gs = s.ss = segment(0x18, 3, false);
	s.gdt.base = BOOT_GDT;
	s.gdt.limit = 31;
	s.idt.limit = 0;
	s.cr0 = CR0_PE | CR0_ET;
	if (entry->long_mode) {
		s.cr0 |= CR0_PG;
		s.cr3 = BOOT_PAGE_TABLES;
		s.cr4 = CR4_PAE;
		s.efer = EFER_LM;
	} else {
		s.tr.type = 11;
		s.tr.limit = 0x67;
	}
	if (ioctl(v->fd, KVM_SET_SREGS, &s) < 0 || ioctl(v->fd, KVM_SET_REGS, &regs) < 0)
		return -errno;
	return 0;
}

int arch_load(struct vm *vm, struct vcpu *vcpu0, const struct spec *spec,
	      const struct boot_files *files, const unsigned char *enabled,
	      unsigned char **sta, struct text *why)
{
	struct x86_entry entry;
	int err = x86_load(vm, spec, files, enabled, &entry, sta, why);

	if (err < 0)
		return err;
	put_reset_stub(vm);
	put_gdt(vm, entry.long_mode);
	if (entry.long_mode)
		put_page_tables(vm);
	err = set_registers(vcpu0, &entry);
	if (err < 0)
		text_set(why, err, "KVM does not take the boot registers: %s",
			 text_errno(-err));
	return err;
}
