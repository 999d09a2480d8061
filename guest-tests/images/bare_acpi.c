#include "guest-tests/images/bare.h"

#define MAPPED UINT64_C(0x200000000) /* by the page tables of bare_entry.S */

#define HEADER_LEN 36

/* MADT, ACPI 6.4, 5.2.12. */
enum { MADT_LAPIC = 0, MADT_X2APIC = 9, MADT_ENABLED = 1, MADT_ONLINE_CAPABLE = 2 };

/* FADT, ACPI 6.4, 5.2.9. */
enum {
	FADT_FLAGS = 112,
	FADT_RESET_REGISTER = 116,
	FADT_RESET_VALUE = 128,
	FADT_SLEEP_CONTROL = 244,
	FADT_LEN = 276,
	FADT_HW_REDUCED = 1 << 20,
};

struct memmap_entry {
	uint64_t addr, size;
	uint32_t type, reserved;
};

uint64_t sleep_control, reset_register;
uint8_t reset_value;

static uint32_t get32(uint64_t gpa)
{
	return *mem32(gpa);
}

/* Packed fields are not aligned. */
static uint64_t get64(uint64_t gpa)
{
	return get32(gpa) | (uint64_t)get32(gpa + 4) << 32;
}

static const struct memmap_entry *memmap(const struct start_info *s)
{
	return (const struct memmap_entry *)s->memmap_paddr;
}

static const char *memory_type(uint32_t type)
{
	return type == 1 ? " ram" : type == 3 ? " acpi" : type == 4 ? " nvs" : " other";
}

const volatile uint8_t *cpu_sta;

void memory_report(const struct start_info *s)
{
	const struct memmap_entry *e = memmap(s);

	for (uint32_t i = 0; i < s->memmap_entries; i++) {
		say("bare: memory ");
		say_hex(e[i].addr);
		say("-");
		say_hex(e[i].addr + e[i].size - 1);
		say(memory_type(e[i].type));
		if (e[i].type == 4)
			cpu_sta = (const uint8_t *)e[i].addr;
		for (uint32_t j = 0; j < i; j++)
			if (e[j].addr < e[i].addr + e[i].size &&
			    e[i].addr < e[j].addr + e[j].size)
				say(" FAULT overlap");
		say("\n");
	}
}

/* The 64 bits that are tried in a page. */
static uint64_t first_word(const struct memmap_entry *e)
{
	return e->addr == 0 ? 0x100 : e->addr; /* 0x500 and up is the VMM's */
}

static uint64_t last_word(const struct memmap_entry *e)
{
	return e->addr + e->size - 8;
}

static bool testable(const struct memmap_entry *e)
{
	return e->type == 1 && e->addr + e->size <= MAPPED;
}

/* Writes everywhere first and looks then, so that one page at two addresses is found. */
void memory_test(const struct start_info *s)
{
	const struct memmap_entry *e = memmap(s);
	uint64_t kept[32][2];

	for (uint32_t i = 0; i < s->memmap_entries && i < 32; i++) {
		if (!testable(&e[i]))
			continue;
		kept[i][0] = *mem64(first_word(&e[i]));
		kept[i][1] = *mem64(last_word(&e[i]));
		*mem64(first_word(&e[i])) = ~first_word(&e[i]);
		*mem64(last_word(&e[i])) = ~last_word(&e[i]);
	}
	for (uint32_t i = 0; i < s->memmap_entries && i < 32; i++) {
		if (e[i].type != 1)
			continue;
		say("bare: memory ");
		say_hex(e[i].addr);
		say("-");
		say_hex(e[i].addr + e[i].size - 1);
		if (!testable(&e[i])) {
			say(" not mapped\n");
			continue;
		}
		say(*mem64(first_word(&e[i])) == ~first_word(&e[i]) &&
				    *mem64(last_word(&e[i])) == ~last_word(&e[i])
			    ? " holds\n"
			    : " FAULT lost\n");
		*mem64(first_word(&e[i])) = kept[i][0];
		*mem64(last_word(&e[i])) = kept[i][1];
	}
}

