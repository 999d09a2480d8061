#include "guest-tests/images/bare.h"

#include "acpi/layout.h"

#define OST_DEVICE_CHECK  1
#define OST_EJECT_REQUEST 3
#define OST_OWN_EJECT     0x103
#define OST_SUCCESS       0
#define OST_FAILURE       1
#define OST_BUSY          0x82
#define OST_IN_PROGRESS   0x84
#define EVENTS            (CPUHP_INSERT | CPUHP_REMOVE)
#define Q35_PORT          0xcd8 /* of the block in QEMU's q35 */

static uint16_t port; /* of the block; 0: it is at CPUHP_BASE */
static uint64_t ticks;
static bool go, work; /* told to go on; some CPU may wait for us */
static uint32_t work_first = BARE_CPUS_MAX, work_end; /* those that may */
static uint32_t number;                               /* that was typed */

static void write32(uint16_t offset, uint32_t v)
{
	if (port != 0)
		out32(port + offset, v);
	else
		*mem32(CPUHP_BASE + offset) = v;
}

static void write8(uint16_t offset, uint8_t v)
{
	if (port != 0)
		out8(port + offset, v);
	else
		*mem8(CPUHP_BASE + offset) = v;
}

static uint32_t read32(uint16_t offset)
{
	return port != 0 ? in32(port + offset) : *mem32(CPUHP_BASE + offset);
}

static void select(uint32_t cpu)
{
	write32(CPUHP_SELECTOR, cpu);
}

static void command(uint8_t c)
{
	write8(CPUHP_COMMAND, c);
}

static void control(uint8_t c)
{
	write8(CPUHP_CONTROL, c);
}

static uint8_t status(void)
{
	return port != 0 ? in8(port + CPUHP_STATUS) : *mem8(CPUHP_BASE + CPUHP_STATUS);
}

static uint32_t data(void)
{
	return read32(CPUHP_DATA);
}

static void put_data(uint32_t v)
{
	write32(CPUHP_DATA, v);
}

/* "Detect modern" of the specification: the first write switches an old block over. Where
 * nothing answers, reads give ones. */
static bool answers(void)
{
	select(0);
	select(0);
	command(CPUHP_CMD_NEXT);
	return read32(CPUHP_DATA2) == 0 && (status() & CPUHP_ENABLED);
}

bool hotplug_detect(void)
{
	if (answers())
		return true;
	port = Q35_PORT;
	if (answers())
		return true;
	say("bare: hotplug block absent\n");
	return false;
}

static uint32_t arch_id(uint32_t cpu)
{
	select(cpu);
	command(CPUHP_CMD_ARCH_ID);
	return data();
}

static void ost(uint32_t cpu, uint32_t event, uint32_t result)
{
	if (option("noost"))
		return;
	select(cpu);
	command(CPUHP_CMD_OST_EVENT);
	put_data(event);
	command(CPUHP_CMD_OST_STATUS);
	put_data(result);
}

static void keep_waiting(uint32_t cpu)
{
	if (cpu < work_first)
		work_first = cpu;
	if (cpu >= work_end)
		work_end = cpu + 1;
}

static void take_event(uint32_t cpu, uint8_t events)
{
	if (cpu >= BARE_CPUS_MAX) {
		say("bare: FAULT index\n");
		return;
	}
	if (events & CPUHP_INSERT)
		cpus[cpu].told = true;
	if (events & CPUHP_REMOVE)
		cpus[cpu].leaves = true;
	keep_waiting(cpu);
	work = true;
}

/* By the commands of QEMU's specification. The DSDT has shorter ways; Linux guests take
 * them. */
static void take_events(void)
{
	select(0);
	for (;;) {
		uint32_t cpu;
		uint8_t events;

		command(CPUHP_CMD_NEXT);
		events = status() & EVENTS;
		if (events == 0)
			return;
		cpu = data();
		control(events);
		take_event(cpu, events);
	}
}

static void take_cpu(uint32_t i)
{
	struct cpu *c = &cpus[i];

	if (option("silent") && !go)
		return;
	if (option("ostfail") && !go) {
		ost(i, OST_DEVICE_CHECK, OST_FAILURE);
		c->told = false;
		return;
	}
	select(i);
	if (!(status() & CPUHP_ENABLED)) { /* it was taken back */
		ost(i, OST_DEVICE_CHECK, OST_SUCCESS);
		c->told = c->registered = false;
		return;
	}
	if (c->apic_id != arch_id(i))
		say("bare: FAULT madt and block name different ids\n");
	if (!c->registered)
		ost(i, OST_DEVICE_CHECK, OST_SUCCESS);
	c->registered = true;
	if (option("nostart") && !go)
		return;
	c->told = false;
	start_cpu(i);
}

static uint8_t status_of(uint32_t cpu)
{
	select(cpu);
	return status();
}

/* Whether it is gone then. */
static bool eject(uint32_t cpu, uint32_t event)
{
	select(cpu);
	control(CPUHP_EJECT);
	if (status() & CPUHP_ENABLED)
		return false;
	if (!option("noost3"))
		ost(cpu, event, OST_SUCCESS);
	cpus[cpu].told = cpus[cpu].registered = cpus[cpu].alive = false;
	return true;
}

