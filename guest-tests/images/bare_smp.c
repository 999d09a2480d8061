#include "guest-tests/images/bare.h"

#include "acpi/layout.h"

#define MSR_APIC_BASE   0x1b
#define APIC_BASE_X2    0x400
#define MSR_X2APIC      0x800
#define LAPIC_ID        0x20
#define LAPIC_EOI       0xb0
#define LAPIC_SVR       0xf0
#define LAPIC_ICR_LOW   0x300
#define LAPIC_ICR_HIGH  0x310
#define LAPIC_LINT0     0x350
#define LVT_MASKED      0x10000
#define SVR_ON          0x1ff /* enabled, spurious vector 0xff */
#define ICR_INIT        0x4500
#define ICR_SIPI        (0x4600 | BARE_TRAMPOLINE >> 12)
#define ICR_PENDING     0x1000
#define STACK_LEN       1024
#define START_TSC       UINT64_C(120000000000) /* some forty seconds: slow hosts */
#define SECOND_SIPI_TSC UINT64_C(300000000)

struct cpu cpus[BARE_CPUS_MAX];
void (*ap_work)(uint32_t index);
static uint8_t stacks[BARE_CPUS_MAX][STACK_LEN] __attribute__((aligned(16)));
static bool x2apic, spin;

/* For the trampoline: one CPU starts at a time. */
uint64_t bare_ap_stack;
uint32_t bare_ap_index;
void bare_ap_main(uint32_t index);
extern uint8_t bare_trampoline[], bare_trampoline_end[], bare_trampoline_port[];

static void lapic_write(uint32_t reg, uint32_t v)
{
	if (x2apic)
		wrmsr(MSR_X2APIC + reg / 16, v);
	else
		*mem32(LAPIC_BASE + reg) = v;
}

void lapic_eoi(void)
{
	lapic_write(LAPIC_EOI, 0);
}

static void copy_trampoline(void)
{
	uint16_t port = option("mark") ? UART_BASE : 0x80;

	bare_trampoline_port[0] = (uint8_t)port;
	bare_trampoline_port[1] = (uint8_t)(port >> 8);
	for (uint32_t i = 0; bare_trampoline + i < bare_trampoline_end; i++)
		*mem8(BARE_TRAMPOLINE + i) = bare_trampoline[i];
}

void lapic_setup(void)
{
	x2apic = rdmsr(MSR_APIC_BASE) & APIC_BASE_X2;
	spin = option("spin");
	lapic_write(LAPIC_SVR, SVR_ON);
	lapic_write(LAPIC_LINT0, LVT_MASKED); /* KVM's PIC, which nobody has set up */
	copy_trampoline();
	say(x2apic ? "bare: x2apic\n" : "bare: xapic\n");
}

static void send(uint32_t id, uint32_t command)
{
	if (x2apic) {
		wrmsr(MSR_X2APIC + LAPIC_ICR_LOW / 16, (uint64_t)id << 32 | command);
		return;
	}
	*mem32(LAPIC_BASE + LAPIC_ICR_HIGH) = id << 24;
	*mem32(LAPIC_BASE + LAPIC_ICR_LOW) = command;
	while (*mem32(LAPIC_BASE + LAPIC_ICR_LOW) & ICR_PENDING)
		;
}

void cpuid(uint32_t leaf, uint32_t r[4])
{
	__asm__ volatile("cpuid"
			 : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
			 : "a"(leaf), "c"(0));
}

static uint32_t own_apic_id(void)
{
	uint32_t r[4];

	cpuid(0, r);
	if (r[0] >= 0xb) {
		cpuid(0xb, r);
		if (r[1] != 0)
			return r[3];
	}
	cpuid(1, r);
	return r[1] >> 24;
}

/* A started CPU, on its own small stack, with interrupts off. */
void bare_ap_main(uint32_t index)
{
	struct cpu *c = &cpus[index];

	c->own_id = own_apic_id();
	c->count++;
	c->alive = true;
	if (ap_work != (void (*)(uint32_t))0)
		ap_work(index);
	c->count++;
	while (spin && !c->must_end)
		c->count++;
	c->ended = true;
	for (;;)
		__asm__ volatile("cli; hlt");
}

static bool within(const volatile bool *what, uint64_t ticks)
{
	uint64_t start = rdtsc();

	while (!*what)
		if (rdtsc() - start > ticks)
			return false;
	return true;
}

static void say_cpu(uint32_t index, uint32_t id, const char *what)
{
	say("bare: cpu ");
	say_dec(index);
	say(" apic ");
	say_dec(id);
	say(what);
}

bool start_cpu(uint32_t index)
{
	struct cpu *c = &cpus[index];

	c->alive = c->must_end = c->ended = false;
	bare_ap_index = index;
	bare_ap_stack = (uint64_t)stacks[index] + STACK_LEN;
	send(c->apic_id, ICR_INIT);
	send(c->apic_id, ICR_SIPI);
	if (!within(&c->alive, SECOND_SIPI_TSC))
		send(c->apic_id, ICR_SIPI);
	if (!within(&c->alive, START_TSC)) {
		say_cpu(index, c->apic_id, " FAULT does not start\n");
		return false;
	}
	say_cpu(index, c->own_id,
		c->own_id == c->apic_id ? " online\n" : " FAULT not its id\n");
	return true;
}

/* It looks at the flag as long as it works, so nothing needs to wake it up. One that was
 * never started has nothing to stop. */
bool stop_cpu(uint32_t index)
{
	struct cpu *c = &cpus[index];

	c->must_end = true;
	if (!c->alive || within(&c->ended, START_TSC))
		return true;
	say_cpu(index, c->apic_id, " FAULT does not stop\n");
	return false;
}

void start_enabled(void)
{
	uint32_t own = own_apic_id();

	for (uint32_t i = 0; i < BARE_CPUS_MAX; i++) {
		struct cpu *c = &cpus[i];

		if (c->enabled && c->apic_id == own) {
			c->alive = true;
			c->own_id = own;
			say_cpu(i, own, " boots\n");
		} else if (c->enabled) {
			start_cpu(i);
		}
	}
}

void wait_for_work(void)
{
	for (uint32_t i = 1; i < BARE_CPUS_MAX; i++)
		while (cpus[i].alive && cpus[i].count < 2)
			;
	ap_work = (void (*)(uint32_t))0;
}
