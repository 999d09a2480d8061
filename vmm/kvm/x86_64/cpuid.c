#include "vmm/kvm/x86_64/cpuid.h"

#include <string.h>

#define SIGNIFICANT_INDEX KVM_CPUID_FLAG_SIGNIFCANT_INDEX

#define LEVEL_SMT  1 /* leaves 0xB and 0x1F, ECX[15:8] */
#define LEVEL_CORE 2

#define HTT            (UINT32_C(1) << 28) /* 1.EDX */
#define VMX            (UINT32_C(1) << 5)  /* 1.ECX */
#define X2APIC         (UINT32_C(1) << 21)
#define TSC_DEADLINE   (UINT32_C(1) << 24)
#define HYPERVISOR     (UINT32_C(1) << 31)
#define CMP_LEGACY     (UINT32_C(1) << 1) /* 0x80000001.ECX */
#define SVM            (UINT32_C(1) << 2)
#define TOPOEXT        (UINT32_C(1) << 22)
#define MSI_EXT_DESTID (UINT32_C(1) << 15) /* 0x40000001.EAX */

/* What a start of a CPU pays for, and no guest has use for here; bits of 1.EDX and of
 * AMD's 0x80000001.EDX. Where there are MTRRs or PAT, Linux stops all CPUs until the new
 * one has set them, and KVM heeds neither, as no device is the guest's own. Machine
 * checks never come, and each of their banks costs exits. */
#define MCE    (UINT32_C(1) << 7)
#define MTRR   (UINT32_C(1) << 12)
#define MCA    (UINT32_C(1) << 14)
#define PAT    (UINT32_C(1) << 16)
#define HIDDEN (MCE | MTRR | MCA | PAT)

#define APIC_ID_8BIT_MAX 254

struct kvm_cpuid_entry2 *cpuid_find(struct kvm_cpuid2 *c, uint32_t leaf, uint32_t subleaf)
{
	for (uint32_t i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->function == leaf &&
		    (!(e->flags & SIGNIFICANT_INDEX) || e->index == subleaf))
			return e;
	}
	return NULL;
}

static void drop_leaf(struct kvm_cpuid2 *c, uint32_t leaf)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < c->nent; i++)
		if (c->entries[i].function != leaf)
			c->entries[kept++] = c->entries[i];
	c->nent = kept;
}

static struct kvm_cpuid_entry2 *add(struct kvm_cpuid2 *c, uint32_t leaf, uint32_t subleaf,
				    uint32_t flags)
{
	struct kvm_cpuid_entry2 *e = &c->entries[c->nent++];

	*e = (struct kvm_cpuid_entry2){ .function = leaf,
					.index = subleaf,
					.flags = flags };
	return e;
}

static uint32_t set_bits(uint32_t reg, unsigned low, unsigned width, uint32_t value)
{
	uint32_t max = (UINT32_C(1) << width) - 1;

	return (reg & ~(max << low)) | (value < max ? value : max) << low;
}

static bool vendor_is(struct kvm_cpuid2 *c, const char *name)
{
	const struct kvm_cpuid_entry2 *e = cpuid_find(c, 0, 0);
	char s[12];

	if (e == NULL)
		return false;
	memcpy(s, &e->ebx, 4);
	memcpy(s + 4, &e->edx, 4);
	memcpy(s + 8, &e->ecx, 4);
	return memcmp(s, name, sizeof(s)) == 0;
}

bool cpuid_is_amd(struct kvm_cpuid2 *c)
{
	return vendor_is(c, "AuthenticAMD") || vendor_is(c, "HygonGenuine");
}

bool cpuid_has_nested(struct kvm_cpuid2 *c)
{
	const struct kvm_cpuid_entry2 *e = cpuid_find(c, 1, 0);

	if (e != NULL && (e->ecx & VMX))
		return true;
	e = cpuid_find(c, 0x80000001, 0);
	return e != NULL && (e->ecx & SVM);
}

static void features(struct kvm_cpuid2 *c, const struct topology *t, uint32_t id,
		     const struct cpuid_choice *choice)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(c, 1, 0);

	if (e == NULL)
		return;
	e->ebx = set_bits(e->ebx, 24, 8, id & 0xff);
	e->ebx =
		set_bits(e->ebx, 16, 8, UINT32_C(1) << (t->thread_width + t->core_width));
	e->ecx |= X2APIC | HYPERVISOR | (choice->tsc_deadline ? TSC_DEADLINE : 0);
	e->ecx &= choice->nested ? ~UINT32_C(0) : ~VMX;
	e->edx = (t->per_socket > 1 ? e->edx | HTT : e->edx & ~HTT) & ~HIDDEN;
}

static void extended_topology(struct kvm_cpuid2 *c, const struct topology *t, uint32_t id,
			      uint32_t leaf)
{
	const struct {
		uint32_t shift, count, level;
	} level[] = {
		{ t->thread_width, t->threads, LEVEL_SMT },
		{ t->thread_width + t->core_width, t->per_socket, LEVEL_CORE },
		{ 0, 0, 0 },
	};

	for (uint32_t i = 0; i < sizeof(level) / sizeof(level[0]); i++) {
		struct kvm_cpuid_entry2 *e = add(c, leaf, i, SIGNIFICANT_INDEX);

		e->eax = level[i].shift;
		e->ebx = level[i].count;
		e->ecx = i | level[i].level << 8;
		e->edx = id;
	}
}