static void say_numbered(const char *what, uint32_t n, const char *end)
{
	say(what);
	say_dec(n);
	say(end);
}

/* What the VMM asked for. */
static void give_cpu(uint32_t i)
{
	struct cpu *c = &cpus[i];

	if ((option("rmsilent") || option("rmfail")) && !go) {
		if (option("rmfail"))
			ost(i, OST_EJECT_REQUEST, OST_BUSY);
		c->leaves = false;
		return;
	}
	if (!c->must_end)
		ost(i, OST_EJECT_REQUEST, OST_IN_PROGRESS);
	if (!stop_cpu(i) || (option("rmslow") && !go))
		return;
	c->leaves = false;
	say_numbered("bare: cpu ", i,
		     eject(i, OST_EJECT_REQUEST) ? " ejected\n" : " FAULT stays\n");
}

/* What nobody asked for; any number. The boot CPU runs this, and goes on. What stays
 * although it was stopped runs again. */
static void eject_own(uint32_t i)
{
	bool known = i < BARE_CPUS_MAX && i > 0 && cpus[i].alive;

	if (known && !stop_cpu(i))
		return;
	if (!known) {
		select(i);
		control(CPUHP_EJECT);
	} else if (!eject(i, OST_OWN_EJECT)) {
		start_cpu(i);
	}
	say_numbered("bare: eject of ", i,
		     status_of(i) & CPUHP_ENABLED ? " refused\n" : " leaves nothing\n");
}

static void ost_own(uint32_t i, uint32_t event)
{
	ost(i, event, OST_SUCCESS);
	say_numbered("bare: ost of ", i, "\n");
}

/* The same fact stands in a register and in memory. */
static bool sta_agrees(uint32_t cpu, uint8_t status)
{
	return cpu_sta == 0 || cpu_sta[cpu] == (status & CPUHP_ENABLED ? CPU_STA_ENABLED
								       : CPU_STA_ABSENT);
}

static void report(void)
{
	uint32_t n = 0;

	say("bare: report online ");
	for (uint32_t i = 0; i < BARE_CPUS_MAX; i++)
		n += cpus[i].alive;
	say_dec(n);
	say(" view ");
	for (uint32_t i = 0; i < BARE_CPUS_MAX && cpus[i].in_madt; i++) {
		uint8_t s = status_of(i);

		say(!sta_agrees(i, s)      ? "?"
		    : !(s & CPUHP_ENABLED) ? "-"
		    : s & EVENTS           ? "!"
					   : "e");
	}
	say("\n");
}

/* Faster than anybody can be told of each. */
static void ost_flood(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		ost(0, OST_EJECT_REQUEST, OST_SUCCESS);
	say_numbered("bare: flood of ", n, "\n");
}

static void report_counts(void)
{
	say("bare: counts ticks ");
	say_dec(ticks);
	for (uint32_t i = 1; i < BARE_CPUS_MAX && cpus[i].in_madt; i++) {
		say(" ");
		say_dec(cpus[i].count);
	}
	say("\n");
}

static void obey(uint8_t byte)
{
	if (byte >= '0' && byte <= '9') {
		number = number * 10 + byte - '0';
		return;
	}
	if (byte == 'g')
		go = true;
	else if (byte == 'r')
		report();
	else if (byte == 'c')
		report_counts();
	else if (byte == 'm')
		msrs_report();
	else if (byte == 'p')
		power_off();
	else if (byte == 'b')
		reset();
	else if (byte == 't')
		triple_fault();
	else if (byte == 'e')
		eject_own(number);
	else if (byte == 'o')
		ost_own(number, OST_DEVICE_CHECK);
	else if (byte == 'O')
		ost_own(number, OST_EJECT_REQUEST);
	else if (byte == 'f')
		ost_flood(number);
	number = 0;
}

static void tick(void)
{
	ticks++;
	if (ticks % 256 != 0 || !option("tick"))
		return;
	say("bare: tick ");
	say_dec(ticks / 256);
	say("\n");
}

/* Only those between the first and the last that wait: a look at each possible CPU would
 * be most of what an event costs. */
static void take_cpus(void)
{
	uint32_t first = work_first, end = work_end;

	work = false;
	work_first = BARE_CPUS_MAX;
	work_end = 0;
	for (uint32_t i = first; i < end; i++) {
		if (cpus[i].told)
			take_cpu(i);
		if (cpus[i].leaves)
			give_cpu(i);
		if (cpus[i].told || cpus[i].leaves)
			keep_waiting(i);
	}
}

/* Whether there was a byte. */
static bool serve_uart(void)
{
	bool any = false;
	uint8_t byte;

	while (uart_get(&byte)) {
		obey(byte);
		any = true;
	}
	return any;
}

/* Interrupts are off, but for the moment of sleep: none comes between the look and it.
 * The GED's line stays masked while its events are left alone. */
_Noreturn void hotplug_loop(bool interrupts)
{
	bool present = hotplug_detect();

	say("bare: ready\n");
	for (;;) {
		bool mine = present && (go || !option("noreg"));

		if (mine && (ged_rang || !interrupts)) {
			ged_rang = false;
			take_events();
			if (interrupts)
				ioapic_unmask_ged();
		}
		if (work)
			take_cpus();
		tick();
		if (serve_uart())
			work = true;
		else if (interrupts)
			bare_sleep();
	}
}
