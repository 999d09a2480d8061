#ifndef GUEST_TESTS_BARE_H
#define GUEST_TESTS_BARE_H
/* bare: a guest without a kernel, one PVH ELF file for hotsocket and for QEMU. The
 * command line says what it does:
 *
 *	mode=smp       (default) poll the hotplug block and the UART, start what is added
 *	mode=irq       the same, but sleep in HLT until the GED or the UART interrupts
 *	mode=mem       write and check both ends of each RAM range; then as smp
 *	mode=hostile   write nonsense to every register, count=N times; then as smp
 *	mode=msrs      each CPU notes what it finds in MSRs, and changes them; then as smp
 *	mode=echo      send back what the UART receives
 *	mode=flood     print numbered lines without end
 *	mode=string    write a billion bytes by one instruction
 *	mode=poweroff reset cf9 kbd triple badinsn halt
 *
 *	wait       a mode that ends waits for a byte first
 *	noreg      leaves events alone until 'g' comes over the UART
 *	noost      sends no _OST
 *	ostfail    sends _OST status 1 for each new CPU, and does not start it
 *	nostart    sends _OST, and does not start the CPU until 'g' comes
 *	silent     neither _OST nor start until 'g' comes, but takes the events
 *	rmfail     says _OST(3, 0x82), busy, to each removal before 'g'
 *	rmsilent   takes the remove events, and obeys none that came before 'g'
 *	rmslow     begins with a removal, says so, and ejects when 'g' comes
 *	noost3     sends no _OST after an eject
 *	tick       prints "tick N" now and then
 *	spin       started CPUs count in a loop; else they count once and sleep
 *	mark       a started CPU's first instructions write BARE_MARK to the UART
 *
 * Bytes that it obeys: g go, r report, c counts, m MSRs, p power off, b reset, t triple
 * fault; and after a number N: e ejects CPU N unasked, o says _OST(1, 0) for it, O says
 * _OST(3, 0), f says _OST(3, 0) N times for CPU 0. */

#include <stdbool.h>
#include <stdint.h>

#include "guest-tests/images/bare_layout.h"

#define BARE_CPUS_MAX 1024

/* Registers. */
static inline void out8(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port) : "memory");
}
static inline uint8_t in8(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}
static inline void out32(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port) : "memory");
}
static inline uint32_t in32(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}
static inline volatile uint8_t *mem8(uint64_t gpa)
{
	return (volatile uint8_t *)gpa;
}
static inline volatile uint32_t *mem32(uint64_t gpa)
{
	return (volatile uint32_t *)gpa;
}
static inline volatile uint64_t *mem64(uint64_t gpa)
{
	return (volatile uint64_t *)gpa;
}
static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
	return (uint64_t)high << 32 | low;
}
static inline void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
			 : "memory");
}
static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

/* bare_io.c: the UART, text, the command line. */
void uart_setup(bool interrupts);
bool uart_get(uint8_t *byte);
void uart_put(uint8_t byte);
void say(const char *text); /* waits until there is a whole line */
void say_dec(uint64_t v);
void say_hex(uint64_t v);
void cmdline_set(uint64_t gpa);
bool option(const char *word);                               /* is it there? */
uint64_t option_number(const char *key, uint64_t otherwise); /* key=N */
bool same_text(const char *a, const char *b, unsigned len);

/* bare_acpi.c: what the firmware, that is the VMM, tells. */
struct start_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modlist_paddr, cmdline_paddr, rsdp_paddr, memmap_paddr;
	uint32_t memmap_entries, reserved;
};
extern uint64_t sleep_control, reset_register; /* addresses from the FADT, or 0 */
extern uint8_t reset_value;
extern const volatile uint8_t *cpu_sta; /* what each CPU's _STA is, or NULL: QEMU */
void memory_report(const struct start_info *s);
void memory_test(const struct start_info *s);
void acpi_report(uint64_t rsdp);

/* bare_smp.c: CPUs. Index as in the MADT and in the hotplug block. */
struct cpu {
	uint32_t apic_id; /* as the tables say */
	uint32_t own_id;  /* as the CPU itself says by CPUID */
	bool in_madt, enabled, told, registered;
	bool leaves;            /* the VMM wants it back */
	volatile bool alive;    /* it was started and not ejected */
	volatile bool must_end; /* it is to stop, */
	volatile bool ended;    /* and has: it does nothing from now on */
	volatile uint64_t count;
};
extern struct cpu cpus[BARE_CPUS_MAX];
void cpuid(uint32_t leaf, uint32_t r[4]); /* subleaf 0 */
void lapic_setup(void);
void lapic_eoi(void);
bool start_cpu(uint32_t index); /* INIT-SIPI-SIPI, and waits until it runs */
bool stop_cpu(uint32_t index);  /* waits until it sleeps for good */
void start_enabled(void);
extern void (*ap_work)(uint32_t index); /* what a started CPU does first; may be NULL */
void wait_for_work(void);               /* of all, and no more from then on */

/* bare_hotplug.c: the register block and the loop around it. */
bool hotplug_detect(void);
_Noreturn void hotplug_loop(bool interrupts);

/* bare_msr.c: MSRs. A CPU that starts after a reset, or after another has left, is to
 * find in them what the first one found. */
void msrs_spoil(uint32_t index);
void msrs_report(void);

/* bare_irq.c: the IDT and the IOAPIC. */
extern volatile bool ged_rang;
void bare_sleep(void); /* with interrupts, until one has come */
void idt_setup(void);
void ioapic_setup(void);
void ioapic_unmask_ged(void);

/* bare_end.c: ways to end, and to misbehave. */
void power_off(void);
void reset(void);
void triple_fault(void);
void bad_instruction(void);
void hostile(uint32_t index);
void obey_end(
	void); /* for a mode that ends or stays in a loop of its own; else returns */

#endif
