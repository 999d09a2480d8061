#include "vmm/boot/aarch64/devicetree.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "acpi/layout.h"
#include "vmm/boot/aarch64/handoff.h"

#define CELLS_MAX 16
#define UART_HZ   1843200

enum { SECURE_BOOT_OFF = 2 };              /* for kernels of Debian, which ask */
enum { SPI = 0, PPI = 1, LEVEL_HIGH = 4 }; /* of arm,gic-v3 */
enum { SPI_BASE = 32, PPI_BASE = 16 };     /* INTID of the first */
enum { PHANDLE_GIC = 1, PHANDLE_CPU = 2 /* and on, by index */ };

/* --- writing: after the first error, which can only be that there is no room, nothing
 *  */

struct writer {
	void *fdt;
	int err;
};

static void begin(struct writer *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void begin(struct writer *w, const char *fmt, ...)
{
	char name[32];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	if (w->err == 0)
		w->err = fdt_begin_node(w->fdt, name);
}

static void end(struct writer *w)
{
	if (w->err == 0)
		w->err = fdt_end_node(w->fdt);
}

static void put_bytes(struct writer *w, const char *name, const void *bytes, size_t len)
{
	if (w->err == 0)
		w->err = fdt_property(w->fdt, name, bytes, (int)len);
}

static void put_text(struct writer *w, const char *name, const char *text)
{
	put_bytes(w, name, text, strlen(text) + 1);
}

static void put_u32(struct writer *w, const char *name, uint32_t v)
{
	if (w->err == 0)
		w->err = fdt_property_u32(w->fdt, name, v);
}

static void put_u64(struct writer *w, const char *name, uint64_t v)
{
	if (w->err == 0)
		w->err = fdt_property_u64(w->fdt, name, v);
}

/* n numbers of 64 bits, as pairs of address and length. */
static void put_u64s(struct writer *w, const char *name, const uint64_t *v, size_t n)
{
	fdt64_t cells[CELLS_MAX / 2];

	assert(n <= CELLS_MAX / 2);
	for (size_t i = 0; i < n; i++)
		cells[i] = cpu_to_fdt64(v[i]);
	put_bytes(w, name, cells, n * sizeof(cells[0]));
}

/* Interrupts by INTID. */
static void put_interrupts(struct writer *w, const uint32_t *intid, size_t n)
{
	fdt32_t cells[CELLS_MAX];

	assert(3 * n <= CELLS_MAX);
	for (size_t i = 0; i < n; i++) {
		bool shared = intid[i] >= SPI_BASE;

		cells[3 * i] = cpu_to_fdt32(shared ? SPI : PPI);
		cells[3 * i + 1] =
			cpu_to_fdt32(intid[i] - (shared ? SPI_BASE : PPI_BASE));
		cells[3 * i + 2] = cpu_to_fdt32(LEVEL_HIGH);
	}
	put_bytes(w, "interrupts", cells, 3 * n * sizeof(cells[0]));
}

/* --- the machine ---------------------------------------------------------- */

static void put_memory(struct writer *w, uint64_t ram, uint64_t len)
{
	begin(w, "memory@%" PRIx64, ram);
	put_text(w, "device_type", "memory");
	put_u64s(w, "reg", (const uint64_t[]){ ram, len }, 2);
	end(w);
}

static void put_psci(struct writer *w)
{
	static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2";

	begin(w, "psci");
	put_bytes(w, "compatible", compatible, sizeof(compatible));
	put_text(w, "method", "hvc");
	end(w);
}

static void put_cpu(struct writer *w, const struct topology *t, uint32_t index)
{
	uint64_t affinity = topology_arch_id(t, index);

	begin(w, "cpu@%" PRIx64, affinity);
	put_text(w, "device_type", "cpu");
	put_text(w, "compatible", "arm,armv8");
	put_u64(w, "reg", affinity);
	put_text(w, "enable-method", "psci");
	put_u32(w, "phandle", PHANDLE_CPU + index);
	end(w);
}

static void put_core(struct writer *w, const struct topology *t, struct place p)
{
	begin(w, "core%" PRIu32, p.core);
	if (t->threads == 1)
		put_u32(w, "cpu", PHANDLE_CPU + topology_index(t, p));
	for (p.thread = 0; t->threads > 1 && p.thread < t->threads; p.thread++) {
		begin(w, "thread%" PRIu32, p.thread);
		put_u32(w, "cpu", PHANDLE_CPU + topology_index(t, p));
		end(w);
	}
	end(w);
}

static void put_socket(struct writer *w, const struct topology *t, uint32_t socket)
{
	begin(w, "socket%" PRIu32, socket);
	begin(w, "cluster0");
	for (uint32_t core = 0; core < t->cores; core++)
		put_core(w, t, (struct place){ socket, core, 0 });
	end(w);
	end(w);
}

static void put_cpus(struct writer *w, const struct topology *t)
{
	begin(w, "cpus");
	put_u32(w, "#address-cells", 2);
	put_u32(w, "#size-cells", 0);
	for (uint32_t i = 0; i < t->max_vcpus; i++)
		put_cpu(w, t, i);
	begin(w, "cpu-map");
	for (uint32_t i = 0; i < t->max_sockets; i++)
		put_socket(w, t, i);
	end(w);
	end(w);
}

static void put_gic(struct writer *w, const struct topology *t)
{
	const uint64_t reg[] = { GICD_BASE, GICD_LEN, GICR_BASE,
				 (uint64_t)t->max_vcpus * GICR_LEN };

	begin(w, "interrupt-controller@%x", GICD_BASE);
	put_text(w, "compatible", "arm,gic-v3");
	put_u64s(w, "reg", reg, 4);
	put_bytes(w, "interrupt-controller", NULL, 0);
	put_u32(w, "#interrupt-cells", 3);
	put_u32(w, "#address-cells", 0);
	put_u32(w, "phandle", PHANDLE_GIC);
	end(w);
}

static void put_timer(struct writer *w)
{
	static const uint32_t intid[] = { TIMER_SECURE_INTR, TIMER_INTR, TIMER_VIRT_INTR,
					  TIMER_HYP_INTR };

	begin(w, "timer");
	put_text(w, "compatible", "arm,armv8-timer");
	put_interrupts(w, intid, 4);
	put_bytes(w, "always-on", NULL, 0);
	end(w);
}

static void put_uart(struct writer *w)
{
	begin(w, "serial@%x", UART_BASE);
	put_text(w, "compatible", "ns16550a");
	put_u64s(w, "reg", (const uint64_t[]){ UART_BASE, UART_LEN }, 2);
	put_interrupts(w, (const uint32_t[]){ UART_INTR }, 1);
	put_u32(w, "clock-frequency", UART_HZ);
	end(w);
}

static void put_machine(struct writer *w, const struct devicetree *d)
{
	put_memory(w, d->ram, d->ram_len);
	put_psci(w);
	put_cpus(w, d->topo);
	put_gic(w, d->topo);
	put_timer(w);
	put_uart(w);
}

/* --- /chosen -------------------------------------------------------------- */

static void put_efi(struct writer *w, const struct devicetree *d)
{
	put_u64(w, "linux,uefi-system-table", d->efi_system);
	put_u64(w, "linux,uefi-mmap-start", d->efi_map);
	put_u32(w, "linux,uefi-mmap-size", HANDOFF_MAP_LEN);
	put_u32(w, "linux,uefi-mmap-desc-size", HANDOFF_DESCRIPTOR_LEN);
	put_u32(w, "linux,uefi-mmap-desc-ver", HANDOFF_MAP_VERSION);
	put_u32(w, "linux,uefi-secure-boot", SECURE_BOOT_OFF);
}

static void put_stdout(struct writer *w)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/serial@%x", UART_BASE);
	put_text(w, "stdout-path", path);
}

