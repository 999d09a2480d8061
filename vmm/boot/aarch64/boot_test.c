#include "vmm/boot/aarch64/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libfdt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "acpi/layout.h"
#include "acpi/tables.h"
#include "vmm/boot/arch_boot.h"
#include "vmm/kvm/arch.h"

#define MIB         (UINT64_C(1) << 20)
#define GIB         (UINT64_C(1) << 30)
#define RAM         (UINT64_C(1) << 30) /* where it starts */
#define BORDER      UINT64_C(0x10000)
#define KERNEL_FILE 0x20001
#define KERNEL_SIZE 0x340001
#define INITRD_FILE 0x30001

static char dir[64], kernel[96], initrd[96], cmdline[4096];
static const unsigned char enabled[CPUS_MAX] = { 1 };
static struct topology topo;
static struct vm vm;
static struct spec spec;
static struct arm64_entry entry;
static struct boot_files files;
static struct text why;

/* --- helpers -------------------------------------------------------------- */

static void put_file(const char *path, const unsigned char *head, size_t head_len,
		     size_t len, int fill)
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

static void put_kernel(uint64_t offset, uint64_t size)
{
	unsigned char head[64] = { [56] = 'A', 'R', 'M', 0x64 };

	for (int i = 0; i < 8; i++) {
		head[8 + i] = (unsigned char)(offset >> 8 * i);
		head[16 + i] = (unsigned char)(size >> 8 * i);
	}
	put_file(kernel, head, sizeof(head), KERNEL_FILE, 'k');
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
	put_kernel(0, KERNEL_SIZE);
	put_file(initrd, (const unsigned char *)"", 0, INITRD_FILE, 'i');
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
	return arm64_load(&vm, &spec, &files, enabled, &entry, &why);
}

static int load(void)
{
	int err;

	why.s[0] = '\0';
	boot_files_close(&files);
	err = boot_files_open(&files, &spec, &why);
	return err < 0 ? err : load_again();
}

static uint64_t get(uint64_t gpa, unsigned len)
{
	const unsigned char *p = vm_ram(&vm, gpa, len);
	uint64_t v = 0;

	assert_non_null(p);
	while (len-- > 0)
		v = v << 8 | p[len];
	return v;
}

static const void *tree(void)
{
	const void *p = vm_ram(&vm, entry.tree, 0x200000);

	assert_non_null(p);
	assert_int_equal(fdt_check_header(p), 0);
	return p;
}

static bool is_chosen(const char *name)
{
	return fdt_getprop(tree(), fdt_path_offset(tree(), "/chosen"), name, NULL) !=
	       NULL;
}

static uint64_t chosen(const char *name)
{
	int len = -1;
	const fdt64_t *v =
		fdt_getprop(tree(), fdt_path_offset(tree(), "/chosen"), name, &len);

	assert_int_equal(len, 8);
	return fdt64_ld(v);
}

/* --- where things stand --------------------------------------------------- */

static void kernel_and_initrd_are_in_memory_whole(void **state)
{
	static const uint64_t offsets[] = { 0, 0x80000, 0x1ff000 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		const unsigned char *p;

		set_memory(32 * MIB);
		put_kernel(offsets[i], KERNEL_SIZE);
		assert_int_equal(load(), 0);
		assert_int_equal(entry.pc, RAM + offsets[i]);
		p = vm_ram(&vm, entry.pc, KERNEL_SIZE);
		assert_int_equal(p[57], 'R');
		for (size_t k = 64; k < KERNEL_SIZE; k++)
			assert_int_equal(p[k], k < KERNEL_FILE ? 'k' : 0);
		p = vm_ram(&vm, chosen("linux,initrd-start"), INITRD_FILE + 1);
		for (size_t k = 0; k <= INITRD_FILE; k++)
			assert_int_equal(p[k], k < INITRD_FILE ? 'i' : 0);
		assert_int_equal(chosen("linux,initrd-end") -
					 chosen("linux,initrd-start"),
				 INITRD_FILE);
	}
}

static void nothing_shares_a_page_of_64_kib(void **state)
{
	(void)state;
	for (int dt = 0; dt < 2; dt++) {
		spec.device_tree = dt;
		assert_int_equal(load(), 0);
		assert_int_equal(entry.tree % BORDER, 0);
		assert_true(entry.tree + 0x200000 <= RAM + 32 * MIB);
		assert_int_equal(chosen("linux,initrd-start") % BORDER, 0);
		assert_true(chosen("linux,initrd-end") <= entry.tree);
		assert_true(chosen("linux,initrd-start") >= entry.pc + KERNEL_SIZE);
	}
	assert_int_equal(entry.tree, RAM + 30 * MIB); /* there are no tables */
}

