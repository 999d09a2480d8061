#include "vmm/kvm/x86_64/cpuid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define NHOST 13

static struct cpuid_choice choice = { .tsc_deadline = true, .model = { 1, 2, 3, 4, 5 } };

/* A host's list: more cores and threads than any guest here, and topology of its own. */
static struct kvm_cpuid2 *host_list(const char *vendor)
{
	static const struct kvm_cpuid_entry2 e[NHOST] = {
		{ .function = 0, .eax = 0x20 },
		{ .function = 1, .ebx = 0x37400800, .ecx = 1 << 5, .edx = 0x178bfbff },
		{ .function = 4, .index = 0, .flags = 1, .eax = 0x7c1fc121 }, /* L1d */
		{ .function = 4, .index = 3, .flags = 1, .eax = 0x7dffc163 }, /* L3 */
		{ .function = 4, .index = 4, .flags = 1 },
		{ .function = 0xb, .index = 0, .flags = 1, .eax = 9, .edx = 77 },
		{ .function = 0x1f, .index = 0, .flags = 1, .eax = 9, .edx = 77 },
		{ .function = 0x80000000, .eax = 0x80000008 },
		{ .function = 0x80000001, .ecx = 1 << 2, .edx = 0x178bfbff },
		{ .function = 0x8000000a, .eax = 1, .ebx = 8 },
		{ .function = 0x80000008, .ecx = 0x707f },
		{ .function = 0x8000001d, .index = 3, .flags = 1, .eax = 0x1fc163 },
		{ .function = 0x80000026, .index = 0, .flags = 1, .eax = 5 },
	};
	struct kvm_cpuid2 *c = test_calloc(1, sizeof(*c) + (NHOST + CPUID_EXTRA) *
								   sizeof(c->entries[0]));

	memcpy(c->entries, e, sizeof(e));
	c->nent = NHOST;
	memcpy(&c->entries[0].ebx, vendor, 4);
	memcpy(&c->entries[0].edx, vendor + 4, 4);
	memcpy(&c->entries[0].ecx, vendor + 8, 4);
	return c;
}

static const struct {
	uint32_t sockets, cores, threads;
} shapes[] = { { 8, 1, 1 }, { 2, 2, 2 }, { 3, 3, 2 },
	       { 4, 6, 1 }, { 1, 1, 2 }, { 300, 1, 1 } };

#define NSHAPES (sizeof(shapes) / sizeof(shapes[0]))

static void check_extended(struct kvm_cpuid2 *c, const struct topology *t, uint32_t i,
			   uint32_t leaf)
{
	const struct kvm_cpuid_entry2 *e = cpuid_find(c, leaf, 0);

	assert_int_equal(e->eax, t->thread_width);
	assert_int_equal(e->ebx, t->threads);
	assert_int_equal(e->ecx, 0x100);
	assert_int_equal(e->edx, topology_apic_id(t, i));
	e = cpuid_find(c, leaf, 1);
	assert_int_equal(e->eax, t->thread_width + t->core_width);
	assert_int_equal(e->ebx, t->per_socket);
	assert_int_equal(e->ecx, 0x201);
	e = cpuid_find(c, leaf, 2);
	assert_int_equal(e->eax | e->ebx, 0);
	assert_int_equal(e->ecx, 2);
}

/* The same list serves for one vCPU after the other, as in a VM. */
static void for_each_vcpu(const char *vendor,
			  void (*check)(struct kvm_cpuid2 *, const struct topology *,
					uint32_t))
{
	for (size_t k = 0; k < NSHAPES; k++) {
		struct kvm_cpuid2 *c = host_list(vendor);
		struct topology t;

		assert_int_equal(topology_init(&t, shapes[k].sockets, shapes[k].cores,
					       shapes[k].threads),
				 0);
		for (uint32_t i = 0; i < t.max_vcpus; i++) {
			cpuid_make(c, &t, i, &choice);
			assert_true(c->nent <= NHOST + CPUID_EXTRA);
			check(c, &t, i);
		}
		test_free(c);
	}
}

static void check_both(struct kvm_cpuid2 *c, const struct topology *t, uint32_t i)
{
	const struct kvm_cpuid_entry2 *e = cpuid_find(c, 1, 0);

	assert_int_equal(e->ebx >> 24, topology_apic_id(t, i) & 0xff);
	assert_int_equal(e->ebx >> 16 & 0xff, 1u << (t->thread_width + t->core_width));
	assert_int_equal(e->ebx & 0xffff, 0x0800); /* CLFLUSH size: the host's */
	assert_int_equal(e->ecx, UINT32_C(1) << 31 | 1 << 24 | 1 << 21);
	assert_int_equal(e->edx, 0x078aab7f | (t->per_socket > 1 ? 1 << 28 : 0));
	assert_true(cpuid_find(c, 0x80000000, 0)->eax >= 0x80000004);
	assert_int_equal(cpuid_find(c, 0x80000002, 0)->edx, 4);
	assert_int_equal(cpuid_find(c, 0x80000003, 0)->eax, 5);
	assert_int_equal(cpuid_find(c, 0x80000004, 0)->edx, 0);
	check_extended(c, t, i, 0xb);
	assert_non_null(cpuid_find(c, 0x40000000, 0));
}

