#include "vmm/boot/x86_64/boot.h"

#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "acpi/tables.h"
#include "vmm/boot/arch_boot.h"
#include "vmm/boot/x86_64/bzimage.h"
#include "vmm/boot/x86_64/pvh.h"
#include "vmm/config/spec.h"
#include "vmm/kvm/arch.h"

#define MIB         (UINT64_C(1) << 20)
#define GIB         (UINT64_C(1) << 30)
#define SETUP       2048
#define KERNEL_CODE 0x20000
#define KERNEL_SIZE 0x340000
#define KERNEL_GPA  (16 * MIB)
#define INITRD_FILE 0x30001

static char dir[64], kernel[96], initrd[96], cmdline[0x10002];
static const unsigned char enabled[8] = { 1 };
static struct topology topo;
static struct vm vm;
static struct spec spec;
static struct boot_files files;
static struct x86_entry entry;
static unsigned char *sta;
static struct text why;

/* --- helpers -------------------------------------------------------------- */

static void put_file(const char *path, const void *head, size_t head_len, size_t len,
		     int fill)
{
	unsigned char *bytes = malloc(len);
	FILE *f = fopen(path, "w");

	assert_non_null(bytes);
	assert_non_null(f);
	memset(bytes, fill, len);
	memcpy(bytes, head, head_len);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	free(bytes);
}

static void put_bzimage(uint64_t gpa, uint32_t init_size)
{
	const struct setup_header h = { .setup_sects = 3,
					.syssize = KERNEL_CODE / 16,
					.jump = 0x66eb,
					.header = 0x53726448,
					.version = 0x020f,
					.xloadflags = XLF_KERNEL_64,
					.pref_address = gpa,
					.init_size = init_size,
					.initrd_addr_max = 0x7fffffff,
					.cmdline_size = 2047 };
	unsigned char head[SETUP] = { 0 };

	memcpy(head + 0x1f1, &h, sizeof(h));
	put_file(kernel, head, sizeof(head), SETUP + KERNEL_CODE, 'k');
}

static void put_elf(uint64_t gpa, uint64_t memsz)
{
	const Elf64_Ehdr e = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64,
					    ELFDATA2LSB },
			       .e_machine = EM_X86_64,
			       .e_phoff = sizeof(e),
			       .e_phentsize = sizeof(Elf64_Phdr),
			       .e_phnum = 2 };
	const Elf64_Phdr p[] = {
		{ .p_type = PT_NOTE, .p_offset = 0x200, .p_filesz = 20, .p_align = 4 },
		{ .p_type = PT_LOAD,
		  .p_offset = SETUP,
		  .p_paddr = gpa,
		  .p_filesz = KERNEL_CODE,
		  .p_memsz = memsz }
	};
	static const uint32_t note[] = { 4, 4, 18, 0x6e6558, 0x1000100 };
	unsigned char head[SETUP] = { 0 };

	memcpy(head, &e, sizeof(e));
	memcpy(head + sizeof(e), p, sizeof(p));
	memcpy(head + 0x200, note, sizeof(note));
	put_file(kernel, head, sizeof(head), SETUP + KERNEL_CODE, 'k');
}