/* booting.rst: in a window of 32 GiB with the kernel. */
static void an_initrd_stays_near_the_kernel(void **state)
{
	(void)state;
	set_memory(40 * GIB);
	assert_int_equal(load(), 0);
	assert_true(entry.tree > RAM + 39 * GIB);
	assert_in_range(chosen("linux,initrd-end"), RAM + 32 * GIB - BORDER,
			RAM + 32 * GIB);
}

static void acpi_is_reached_from_the_tree(void **state)
{
	uint64_t system, config, rsdp, map, tables;

	(void)state;
	assert_int_equal(load(), 0);
	system = chosen("linux,uefi-system-table");
	map = chosen("linux,uefi-mmap-start");
	assert_int_equal(system % 8, 0);
	assert_memory_equal(vm_ram(&vm, system, 8), "IBI SYST", 8);
	config = get(system + 112, 8);
	rsdp = get(config + 16, 8);
	assert_int_equal(rsdp % BORDER, 0);
	assert_memory_equal(vm_ram(&vm, rsdp, 8), "RSD PTR ", 8);
	assert_memory_equal(vm_ram(&vm, get(rsdp + 24, 8), 4), "XSDT", 4);

	assert_int_equal(get(map, 8), 7); /* all memory, free and not */
	assert_int_equal(get(map + 8, 8), RAM);
	tables = RAM + get(map + 24, 8) * 0x1000;
	assert_int_equal(get(map + 40, 8), 9);
	assert_int_equal(get(map + 48, 8), tables);
	assert_int_equal(tables + get(map + 64, 8) * 0x1000, entry.sta);
	assert_int_equal(get(map + 80, 8), 10); /* what the DSDT reads */
	assert_int_equal(get(map + 88, 8), entry.sta);
	assert_int_equal(entry.sta + get(map + 104, 8) * 0x1000, RAM + 32 * MIB);
	assert_int_equal(entry.sta % BORDER, 0);
	assert_int_equal(tables % BORDER, 0);
	assert_in_range(rsdp, tables, system);
	assert_true(system >= rsdp + tables_len(&topo));
	assert_true(entry.tree + 0x200000 <= tables);
}

static void with_a_device_tree_there_is_no_acpi(void **state)
{
	static const char magic[] = "RSD PTR ";

	(void)state;
	spec.device_tree = true;
	assert_int_equal(load(), 0);
	assert_int_equal(entry.sta, 0);
	assert_false(is_chosen("linux,uefi-system-table"));
	assert_true(is_chosen("stdout-path"));
	assert_true(fdt_path_offset(tree(), "/cpus/cpu@7") > 0);
	assert_true(fdt_path_offset(tree(), "/cpus/cpu@8") < 0);
	assert_null(memmem(vm.ram, vm.ram_len, magic, sizeof(magic) - 1));
}

/* --- again ---------------------------------------------------------------- */

static void it_loads_again_what_the_files_hold_by_then(void **state)
{
	uint64_t seed;

	(void)state;
	assert_int_equal(load(), 0);
	seed = chosen("kaslr-seed");
	set_memory(32 * MIB);
	put_kernel(0x1000, KERNEL_SIZE);
	put_file(initrd, (const unsigned char *)"", 0, INITRD_FILE + 5, 'j');
	assert_int_equal(load_again(), 0);
	assert_int_equal(entry.pc, RAM + 0x1000);
	assert_int_equal(get(chosen("linux,initrd-start") + INITRD_FILE, 6),
			 0x6a6a6a6a6a);
	assert_true(seed != chosen("kaslr-seed"));

	set_memory(32 * MIB);
	assert_int_equal(rename(kernel, initrd), 0); /* both are others then, or gone */
	assert_int_equal(load_again(), 0);
	assert_int_equal(get(chosen("linux,initrd-start") + INITRD_FILE, 6),
			 0x6a6a6a6a6a);
	assert_int_equal(load(), -ENOENT);
	assert_non_null(strstr(why.s, "/kernel: No such file or directory"));
}

static void a_file_that_was_cut_meanwhile_is_refused(void **state)
{
	(void)state;
	assert_int_equal(load(), 0);
	assert_int_equal(truncate(initrd, INITRD_FILE - 1), 0);
	assert_int_equal(load_again(), -EIO);
	assert_non_null(strstr(why.s,
			       "/initrd is cut short: it has 196608 bytes, and had "
			       "196609 at the start; give the whole one, and "
			       "start the VM again"));
	assert_int_equal(truncate(kernel, 64), 0);
	assert_int_equal(load_again(), -EIO);
	assert_non_null(strstr(why.s, "/kernel is cut short: it has 64 bytes, and had "
				      "131073 at the start"));
	assert_int_equal(truncate(kernel, 0), 0);
	assert_int_equal(load(), -EINVAL);
	assert_non_null(strstr(why.s, "/kernel is empty; give a whole one"));
}

