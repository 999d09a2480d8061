#include "guest-tests/images/bare.h"

#include "acpi/layout.h"

#define VECTOR_GED      0x40
#define VECTOR_UART     0x41
#define VECTOR_SPURIOUS 0xff
#define CODE64          0x08
#define GATE            0x8e /* present, interrupt gate */

#define IOAPIC_SELECT 0x00
#define IOAPIC_WINDOW 0x10
#define IOAPIC_ENTRY  0x10 /* two registers each */
#define ENTRY_LEVEL   0x8000
#define ENTRY_MASKED  0x10000

struct gate {
	uint16_t low, selector;
	uint8_t ist, type;
	uint16_t middle;
	uint32_t high, zero;
};

volatile bool ged_rang;
static struct gate idt[256] __attribute__((aligned(16)));

void bare_isr_ged(void);
void bare_isr_uart(void);
void bare_isr_spurious(void);
extern uint8_t bare_isr_exceptions[];
void bare_on_ged(void);
void bare_on_uart(void);
void bare_on_spurious(void);
_Noreturn void bare_on_exception(uint32_t number, const uint64_t *stack);

static void ioapic_write(uint32_t reg, uint32_t v)
{
	*mem32(IOAPIC_BASE + IOAPIC_SELECT) = reg;
	*mem32(IOAPIC_BASE + IOAPIC_WINDOW) = v;
}

/* The line stays high until the loop has taken the events: masked until then. */
void bare_on_ged(void)
{
	ioapic_write(IOAPIC_ENTRY + 2 * GED_INTR,
		     VECTOR_GED | ENTRY_LEVEL | ENTRY_MASKED);
	ged_rang = true;
	lapic_eoi();
}

void ioapic_unmask_ged(void)
{
	ioapic_write(IOAPIC_ENTRY + 2 * GED_INTR, VECTOR_GED | ENTRY_LEVEL);
}

/* It only wakes the loop up, which looks at the UART anyway. */
void bare_on_uart(void)
{
	lapic_eoi();
}

void bare_on_spurious(void)
{
}

_Noreturn void bare_on_exception(uint32_t number, const uint64_t *stack)
{
	say("bare: FAULT exception ");
	say_dec(number);
	say(" stack ");
	for (int i = 0; i < 4; i++) {
		say_hex(stack[i]);
		say(" ");
	}
	say("\n");
	for (;;)
		__asm__ volatile("cli; hlt");
}

static void set_gate(uint32_t vector, uint64_t handler)
{
	idt[vector] = (struct gate){
		(uint16_t)handler,         CODE64, 0, GATE, (uint16_t)(handler >> 16),
		(uint32_t)(handler >> 32), 0
	};
}

void idt_setup(void)
{
	struct __attribute__((packed)) {
		uint16_t limit;
		uint64_t base;
	} idtr = { sizeof(idt) - 1, (uint64_t)idt };

	for (uint32_t i = 0; i < 32; i++)
		set_gate(i, (uint64_t)bare_isr_exceptions + 16 * i);
	set_gate(VECTOR_GED, (uint64_t)bare_isr_ged);
	set_gate(VECTOR_UART, (uint64_t)bare_isr_uart);
	set_gate(VECTOR_SPURIOUS, (uint64_t)bare_isr_spurious);
	__asm__ volatile("lidt %0" : : "m"(idtr));
}

/* Both lines go to the first CPU, whose id is 0. */
void ioapic_setup(void)
{
	ioapic_write(IOAPIC_ENTRY + 2 * GED_INTR + 1, 0);
	ioapic_write(IOAPIC_ENTRY + 2 * UART_INTR + 1, 0);
	ioapic_write(IOAPIC_ENTRY + 2 * UART_INTR, VECTOR_UART);
	ioapic_unmask_ged();
}