static bool sum_is_zero(uint64_t gpa, uint32_t len)
{
	const volatile uint8_t *p = mem8(gpa);
	uint8_t sum = 0;

	for (uint32_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + p[i]);
	return sum == 0;
}

static bool has_name(uint64_t gpa, const char *name)
{
	return same_text((const char *)gpa, name, 4);
}

static void fadt_report(uint64_t fadt)
{
	uint32_t flags = get32(fadt + FADT_FLAGS);

	reset_register = get64(fadt + FADT_RESET_REGISTER + 4);
	reset_value = *mem8(fadt + FADT_RESET_VALUE);
	if (!(flags & FADT_HW_REDUCED) || get32(fadt + 4) < FADT_LEN) {
		say("bare: fadt of a PC\n");
		return;
	}
	sleep_control = get64(fadt + FADT_SLEEP_CONTROL + 4);
	say("bare: fadt hardware-reduced, sleep ");
	say_hex(sleep_control);
	say(" reset ");
	say_hex(reset_register);
	say("\n");
}

static void madt_entry(uint64_t entry, uint32_t *enabled, uint32_t *capable)
{
	bool wide = *mem8(entry) == MADT_X2APIC;
	uint32_t index = wide ? get32(entry + 12) : *mem8(entry + 2);
	uint32_t id = wide ? get32(entry + 4) : *mem8(entry + 3);
	uint32_t flags = wide ? get32(entry + 8) : get32(entry + 4);

	*enabled += flags & MADT_ENABLED ? 1 : 0;
	*capable += flags & MADT_ONLINE_CAPABLE ? 1 : 0;
	if (index >= BARE_CPUS_MAX || cpus[index].in_madt) {
		say("bare: FAULT madt index ");
		say_dec(index);
		say("\n");
		return;
	}
	cpus[index].apic_id = id;
	cpus[index].in_madt = true;
	cpus[index].enabled = flags & MADT_ENABLED;
}

static void madt_report(uint64_t madt)
{
	uint64_t end = madt + get32(madt + 4), entry = madt + HEADER_LEN + 8;
	uint32_t enabled = 0, capable = 0;

	for (; entry + 2 <= end && *mem8(entry + 1) >= 2; entry += *mem8(entry + 1))
		if (*mem8(entry) == MADT_LAPIC || *mem8(entry) == MADT_X2APIC)
			madt_entry(entry, &enabled, &capable);
	say("bare: madt enabled ");
	say_dec(enabled);
	say(" online-capable ");
	say_dec(capable);
	say("\n");
}

static void table_report(uint64_t table)
{
	uint32_t len = get32(table + 4);

	/* The DSDT is not in the list. A large MADT takes its time, too. */
	if (!sum_is_zero(table, len))
		say("bare: FAULT table checksum\n");
	if (has_name(table, "FACP"))
		fadt_report(table);
	else if (has_name(table, "APIC"))
		madt_report(table);
}

void acpi_report(uint64_t rsdp)
{
	bool wide = rsdp != 0 && *mem8(rsdp + 15) >= 2;
	uint64_t list, width = wide ? 8 : 4;
	uint32_t n;

	if (rsdp == 0 || !same_text((const char *)rsdp, "RSD PTR ", 8) ||
	    !sum_is_zero(rsdp, 20) || (wide && !sum_is_zero(rsdp, get32(rsdp + 20)))) {
		say("bare: FAULT no rsdp\n");
		return;
	}
	list = wide ? get64(rsdp + 24) : get32(rsdp + 16);
	if (!sum_is_zero(list, get32(list + 4)) ||
	    !has_name(list, wide ? "XSDT" : "RSDT"))
		say("bare: FAULT xsdt\n");
	n = (uint32_t)((get32(list + 4) - HEADER_LEN) / width);
	say("bare: acpi ");
	say(wide ? "xsdt" : "rsdt");
	say(" tables ");
	say_dec(n);
	say("\n");
	for (uint32_t i = 0; i < n; i++) {
		uint64_t at = list + HEADER_LEN + i * width;

		table_report(wide ? get64(at) : get32(at));
	}
}
