#ifndef ACPI_LAYOUT_H
#define ACPI_LAYOUT_H
/* Every address, register and interrupt that the guest sees. Read by C and, through the C
 * preprocessor, by ASL: plain literals only, no suffix, no cast, no expression. */

#if defined(__aarch64__)
#define GICD_BASE         0x08000000
#define GICD_LEN          0x10000
#define UART_BASE         0x09000000 /* MMIO */
#define UART_INTR         33
#define CPUHP_BASE        0x09010000
#define GED_BASE          0x09011000
#define GED_INTR          34
#define SLEEP_BASE        0x09012000
#define GICR_BASE         0x10000000 /* one after the other, by index */
#define GICR_LEN          0x20000    /* of each */
#define RAM_BASE          0x40000000
#define TIMER_SECURE_INTR 29
#define TIMER_INTR        30
#define TIMER_VIRT_INTR   27
#define TIMER_HYP_INTR    26
#else
/* RAM 0 up to the hole, and from 4 GiB on; IOAPIC 0xFEC00000, LAPIC 0xFEE00000. */
#define UART_BASE   0x3F8 /* I/O port */
#define UART_INTR   4     /* edge */
#define CPUHP_BASE  0xFE000000
#define GED_BASE    0xFE001000
#define GED_INTR    20 /* level; at least 16, so that it goes to the IOAPIC alone */
#define SLEEP_BASE  0xFE002000
#define IOAPIC_BASE 0xFEC00000
#define LAPIC_BASE  0xFEE00000
#endif

#define UART_LEN 8

/* CPU hotplug register block: QEMU's acpi_cpu_hotplug specification, modern part, and
 * behind its 12 bytes two registers that do at one access what takes it several. */
#define CPUHP_LEN      24
#define CPUHP_SELECTOR 0x0  /* W  dword: CPU that the other registers act on */
#define CPUHP_DATA2    0x0  /* R  dword: high half of the command's answer */
#define CPUHP_STATUS   0x4  /* R  byte: CPUHP_ENABLED and the two pending bits */
#define CPUHP_CONTROL  0x4  /* W  byte: acks (write 1 to clear) and eject */
#define CPUHP_COMMAND  0x5  /* W  byte: one of CPUHP_CMD_* */
#define CPUHP_DATA     0x8  /* RW dword: the command's argument or answer */
#define CPUHP_NEXT     0xC  /* R  dword: as CPUHP_CMD_NEXT; tells what it found */
#define CPUHP_OST      0x10 /* W  qword: an _OST: event, status in the high half */

#define CPUHP_ENABLED 0x01 /* status: usable by the guest */
#define CPUHP_INSERT  0x02 /* status: insert event pending; control: acknowledges it */
#define CPUHP_REMOVE  0x04 /* status: remove event pending; control: acknowledges it */
#define CPUHP_EJECT   0x08 /* control: ejects the CPU */

#define CPUHP_NEXT_CPU_MASK     0xFFFF
#define CPUHP_NEXT_STATUS_SHIFT 16 /* its CPUHP_INSERT and CPUHP_REMOVE; neither: none */
#define CPUHP_NEXT_MORE         0x80000000 /* another CPU has a pending event, too */

#define CPUHP_CMD_NEXT       0 /* select the next CPU with a pending event */
#define CPUHP_CMD_OST_EVENT  1 /* data writes that follow are the _OST source event */
#define CPUHP_CMD_OST_STATUS 2 /* data writes that follow are the _OST status; commits */
#define CPUHP_CMD_ARCH_ID    3 /* data reads give the APIC id or MPIDR */

/* CPU devices stand in groups of 2^3: Linux asks all that have one parent for their _STA
 * whenever one of them is added. */
#define CPUS_GROUP_SHIFT 3
#define CPUS_MAX         4096 /* the last device is CFFF */

/* What a CPU's _STA is. The guest reads it in memory, one byte for each possible CPU:
 * Linux asks some twenty times for each add, and each access to a register is an exit of
 * the vCPU. */
#if defined(__aarch64__)
#define CPU_STA_ABSENT                                                                   \
	0x0D /* present, not enabled: Linux wants CPUs always present here */
#else
#define CPU_STA_ABSENT 0x00
#endif
#define CPU_STA_ENABLED 0x0F

/* Event word of the Generic Event Device: a dword. Reads give the pending events, a write
 * of ones acknowledges. GED_CPU follows the hotplug block: no write acknowledges it. */
#define GED_LEN   4
#define GED_CPU   0x1
#define GED_POWER 0x2 /* the power button was pressed */

/* Hardware-reduced sleep registers (ACPI 6.4, 4.8.3.7), and the FADT's reset register. */
#define SLEEP_LEN         3
#define SLEEP_CONTROL     0 /* byte: SLEEP_SLP_EN | type << 2 */
#define SLEEP_STATUS      1 /* byte */
#define SLEEP_RESET       2 /* byte: SLEEP_RESET_VALUE resets the machine */
#define SLEEP_SLP_EN      0x20
#define SLEEP_S5_TYPE     5
#define SLEEP_RESET_VALUE 1

#endif
