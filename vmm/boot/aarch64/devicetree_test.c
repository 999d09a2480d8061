#include "vmm/boot/aarch64/devicetree.h"

#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "acpi/acpica.h"
#include "acpi/layout.h"

static const uint32_t sizes[][3] = { { 8, 1, 1 },   { 2, 2, 2 },   { 40, 1, 1 },
				     { 512, 1, 1 }, { 128, 2, 2 }, { 3, 3, 2 } };
enum { NSIZES = sizeof(sizes) / sizeof(sizes[0]) };

static uint64_t fdt[DEVICETREE_LEN_MAX / 8];
static struct topology topo;

static void build(const uint32_t size[3])
{
	struct devicetree d = { .cmdline = "console=ttyS0",
				.kaslr_seed = UINT64_C(0x1122334455667788),
				.initrd = 0x48000000,
				.initrd_len = 0x1234,
				.topo = &topo,
				.ram = 0x40000000,
				.ram_len = UINT64_C(0x140000000) };

	assert_int_equal(topology_init(&topo, size[0], size[1], size[2]), 0);
	assert_true(devicetree_build(&d, fdt, sizeof(fdt)) > 0);
	assert_int_equal(fdt_check_full(fdt, fdt_totalsize(fdt)), 0);
}

static struct devicetree for_acpi(void)
{
	return (struct devicetree){ .cmdline = "",
				    .kaslr_seed = 1,
				    .efi_system = UINT64_C(0x123456789abc0000),
				    .efi_map = UINT64_C(0x123456789abc00b0) };
}

/* --- reading -------------------------------------------------------------- */