static void set_memory(uint64_t len)
{
	if (vm.ram != NULL)
		assert_int_equal(munmap(vm.ram, vm.ram_len), 0);
	vm.ram = mmap(NULL, len, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(vm.ram, MAP_FAILED);
	vm.ram_len = len;
	vm.topo = &topo;
	vm.nranges = arch_ram_layout(len, vm.range);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/boot-test-XXXXXX");
	if (!mkdtemp(dir) || topology_init(&topo, 8, 1, 1) < 0)
		return -1;
	(void)snprintf(kernel, sizeof(kernel), "%s/kernel", dir);
	(void)snprintf(initrd, sizeof(initrd), "%s/initrd", dir);
	put_bzimage(KERNEL_GPA, KERNEL_SIZE);
	put_file(initrd, "", 0, INITRD_FILE, 'i');
	set_memory(32 * MIB);
	files = BOOT_FILES_NONE;
	spec = (struct spec){ .kernel = kernel, .initrd = initrd, .append = "a=b" };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	boot_files_close(&files);
	(void)unlink(kernel);
	(void)unlink(initrd);
	return rmdir(dir);
}

/* From the files that are open. */
static int load_again(void)
{
	why.s[0] = '\0';
	return x86_load(&vm, &spec, &files, enabled, &entry, &sta, &why);
}

static int load(void)
{
	int err;

	why.s[0] = '\0';
	boot_files_close(&files);
	err = boot_files_open(&files, &spec, &why);
	return err < 0 ? err : load_again();
}

static const struct boot_params *params(void)
{
	return vm_ram(&vm, BOOT_PARAMS, sizeof(struct boot_params));
}

static const struct pvh_info *info(void)
{
	return vm_ram(&vm, BOOT_PVH_INFO, sizeof(struct pvh_info));
}

static void is_filled(uint64_t gpa, uint64_t len, int byte)
{
	const unsigned char *p = vm_ram(&vm, gpa, len);

	assert_non_null(p);
	assert_int_equal(p[0], byte);
	assert_memory_equal(p, p + 1, len - 1);
}

/* --- where things stand --------------------------------------------------- */

static void a_bzimage_is_in_memory_whole(void **state)
{
	uint64_t at;

	(void)state;
	assert_int_equal(load(), 0);
	assert_true(entry.long_mode);
	assert_int_equal(entry.rip, KERNEL_GPA + 0x200);
	is_filled(KERNEL_GPA, KERNEL_CODE, 'k');
	is_filled(KERNEL_GPA + KERNEL_CODE, KERNEL_SIZE - KERNEL_CODE, 0);
	at = params()->hdr.ramdisk_image;
	assert_int_equal(params()->hdr.ramdisk_size, INITRD_FILE);
	assert_int_equal(at % 0x1000, 0);
	assert_true(at >= KERNEL_GPA + KERNEL_SIZE);
	assert_true(at + INITRD_FILE <= params()->acpi_rsdp_addr);
	is_filled(at, INITRD_FILE, 'i');
	assert_memory_equal(vm_ram(&vm, params()->acpi_rsdp_addr, 8), "RSD PTR ", 8);
	assert_string_equal(vm_ram(&vm, params()->hdr.cmd_line_ptr, 4), "a=b");
	assert_ptr_equal(sta, vm.ram + 32 * MIB - 0x10000);
}

static void an_elf_file_is_in_memory_whole(void **state)
{
	(void)state;
	put_elf(KERNEL_GPA, KERNEL_SIZE);
	assert_int_equal(load(), 0);
	assert_false(entry.long_mode);
	assert_int_equal(entry.rip, 0x1000100);
	is_filled(KERNEL_GPA, KERNEL_CODE, 'k');
	is_filled(KERNEL_GPA + KERNEL_CODE, KERNEL_SIZE - KERNEL_CODE, 0);
	assert_int_equal(info()->start.modlist_paddr,
			 BOOT_PVH_INFO + offsetof(struct pvh_info, module));
	assert_int_equal(info()->module.size, INITRD_FILE);
	assert_true(info()->module.paddr >= KERNEL_GPA + KERNEL_SIZE);
	is_filled(info()->module.paddr, INITRD_FILE, 'i');
	assert_memory_equal(vm_ram(&vm, info()->start.rsdp_paddr, 8), "RSD PTR ", 8);
	assert_string_equal(vm_ram(&vm, info()->start.cmdline_paddr, 4), "a=b");
	assert_true(BOOT_PVH_INFO + sizeof(struct pvh_info) <= BOOT_PARAMS);
}

static void the_initrd_may_be_left_out(void **state)
{
	(void)state;
	spec.initrd = spec.append = NULL;
	assert_int_equal(load(), 0);
	assert_int_equal(params()->hdr.ramdisk_size, 0);
	put_elf(KERNEL_GPA, KERNEL_SIZE);
	assert_int_equal(load(), 0);
	assert_int_equal(info()->start.nr_modules, 0);
}

/* --- the memory map ------------------------------------------------------- */

static void the_map_is(uint64_t memory, const struct memory_map_entry *want, unsigned n)
{
	struct ram_range range[VM_RAM_RANGES_MAX];
	unsigned ranges = arch_ram_layout(memory, range);
	uint64_t end = range[0].gpa + range[0].len;
	struct memory_map map;

	memory_map_make(range, ranges, end - 0x30000, end - 0x10000, &map);
	assert_int_equal(map.n, n);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(map.entry[i].gpa, want[i].gpa);
		assert_int_equal(map.entry[i].len, want[i].len);
		assert_int_equal(map.entry[i].type, want[i].type);
	}
}

static void the_memory_map_has_all_ram_but_the_bios_area(void **state)
{
	const uint64_t top = 3 * GIB - 0x30000;
	const struct memory_map_entry small[] = {
		{ 0, 0xa0000, MEMORY_MAP_RAM },
		{ MIB, 31 * MIB - 0x30000, MEMORY_MAP_RAM },
		{ 32 * MIB - 0x30000, 0x20000, MEMORY_MAP_ACPI },
		{ 32 * MIB - 0x10000, 0x10000, MEMORY_MAP_NVS }
	};
	const struct memory_map_entry large[] = { { 0, 0xa0000, MEMORY_MAP_RAM },
						  { MIB, top - MIB, MEMORY_MAP_RAM },
						  { top, 0x20000, MEMORY_MAP_ACPI },
						  { top + 0x20000, 0x10000,
						    MEMORY_MAP_NVS },
						  { 4 * GIB, 2 * GIB, MEMORY_MAP_RAM } };

	(void)state;
	the_map_is(32 * MIB, small, 4);
	the_map_is(3 * GIB, large, 4);
	the_map_is(5 * GIB, large, 5);
}