/* How far the id's bits reach that share a cache of this level, as a count less one. */
static uint32_t sharing(const struct topology *t, uint32_t cache_level)
{
	uint32_t width = t->thread_width + (cache_level >= 3 ? t->core_width : 0);

	return (UINT32_C(1) << width) - 1;
}

static void caches(struct kvm_cpuid2 *c, const struct topology *t, uint32_t leaf)
{
	for (uint32_t i = 0; i < c->nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->function != leaf || (e->eax & 0x1f) == 0)
			continue;
		e->eax = set_bits(e->eax, 14, 12, sharing(t, e->eax >> 5 & 7));
		if (leaf == 4)
			e->eax = set_bits(e->eax, 26, 6,
					  (UINT32_C(1) << t->core_width) - 1);
	}
}

static void raise_max(struct kvm_cpuid2 *c, uint32_t range, uint32_t leaf)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(c, range, 0);

	if (e != NULL && e->eax < leaf)
		e->eax = leaf;
}

/* KVM's list has no name; lscpu shows it, and people look for it. */
static void model_name(struct kvm_cpuid2 *c, const uint32_t name[12])
{
	for (size_t i = 0; i < 3; i++) {
		struct kvm_cpuid_entry2 *e;

		drop_leaf(c, 0x80000002 + (uint32_t)i);
		e = add(c, 0x80000002 + (uint32_t)i, 0, 0);
		e->eax = name[4 * i];
		e->ebx = name[4 * i + 1];
		e->ecx = name[4 * i + 2];
		e->edx = name[4 * i + 3];
	}
	raise_max(c, 0x80000000, 0x80000004);
}

static void amd(struct kvm_cpuid2 *c, const struct topology *t, uint32_t index,
		uint32_t id, bool nested)
{
	struct place p = topology_place(t, index);
	struct kvm_cpuid_entry2 *e = cpuid_find(c, 0x80000001, 0);
	uint32_t width = t->thread_width + t->core_width;

	if (e != NULL) {
		e->ecx |= TOPOEXT;
		e->ecx &= nested ? ~UINT32_C(0) : ~SVM;
		e->edx &= ~HIDDEN;
		e->ecx = t->per_socket > 1 ? e->ecx | CMP_LEGACY : e->ecx & ~CMP_LEGACY;
	}
	e = cpuid_find(c, 0x80000008, 0);
	if (e != NULL)
		e->ecx =
			set_bits(set_bits(e->ecx, 0, 8, t->per_socket - 1), 12, 4, width);
	caches(c, t, 0x8000001d);
	raise_max(c, 0x80000000, 0x8000001e);
	if (!nested)
		drop_leaf(c, 0x8000000a);
	drop_leaf(c, 0x8000001e);
	drop_leaf(c,
		  0x80000026); /* the host's own topology: Linux would believe it first */
	e = add(c, 0x8000001e, 0, 0);
	e->eax = id;
	e->ebx = (p.core & 0xff) | (t->threads - 1) << 8;
	e->ecx = p.socket &
		 0xff; /* node id; bits 10:8, nodes per package less one, stay 0 */
}

static void hypervisor(struct kvm_cpuid2 *c, const struct topology *t)
{
	struct kvm_cpuid_entry2 *e = cpuid_find(c, 0x40000001, 0);

	if (e != NULL && topology_max_apic_id(t) > APIC_ID_8BIT_MAX)
		e->eax |= MSI_EXT_DESTID;
	if (cpuid_find(c, 0x40000000, 0) != NULL)
		return;
	e = add(c, 0x40000000, 0, 0);
	e->eax = 0x40000001;
	memcpy(&e->ebx, "KVMK", 4);
	memcpy(&e->ecx, "VMKV", 4);
	memcpy(&e->edx, "M\0\0\0", 4);
}

void cpuid_make(struct kvm_cpuid2 *c, const struct topology *t, uint32_t index,
		const struct cpuid_choice *choice)
{
	uint32_t id = topology_apic_id(t, index), max_leaf = 0xb;
	struct kvm_cpuid_entry2 *e = cpuid_find(c, 0, 0);

	if (e != NULL && e->eax < max_leaf)
		e->eax = max_leaf;
	else if (e != NULL)
		max_leaf = e->eax;
	features(c, t, id, choice);
	model_name(c, choice->model);
	caches(c, t, 4);
	drop_leaf(c, 0xb);
	extended_topology(c, t, id, 0xb);
	drop_leaf(c, 0x1f);
	if (cpuid_is_amd(c))
		amd(c, t, index, id, choice->nested);
	else if (max_leaf >= 0x1f)
		extended_topology(c, t, id, 0x1f);
	hypervisor(c, t);
}