static int node_at(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int node_at(const char *fmt, ...)
{
	char path[128];
	va_list ap;
	int node;

	va_start(ap, fmt);
	(void)vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	node = fdt_path_offset(fdt, path);
	if (node < 0)
		fail_msg("there is no %s", path);
	return node;
}

/* The property is these n cells. */
static void has_cells(int node, const char *name, const uint32_t *want, int n)
{
	int len = -1;
	const fdt32_t *v = fdt_getprop(fdt, node, name, &len);

	assert_int_equal(len, 4 * n);
	for (int i = 0; i < n; i++)
		assert_int_equal(fdt32_ld(v + i), want[i]);
}
#define HAS_CELLS(node, name, ...)                                                       \
	has_cells(node, name, (const uint32_t[]){ __VA_ARGS__ },                         \
		  sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4)

static void has_bytes(int node, const char *name, const char *want, int want_len)
{
	int len = -1;
	const void *v = fdt_getprop(fdt, node, name, &len);

	assert_int_equal(len, want_len);
	assert_memory_equal(v, want, (size_t)len);
}
#define HAS_TEXT(node, name, text) has_bytes(node, name, text, sizeof(text))

static uint32_t cell(int node, const char *name)
{
	const fdt32_t *v = fdt_getprop(fdt, node, name, NULL);

	assert_non_null(v);
	return fdt32_ld(v);
}

static int count_children(int parent)
{
	int node, n = 0;

	fdt_for_each_subnode(node, fdt, parent) n++;
	return n;
}

/* --- the machine ---------------------------------------------------------- */

/* As KVM makes it: 16 to a group. */
static uint32_t affinity(uint32_t index)
{
	return index % 16 + index / 16 * 256;
}

static void every_possible_cpu_has_a_node_by_its_mpidr(void **state)
{
	(void)state;
	for (int i = 0; i < NSIZES; i++) {
		build(sizes[i]);
		for (uint32_t cpu = 0; cpu < topo.max_vcpus; cpu++) {
			int node = node_at("/cpus/cpu@%" PRIx32, affinity(cpu));

			HAS_CELLS(node, "reg", 0, affinity(cpu));
			HAS_TEXT(node, "enable-method", "psci");
			HAS_TEXT(node, "device_type", "cpu");
			HAS_TEXT(node, "compatible", "arm,armv8");
		}
		assert_int_equal(count_children(node_at("/cpus")), topo.max_vcpus + 1);
		HAS_CELLS(node_at("/cpus"), "#address-cells", 2);
		HAS_CELLS(node_at("/cpus"), "#size-cells", 0);
	}
}

static void cpus_stand_in_the_order_of_their_numbers(void **state)
{
	uint32_t cpu = 0;
	int node;

	(void)state;
	build(sizes[3]);
	fdt_for_each_subnode(node, fdt, node_at("/cpus"))
	{
		if (cpu < topo.max_vcpus)
			HAS_CELLS(node, "reg", 0, affinity(cpu));
		cpu++;
	}
	assert_int_equal(cpu, 513);
}

static int leaf(struct place p)
{
	return topo.threads > 1 ? node_at("/cpus/cpu-map/socket%u/cluster0/core%u/"
					  "thread%u",
					  p.socket, p.core, p.thread)
				: node_at("/cpus/cpu-map/socket%u/cluster0/core%u",
					  p.socket, p.core);
}

static void the_map_leads_to_each_cpu_at_its_place(void **state)
{
	(void)state;
	for (int i = 0; i < NSIZES; i++) {
		build(sizes[i]);
		for (uint32_t cpu = 0; cpu < topo.max_vcpus; cpu++) {
			uint32_t phandle = cell(leaf(topology_place(&topo, cpu)), "cpu");

			HAS_CELLS(fdt_node_offset_by_phandle(fdt, phandle), "reg", 0,
				  affinity(cpu));
		}
		assert_int_equal(count_children(node_at("/cpus/cpu-map")),
				 topo.max_sockets);
		assert_int_equal(count_children(node_at("/cpus/cpu-map/socket0/"
							"cluster0")),
				 topo.cores);
	}
}

static void the_machine_is_as_the_layout_says(void **state)
{
	int gic, uart;

	(void)state;
	build(sizes[3]);
	gic = node_at("/interrupt-controller@8000000");
	uart = node_at("/serial@9000000");
	HAS_CELLS(node_at("/"), "interrupt-parent", cell(gic, "phandle"));
	HAS_TEXT(gic, "compatible", "arm,gic-v3");
	has_bytes(gic, "interrupt-controller", "", 0);
	HAS_CELLS(gic, "#interrupt-cells", 3);
	HAS_CELLS(gic, "reg", 0, 0x08000000, 0, 0x10000, 0, 0x10000000, 0, 0x4000000);
	HAS_CELLS(node_at("/memory@40000000"), "reg", 0, 0x40000000, 1, 0x40000000);
	HAS_TEXT(node_at("/memory@40000000"), "device_type", "memory");
	HAS_TEXT(node_at("/psci"), "compatible", "arm,psci-1.0\0arm,psci-0.2");
	HAS_TEXT(node_at("/psci"), "method", "hvc");
	HAS_TEXT(node_at("/timer"), "compatible", "arm,armv8-timer");
	HAS_CELLS(node_at("/timer"), "interrupts", 1, 13, 4, 1, 14, 4, 1, 11, 4, 1, 10,
		  4);
	HAS_TEXT(uart, "compatible", "ns16550a");
	HAS_CELLS(uart, "reg", 0, 0x09000000, 0, 8);
	HAS_CELLS(uart, "interrupts", 0, 1, 4);
	HAS_CELLS(uart, "clock-frequency", 1843200);
	HAS_TEXT(node_at("/chosen"), "stdout-path", "/serial@9000000");
	assert_null(
		fdt_getprop(fdt, node_at("/chosen"), "linux,uefi-system-table", NULL));
}

/* --- /chosen -------------------------------------------------------------- */

static void chosen_has_what_the_user_gave(void **state)
{
	struct devicetree d = for_acpi();
	int chosen;

	(void)state;
	build(sizes[0]);
	chosen = node_at("/chosen");
	HAS_TEXT(chosen, "bootargs", "console=ttyS0");
	HAS_CELLS(chosen, "kaslr-seed", 0x11223344, 0x55667788);
	HAS_CELLS(chosen, "linux,initrd-start", 0, 0x48000000);
	HAS_CELLS(chosen, "linux,initrd-end", 0, 0x48001234);

	assert_true(devicetree_build(&d, fdt, sizeof(fdt)) > 0);
	chosen = node_at("/chosen");
	HAS_TEXT(chosen, "bootargs", "");
	assert_null(fdt_getprop(fdt, chosen, "linux,initrd-start", NULL));
	assert_null(fdt_getprop(fdt, chosen, "linux,initrd-end", NULL));
}

/* Linux takes ACPI only where the root has no other node. */
static void for_acpi_chosen_is_all_and_leads_to_the_efi_tables(void **state)
{
	struct devicetree d = for_acpi();
	int chosen;

	(void)state;
	assert_true(devicetree_build(&d, fdt, sizeof(fdt)) > 0);
	chosen = node_at("/chosen");
	assert_int_equal(count_children(node_at("/")), 1);
	assert_int_equal(count_children(chosen), 0);
	HAS_CELLS(node_at("/"), "#address-cells", 2);
	HAS_CELLS(node_at("/"), "#size-cells", 2);
	HAS_CELLS(chosen, "linux,uefi-system-table", 0x12345678, 0x9abc0000);
	HAS_CELLS(chosen, "linux,uefi-mmap-start", 0x12345678, 0x9abc00b0);
	HAS_CELLS(chosen, "linux,uefi-mmap-size", 120);
	HAS_CELLS(chosen, "linux,uefi-mmap-desc-size", 40);
	HAS_CELLS(chosen, "linux,uefi-mmap-desc-ver", 1);
	HAS_CELLS(chosen, "linux,uefi-secure-boot", 2);
	assert_null(fdt_getprop(fdt, chosen, "stdout-path", NULL));
}

/* --- the whole ------------------------------------------------------------ */

/* To source and back, and to source again: nothing is said, and nothing changes. */
static void dtc_finds_no_fault(void **state)
{
	static const char command[] =
		"dtc -I dtb -O dts -o 1.dts 1.dtb 2>log && dtc -I dts -O dtb -o 2.dtb "
		"1.dts 2>>log && dtc -I dtb -O dts -o 2.dts 2.dtb 2>>log && cmp 1.dts "
		"2.dts && cat log >&2 && test ! -s log";
	struct devicetree d = for_acpi();

	(void)state;
	if (acpica_run("command -v dtc >/dev/null") != 0) {
		print_message("SKIP: dtc is not installed (Debian package "
			      "device-tree-compiler)\n");
		skip();
	}
	for (int i = 0; i <= NSIZES; i++) {
		if (i < NSIZES)
			build(sizes[i]);
		else
			assert_true(devicetree_build(&d, fdt, sizeof(fdt)) > 0);
		acpica_write("1.dtb", fdt, fdt_totalsize(fdt));
		assert_int_equal(acpica_run(command), 0);
	}
}

static void the_largest_machine_fits(void **state)
{
	static char cmdline[2048];
	struct devicetree d = { .cmdline = cmdline, .initrd_len = 1, .topo = &topo };

	(void)state;
	memset(cmdline, 'a', sizeof(cmdline) - 1);
	assert_int_equal(topology_init(&topo, CPUS_MAX / 2, 1, 2), 0);
	assert_in_range(devicetree_build(&d, fdt, DEVICETREE_LEN_MAX), 1,
			DEVICETREE_LEN_MAX);
}

static void without_room_it_says_so_and_keeps_inside(void **state)
{
	unsigned char *bytes = (unsigned char *)fdt;
	struct devicetree d = for_acpi();
	size_t room = 0;
	int64_t len = -1;

	(void)state;
	for (; len < 0; room += 8) {
		memset(bytes, 0xee, room + 16);
		len = devicetree_build(&d, fdt, room);
		assert_true(len > 0 || len == -ENOSPC);
		for (size_t i = room; i < room + 16; i++)
			assert_int_equal(bytes[i], 0xee);
	}
	assert_in_range(len, 300, room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_possible_cpu_has_a_node_by_its_mpidr),
		cmocka_unit_test(cpus_stand_in_the_order_of_their_numbers),
		cmocka_unit_test(the_map_leads_to_each_cpu_at_its_place),
		cmocka_unit_test(the_machine_is_as_the_layout_says),
		cmocka_unit_test(chosen_has_what_the_user_gave),
		cmocka_unit_test(for_acpi_chosen_is_all_and_leads_to_the_efi_tables),
		cmocka_unit_test(dtc_finds_no_fault),
		cmocka_unit_test(the_largest_machine_fits),
		cmocka_unit_test(without_room_it_says_so_and_keeps_inside),
	};

	return cmocka_run_group_tests(tests, acpica_setup, acpica_teardown);
}