static void put_chosen(struct writer *w, const struct devicetree *d)
{
	begin(w, "chosen");
	put_text(w, "bootargs", d->cmdline);
	put_u64(w, "kaslr-seed", d->kaslr_seed);
	if (d->initrd_len > 0) {
		put_u64(w, "linux,initrd-start", d->initrd);
		put_u64(w, "linux,initrd-end", d->initrd + d->initrd_len);
	}
	if (d->topo != NULL)
		put_stdout(w);
	else
		put_efi(w, d);
	end(w);
}

static void put_root(struct writer *w, const struct devicetree *d)
{
	begin(w, "%s", "");
	put_u32(w, "#address-cells", 2);
	put_u32(w, "#size-cells", 2);
	if (d->topo != NULL) {
		put_text(w, "compatible", "linux,dummy-virt");
		put_text(w, "model", "hotsocket");
		put_u32(w, "interrupt-parent", PHANDLE_GIC);
	}
	put_chosen(w, d);
	if (d->topo != NULL)
		put_machine(w, d);
	end(w);
}

int64_t devicetree_build(const struct devicetree *d, void *buf, size_t room)
{
	struct writer w = { .fdt = buf };

	w.err = fdt_create(buf, room < INT32_MAX ? (int)room : INT32_MAX);
	if (w.err == 0)
		w.err = fdt_finish_reservemap(buf);
	put_root(&w, d);
	if (w.err == 0)
		w.err = fdt_finish(buf);
	assert(w.err == 0 || w.err == -FDT_ERR_NOSPACE);
	return w.err == 0 ? (int64_t)fdt_totalsize(buf) : -ENOSPC;
}