/* --- again, and refusals -------------------------------------------------- */

static void it_loads_again_from_the_files_that_it_has(void **state)
{
	(void)state;
	assert_int_equal(load(), 0);
	assert_int_equal(rename(kernel, initrd), 0); /* both are others then, or gone */
	set_memory(32 * MIB);
	assert_int_equal(load_again(), 0);
	is_filled(KERNEL_GPA, KERNEL_CODE, 'k');
	is_filled(params()->hdr.ramdisk_image, INITRD_FILE, 'i');
	assert_int_equal(truncate(initrd, SETUP + KERNEL_CODE - 1), 0);
	assert_int_equal(load_again(), -EIO);
	assert_non_null(strstr(why.s,
			       "/kernel is cut short: it has 133119 bytes, and had "
			       "133120 at the start; give the whole one, and "
			       "start the VM again"));
	assert_int_equal(load(), -ENOENT);
}

static void what_does_not_fit_is_refused(void **state)
{
	static const struct {
		uint64_t mib, gpa, size;
		bool elf;
		const char *says;
	} cases[] = {
		{ 1, KERNEL_GPA, KERNEL_SIZE, false,
		  "memory 1M is too small for the ACPI tables of 8 vCPUs" },
		{ 16, KERNEL_GPA, KERNEL_SIZE, false,
		  "memory 16M is too small: this kernel needs 4M from address 16M on" },
		{ 32, KERNEL_GPA, 0x1000000, false, "this kernel needs 17M" },
		{ 32, INT64_MAX, 0xffffffff, false, "this kernel needs" },
		{ 32, KERNEL_GPA, 0xfd0000, false, "kernel and initrd need" },
		{ 32, KERNEL_GPA, 0x1000000, true,
		  "memory 32M does not hold this kernel's segment of 16384 KiB at "
		  "0x1000000; give more --memory" },
		{ 32, MIB - 1, KERNEL_SIZE, true, "segment of 3328 KiB at 0xfffff" },
		{ 32, UINT64_MAX, UINT64_MAX, true, "does not hold this kernel's" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_memory(cases[i].mib * MIB);
		if (cases[i].elf)
			put_elf(cases[i].gpa, cases[i].size);
		else
			put_bzimage(cases[i].gpa, (uint32_t)cases[i].size);
		assert_int_equal(load(), -ENOSPC);
		assert_non_null(strstr(why.s, cases[i].says));
	}
}

static void the_command_line_has_the_kernel_s_limit(void **state)
{
	(void)state;
	spec.append = memset(cmdline, 'a', 2047);
	assert_int_equal(load(), 0);
	cmdline[2047] = 'a';
	assert_int_equal(load(), -E2BIG);
	assert_string_equal(why.s, "--append has 2048 characters, and this kernel takes "
				   "2047; shorten it");
	put_elf(KERNEL_GPA, KERNEL_SIZE);
	memset(cmdline, 'a', BOOT_CMDLINE_MAX - 1);
	assert_int_equal(load(), 0);
	cmdline[BOOT_CMDLINE_MAX - 1] = 'a';
	assert_int_equal(load(), -E2BIG);
	memset(cmdline, 0, sizeof(cmdline));
}

static void a_file_is_checked_without_a_vm(void **state)
{
	static const unsigned char gz[] = { 0x1f, 0x8b };

	(void)state;
	assert_int_equal(boot_files_open(&files, &spec, &why), 0);
	assert_int_equal(boot_files_check(&files, &why), 0);
	assert_int_equal(truncate(kernel, SETUP), 0);
	assert_int_equal(boot_files_check(&files, &why), -EIO);
	boot_files_close(&files);
	assert_int_equal(boot_files_open(&files, &spec, &why), 0);
	assert_int_equal(boot_files_check(&files, &why), -ENOEXEC);
	assert_non_null(strstr(why.s, "/kernel is cut short: it has 2048 bytes, and its "
				      "header says 133120; get it again"));
	boot_files_close(&files);
	put_elf(KERNEL_GPA, KERNEL_SIZE);
	assert_int_equal(boot_files_open(&files, &spec, &why), 0);
	assert_int_equal(boot_files_check(&files, &why), 0);
	boot_files_close(&files);
	put_file(kernel, gz, 2, 100, 0);
	assert_int_equal(boot_files_open(&files, &spec, &why), 0);
	assert_int_equal(boot_files_check(&files, &why), -ENOEXEC);
	assert_non_null(strstr(why.s, "/kernel is compressed by gzip"));
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_bzimage_is_in_memory_whole),
		TEST(an_elf_file_is_in_memory_whole),
		TEST(the_initrd_may_be_left_out),
		TEST(the_memory_map_has_all_ram_but_the_bios_area),
		TEST(it_loads_again_from_the_files_that_it_has),
		TEST(what_does_not_fit_is_refused),
		TEST(the_command_line_has_the_kernel_s_limit),
		TEST(a_file_is_checked_without_a_vm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