static void check_intel(struct kvm_cpuid2 *c, const struct topology *t, uint32_t i)
{
	const struct kvm_cpuid_entry2 *e = cpuid_find(c, 4, 0);

	check_both(c, t, i);
	check_extended(c, t, i, 0x1f);
	assert_int_equal(e->eax >> 14 & 0xfff, (1u << t->thread_width) - 1);
	assert_int_equal(e->eax >> 26, (1u << t->core_width) - 1);
	e = cpuid_find(c, 4, 3);
	assert_int_equal(e->eax >> 14 & 0xfff,
			 (1u << (t->thread_width + t->core_width)) - 1);
	assert_int_equal(e->eax & 0x3fff, 0x163);
}

static void check_amd(struct kvm_cpuid2 *c, const struct topology *t, uint32_t i)
{
	struct place p = topology_place(t, i);
	const struct kvm_cpuid_entry2 *e;

	check_both(c, t, i);
	assert_null(cpuid_find(c, 0x1f, 0));
	assert_null(cpuid_find(c, 0x80000026, 0));
	e = cpuid_find(c, 0x80000001, 0);
	assert_int_equal(e->ecx & 0x2, t->per_socket > 1 ? 2 : 0);
	assert_int_equal(e->ecx >> 22 & 1, 1);
	assert_int_equal(e->ecx & 1 << 2, 0);
	assert_null(cpuid_find(c, 0x8000000a, 0));
	assert_int_equal(e->edx, 0x178aab7f);
	e = cpuid_find(c, 0x80000008, 0);
	assert_int_equal(e->ecx & 0xff, t->per_socket - 1);
	assert_int_equal(e->ecx >> 12 & 0xf, t->thread_width + t->core_width);
	e = cpuid_find(c, 0x8000001e, 0);
	assert_int_equal(e->eax, topology_apic_id(t, i));
	assert_int_equal(e->ebx, p.core | (t->threads - 1) << 8);
	assert_int_equal(e->ecx,
			 p.socket & 0xff); /* one node per package, whatever the number */
	e = cpuid_find(c, 0x8000001d, 3);
	assert_int_equal(e->eax >> 14 & 0xfff,
			 (1u << (t->thread_width + t->core_width)) - 1);
	assert_true(cpuid_find(c, 0x80000000, 0)->eax >= 0x8000001e);
}

static void intel_hosts(void **state)
{
	(void)state;
	for_each_vcpu("GenuineIntel", check_intel);
}

static void amd_hosts(void **state)
{
	(void)state;
	for_each_vcpu("AuthenticAMD", check_amd);
}

static void ids_above_254_need_the_extended_destination(void **state)
{
	struct kvm_cpuid2 *c = host_list("AuthenticAMD");
	struct topology t;

	(void)state;
	c->entries[c->nent++] =
		(struct kvm_cpuid_entry2){ .function = 0x40000001, .eax = 1 };
	assert_int_equal(topology_init(&t, 255, 1, 1), 0);
	cpuid_make(c, &t, 0, &choice);
	assert_int_equal(cpuid_find(c, 0x40000001, 0)->eax, 1);
	assert_int_equal(topology_init(&t, 256, 1, 1), 0);
	cpuid_make(c, &t, 0, &choice);
	assert_int_equal(cpuid_find(c, 0x40000001, 0)->eax, 1 | 1 << 15);
	test_free(c);
}

/* A guest that may be a host has what its host gives. */
static void nested_virtualisation_is_for_the_asking(void **state)
{
	struct cpuid_choice nested = choice;
	struct topology t;

	(void)state;
	nested.nested = true;
	assert_int_equal(topology_init(&t, 2, 1, 1), 0);
	for (int is_amd = 0; is_amd < 2; is_amd++) {
		struct kvm_cpuid2 *c =
			host_list(is_amd ? "AuthenticAMD" : "GenuineIntel");

		cpuid_make(c, &t, 1, &nested);
		assert_int_equal(cpuid_find(c, 1, 0)->ecx & 1 << 5, 1 << 5);
		assert_int_equal(cpuid_find(c, 0x80000001, 0)->ecx & 1 << 2, 1 << 2);
		assert_non_null(cpuid_find(c, 0x8000000a, 0));
		assert_true(cpuid_has_nested(c));
		test_free(c);
	}
}

static void a_host_that_has_neither_vmx_nor_svm_has_nothing_to_give(void **state)
{
	struct kvm_cpuid2 *c = host_list("GenuineIntel");

	(void)state;
	cpuid_find(c, 1, 0)->ecx = ~(UINT32_C(1) << 5);
	cpuid_find(c, 0x80000001, 0)->ecx = UINT32_C(1) << 2;
	assert_true(cpuid_has_nested(c));
	cpuid_find(c, 0x80000001, 0)->ecx = ~(UINT32_C(1) << 2);
	assert_false(cpuid_has_nested(c));
	cpuid_find(c, 1, 0)->ecx = UINT32_C(1) << 5;
	assert_true(cpuid_has_nested(c));
	test_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intel_hosts),
		cmocka_unit_test(amd_hosts),
		cmocka_unit_test(ids_above_254_need_the_extended_destination),
		cmocka_unit_test(nested_virtualisation_is_for_the_asking),
		cmocka_unit_test(a_host_that_has_neither_vmx_nor_svm_has_nothing_to_give),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
