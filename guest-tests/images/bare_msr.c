#include "guest-tests/images/bare.h"

#define CPUS 8

#define KVM_TIME UINT64_MAX /* the value: where KVM is to write a time of its own */

/* Registers that no INIT resets. A CPU has one where a bit of CPUID is set, by leaf and
 * register, EAX first; the bits to flip make it a value that it can have. */
static const struct {
	uint32_t index;
	uint64_t flip;
	uint32_t leaf;
	uint8_t reg, bit;
} msrs[] = {
	{ 0x174, 0x10, 1, 3, 0 }, /* SYSENTER */
	{ 0x175, 0x1000, 1, 3, 0 },
	{ 0x176, 0x2000, 1, 3, 0 },
	{ 0xc0000081, UINT64_C(0x23001000000000), 1, 3, 0 }, /* SYSCALL: STAR, */
	{ 0xc0000082, 0x3000, 1, 3, 0 },                     /* LSTAR, */
	{ 0xc0000083, 0x4000, 1, 3, 0 },                     /* CSTAR, */
	{ 0xc0000084, 0x200, 1, 3, 0 },                      /* SFMASK */
	{ 0xc0000102, 0x5000, 1, 3, 0 },                     /* the kernel's GS */
	{ 0x277, 6, 1, 3, 0 },                               /* PAT */
	{ 0x1a0, 1, 1, 3, 0 }, /* MISC_ENABLE: fast strings */
	{ 0x200, 6, 1, 3, 0 }, /* MTRRs */
	{ 0x2ff, 6, 1, 3, 0 },
	{ 0xc0000103, 0x77, 0x80000001, 3, 27 },    /* TSC_AUX, with RDTSCP */
	{ 0x3a, 5, 1, 2, 5 },                       /* FEAT_CTL, with VMX */
	{ 0xe1, 0x100, 7, 2, 5 },                   /* UMWAIT_CONTROL, with WAITPKG */
	{ 0x4b564d01, KVM_TIME, 0x40000001, 0, 3 }, /* KVM's: system time, */
	{ 0x4b564d03, KVM_TIME, 0x40000001, 0, 5 }, /* steal time */
};
#define NMSRS (sizeof(msrs) / sizeof(msrs[0]))

static uint64_t found[CPUS][NMSRS];
static bool there[CPUS][NMSRS], lost[CPUS][NMSRS];
static uint8_t kvm_time[64] __attribute__((aligned(64))); /* nobody reads it */

static bool has(uint32_t i)
{
	uint32_t r[4];

	cpuid(msrs[i].leaf, r);
	return r[msrs[i].reg] & 1u << msrs[i].bit;
}

/* Keeps what this CPU was given, and leaves something else to whom it belongs next. */
void msrs_spoil(uint32_t index)
{
	for (uint32_t i = 0; i < NMSRS && index < CPUS; i++) {
		uint64_t value;

		there[index][i] = has(i);
		if (!there[index][i])
			continue;
		value = found[index][i] = rdmsr(msrs[i].index);
		value = msrs[i].flip == KVM_TIME ? (uint64_t)kvm_time | 1
						 : value ^ msrs[i].flip;
		wrmsr(msrs[i].index, value);
		lost[index][i] = rdmsr(msrs[i].index) != value;
	}
}

void msrs_report(void)
{
	for (uint32_t index = 0; index < CPUS; index++) {
		if (!cpus[index].alive)
			continue;
		say("bare: msrs of ");
		say_dec(index);
		for (uint32_t i = 0; i < NMSRS; i++) {
			if (!there[index][i])
				continue;
			say(" ");
			say_hex(msrs[i].index);
			say("=");
			say_hex(found[index][i]);
			say(lost[index][i] ? "(FAULT stays)" : "");
		}
		say("\n");
	}
	say("bare: msrs end\n");
}