static void the_initrd_may_be_left_out(void **state)
{
	(void)state;
	spec.initrd = spec.append = NULL;
	assert_int_equal(load(), 0);
	assert_false(is_chosen("linux,initrd-start"));
	assert_true(is_chosen("bootargs"));
}

/* --- refusals ------------------------------------------------------------- */

static void what_does_not_fit_is_refused(void **state)
{
	static const struct {
		uint64_t mib, offset, size;
		const char *says;
	} cases[] = {
		{ 2, 0, 1, "memory 2M is too small for the ACPI tables of 8 vCPUs" },
		{ 4, 0, 4 * MIB,
		  "memory 4M is too small: this kernel needs 5M from address 1024M on" },
		{ 4, 0x1fffff, 1, "memory 4M is too small: this kernel needs" },
		{ 32, 0x1000, 0x1df0000, "memory 32M is too small: this kernel needs" },
		{ 32, 0, INT64_MAX, "this kernel needs 8796093022208M" },
		{ 32, 0x1fffff, INT64_MAX, "this kernel needs 8796093022208M" },
		{ 32, 0, 0x1de0000, "kernel and initrd need" },
		{ 32, 0, INT64_MAX + UINT64_C(1), "broken header" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_memory(cases[i].mib * MIB);
		put_kernel(cases[i].offset, cases[i].size);
		assert_true(load() < 0);
		assert_non_null(strstr(why.s, cases[i].says));
	}
}

static void the_command_line_has_2047_characters(void **state)
{
	(void)state;
	spec.append = memset(cmdline, 'a', 2047);
	assert_int_equal(load(), 0);
	cmdline[2047] = 'a';
	assert_int_equal(load(), -E2BIG);
	assert_string_equal(why.s, "--append has 2048 characters, and this kernel takes "
				   "2047; shorten it");
	memset(cmdline, 0, sizeof(cmdline));
}

static void a_guest_has_addresses_of_40_bits(void **state)
{
	enum option_id which;

	(void)state;
	spec.memory = 1023 * GIB;
	assert_int_equal(arch_check(&spec, &which, &why), 0);
	spec.device_tree = true;
	assert_int_equal(arch_check(&spec, &which, &why), 0);
	spec.memory += MIB;
	assert_int_equal(arch_check(&spec, &which, &why), -EINVAL);
	assert_string_equal(why.s, "memory 1047553M is greater than the maximum, "
				   "1047552M (guest addresses have 40 bits); give less");
	assert_int_equal(which, OPTION_memory);
}

static void a_guest_has_no_guests(void **state)
{
	enum option_id which;

	(void)state;
	spec.nested = true;
	assert_int_equal(arch_check(&spec, &which, &why), -EINVAL);
	assert_int_equal(which, OPTION_nested);
	assert_string_equal(why.s,
			    "--nested on is for x86_64, and this is aarch64, where "
			    "guests have no guests; leave it out");
}

/* Whatever the header says: it is loaded inside RAM, or refused with a text. */
static void a_hostile_image_is_loaded_or_refused(void **state)
{
	int fd, loaded = 0;

	(void)state;
	srand(1); /* NOLINT(cert-msc32-c,cert-msc51-cpp): any bytes will do */
	set_memory(8 * MIB);
	fd = open(kernel, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (int i = 0; i < 3000; i++) {
		/* NOLINTNEXTLINE(cert-msc30-c,cert-msc50-cpp,concurrency-mt-unsafe) */
		unsigned r = (unsigned)rand();
		unsigned char byte = (unsigned char)(r >> 8);

		assert_int_equal(ftruncate(fd, i % 3 ? KERNEL_FILE : r % 600), 0);
		assert_int_equal(pwrite(fd, &byte, 1, 8 + r % 20), 1);
		if (load() == 0)
			loaded++;
		else
			assert_true(why.s[0] != '\0');
		put_kernel(0, KERNEL_SIZE);
	}
	assert_int_equal(close(fd), 0);
	assert_in_range(loaded, 1, 2999);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(kernel_and_initrd_are_in_memory_whole),
		TEST(nothing_shares_a_page_of_64_kib),
		TEST(an_initrd_stays_near_the_kernel),
		TEST(acpi_is_reached_from_the_tree),
		TEST(with_a_device_tree_there_is_no_acpi),
		TEST(it_loads_again_what_the_files_hold_by_then),
		TEST(a_file_that_was_cut_meanwhile_is_refused),
		TEST(the_initrd_may_be_left_out),
		TEST(what_does_not_fit_is_refused),
		TEST(the_command_line_has_2047_characters),
		TEST(a_guest_has_no_guests),
		TEST(a_guest_has_addresses_of_40_bits),
		TEST(a_hostile_image_is_loaded_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
