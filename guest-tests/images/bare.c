#include "guest-tests/images/bare.h"

#define START_MAGIC 0x336ec578

void bare_main(const struct start_info *s);

/* The first CPU, from bare_entry.S. */
void bare_main(const struct start_info *s)
{
	bool interrupts;

	uart_setup(false);
	say("bare: 64-bit\n");
	if (s->magic != START_MAGIC)
		say("bare: FAULT start info\n");
	cmdline_set(s->cmdline_paddr);
	interrupts = option("mode=irq");
	idt_setup();
	memory_report(s);
	acpi_report(s->rsdp_paddr);
	obey_end();
	if (option("mode=mem"))
		memory_test(s);
	lapic_setup();
	if (option("mode=hostile"))
		ap_work = hostile;
	if (option("mode=msrs"))
		ap_work = msrs_spoil;
	start_enabled();
	if (option("mode=msrs"))
		msrs_spoil(0);
	if (option("mode=hostile")) {
		hostile(0);
		wait_for_work();
		uart_setup(false);
		say("\nbare: hostile done\n");
	}
	if (interrupts)
		ioapic_setup();
	uart_setup(interrupts);
	hotplug_loop(interrupts);
}
