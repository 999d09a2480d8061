#include "vmm/kvm/x86_64/vcpu_image.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/kvm/arch.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/x86_64/cpuid.h"
#include "vmm/kvm/x86_64/msrs.h"
#include "vmm/kvm/x86_64/power_on.h"
#include "vmm/kvm/x86_64/vm.h"

#define NCPUS    3
#define KVM_FD   100
#define VM_FD    101
#define MSRS_MAX 600

#define TSC           0x10
#define TSC_ADJUST    0x3b
#define MISC_ENABLE   0x1a0
#define DEBUGCTL      0x1d9
#define HYPERV        0x40000000
#define STEAL_TIME    0x4b564d03
#define MTRR_DEF_TYPE 0x2ff
#define MANY          0x5000 /* and as many as one call does not take */
#define NMANY         300

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): ld --wrap */
int __wrap_ioctl(int fd, unsigned long request, ...);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

struct msr {
	uint32_t index;
	uint64_t value;
	bool unlisted, no_get, no_set;
	unsigned gets, sets; /* tried */
};

struct cpu {
	struct kvm_sregs sregs;
	struct kvm_lapic_state lapic;
	struct kvm_vcpu_events events;
	struct kvm_regs regs;
	struct kvm_xcrs xcrs;
	struct kvm_debugregs debugregs;
	struct kvm_mp_state mp_state;
	uint32_t xsave[sizeof(struct kvm_xsave) / sizeof(uint32_t)];
	struct kvm_nested_state nested;
	uint32_t nmsrs;
	struct msr msr[MSRS_MAX];
};

#define PARTS_LEN (offsetof(struct cpu, xsave) + sizeof(struct kvm_xsave))

/* A KVM whose vCPUs have registers, by fd, which is the index. */
static struct {
	struct cpu cpu[NCPUS];
	bool no_xcrs, no_nested;
	struct kvm_irqchip chip[3];
	unsigned long order[64]; /* of what was set since it was 0 */
	unsigned norder;
	int fail_at; /* the Nth call from now on */
} kvm;

static bool fails(void)
{
	return kvm.fail_at > 0 && --kvm.fail_at == 0;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

static struct msr *find(struct cpu *c, uint32_t index)
{
	for (uint32_t i = 0; i < c->nmsrs; i++)
		if (c->msr[i].index == index)
			return &c->msr[i];
	return NULL;
}

static struct msr *msr_of(int cpu, uint32_t index)
{
	struct msr *r = find(&kvm.cpu[cpu], index);

	assert_non_null(r);
	return r;
}

static int msrs_io(struct cpu *c, struct kvm_msrs *m, bool set)
{
	assert_true(m->nmsrs < 256);
	for (uint32_t i = 0; i < m->nmsrs; i++) {
		struct msr *r = find(c, m->entries[i].index);

		if (r != NULL)
			(*(set ? &r->sets : &r->gets))++;
		if (r == NULL || (set ? r->no_set : r->no_get))
			return (int)i;
		if (set)
			r->value = m->entries[i].data;
		else
			m->entries[i].data = r->value;
	}
	return (int)m->nmsrs;
}

static int index_list(struct kvm_msr_list *list)
{
	const struct cpu *c = &kvm.cpu[0];
	uint32_t room = list->nmsrs, n = 0;

	for (uint32_t i = 0; i < c->nmsrs; i++) {
		if (c->msr[i].unlisted)
			continue;
		if (n < room)
			list->indices[n] = c->msr[i].index;
		n++;
	}
	list->nmsrs = n;
	errno = E2BIG;
	return n > room ? -1 : 0;
}

static int copy(void *reg, void *arg, size_t len, bool set)
{
	memcpy(set ? reg : arg, set ? arg : reg, len);
	return 0;
}

static int refuse(int err)
{
	errno = err;
	return -1;
}

#define REGISTER(name, member)                                                           \
	case KVM_GET_##name:                                                             \
		return copy(&c->member, arg, sizeof(c->member), false);                  \
	case KVM_SET_##name:                                                             \
		return copy(&c->member, arg, sizeof(c->member), true)

static int vcpu_ioctl(struct cpu *c, unsigned long request, void *arg)
{
	switch (request) {
		REGISTER(SREGS, sregs);
		REGISTER(LAPIC, lapic);
		REGISTER(VCPU_EVENTS, events);
		REGISTER(REGS, regs);
		REGISTER(DEBUGREGS, debugregs);
		REGISTER(MP_STATE, mp_state);
		REGISTER(XSAVE, xsave);
	case KVM_GET_XCRS:
		return copy(&c->xcrs, arg, sizeof(c->xcrs), false);
	case KVM_SET_XCRS: /* as KVM does where the host has no XSAVE */
		return kvm.no_xcrs ? refuse(EINVAL)
				   : copy(&c->xcrs, arg, sizeof(c->xcrs), true);
	case KVM_GET_NESTED_STATE:
		if (c->nested.size > ((struct kvm_nested_state *)arg)->size)
			return refuse(E2BIG);
		return kvm.no_nested ? refuse(EINVAL)
				     : copy(&c->nested, arg, sizeof(c->nested), false);
	case KVM_SET_NESTED_STATE:
		return copy(&c->nested, arg, sizeof(c->nested), true);
	case KVM_GET_MSRS:
		return msrs_io(c, arg, false);
	case KVM_SET_MSRS:
		return msrs_io(c, arg, true);
	default:
		fail_msg("ioctl 0x%lx is not expected", request);
		return -1;
	}
}

static int chip_ioctl(unsigned long request, void *arg)
{
	struct kvm_irqchip *chip = arg;

	assert_true(request == KVM_GET_IRQCHIP || request == KVM_SET_IRQCHIP);
	return copy(&kvm.chip[chip->chip_id], chip, sizeof(*chip),
		    request == KVM_SET_IRQCHIP);
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (fails())
		return refuse(EIO);
	if (kvm.norder < 64)
		kvm.order[kvm.norder++] = request;
	if (fd == KVM_FD)
		return index_list(arg);
	if (fd == VM_FD)
		return chip_ioctl(request, arg);
	return vcpu_ioctl(&kvm.cpu[fd], request, arg);
}

static void add_msr(uint32_t index, uint64_t value, bool unlisted)
{
	for (int i = 0; i < NCPUS; i++)
		kvm.cpu[i].msr[kvm.cpu[i].nmsrs++] = (struct msr){ .index = index,
								   .value = value,
								   .unlisted = unlisted };
}

static void power_on_cpu(int i)
{
	struct cpu *c = &kvm.cpu[i];

	memset(&c->regs, 0x11, sizeof(c->regs));
	memset(&c->sregs, 0x22, sizeof(c->sregs));
	memset(&c->lapic, 0x33, sizeof(c->lapic));
	memset(&c->events, 0x44, sizeof(c->events));
	memset(&c->debugregs, 0x55, sizeof(c->debugregs));
	memset(&c->xsave, 0xff, sizeof(c->xsave));
	c->sregs.apic_base = 0xfee00800;
	c->nested.size = sizeof(c->nested);
	memset(c->lapic.regs + 0x20, 0, 4);
	c->lapic.regs[0x23] = (char)i;
	c->mp_state.mp_state =
		i == 0 ? KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_UNINITIALIZED;
}

struct fixture {
	struct topology topo;
	struct arch_vm arch;
	struct vm vm;
	struct vcpu_env env;
	struct vcpu cpu[NCPUS];
	struct kvm_cpuid2 *cpuid;
	struct cpu new[NCPUS]; /* as they were at power-on */
};

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	memset(&kvm, 0, sizeof(kvm));
	for (int i = 0; i < NCPUS; i++)
		power_on_cpu(i);
	add_msr(0xc0000081, 0, false); /* STAR */
	add_msr(TSC, 1234, false);
	add_msr(TSC_ADJUST, 0, false);
	add_msr(MISC_ENABLE, 0x1800, false);
	add_msr(0x3a, 0, false);  /* FEAT_CTL */
	add_msr(0x277, 7, false); /* PAT */
	add_msr(HYPERV, 0, false);
	add_msr(HYPERV + 0x1ff, 0, false);
	add_msr(STEAL_TIME, 0, false);
	for (uint32_t i = 0; i < NMANY; i++)
		add_msr(MANY + i, i, false);
	add_msr(DEBUGCTL, 0, true);
	add_msr(MTRR_DEF_TYPE, 0, true);
	assert_int_equal(topology_init(&f->topo, NCPUS, 1, 1), 0);
	f->cpuid = test_calloc(1, sizeof(*f->cpuid) + sizeof(f->cpuid->entries[0]));
	f->cpuid->nent = 1;
	f->arch.cpuid = f->cpuid;
	f->vm = (struct vm){
		.kvm_fd = KVM_FD, .vm_fd = VM_FD, .topo = &f->topo, .arch = &f->arch
	};
	f->env.vm = &f->vm;
	for (int i = 0; i < NCPUS; i++)
		f->cpu[i] =
			(struct vcpu){ .env = &f->env, .index = (uint32_t)i, .fd = i };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	kvm.fail_at = 0;
	power_on_destroy(f->arch.power_on);
	test_free(f->cpuid);
	test_free(f);
	return 0;
}

static int make_all(struct fixture *f)
{
	int err = power_on_save_vm(&f->vm);

	for (int i = 0; i < NCPUS && err == 0; i++)
		err = power_on_save_vcpu(&f->cpu[i]);
	memcpy(f->new, kvm.cpu, sizeof(kvm.cpu));
	return err;
}

/* A guest has used all that there is. */
static void spoil(int i)
{
	struct cpu *c = &kvm.cpu[i];

	memset(c, 0xab, PARTS_LEN);
	c->nested.flags = 1;
	for (uint32_t m = 0; m < c->nmsrs; m++)
		c->msr[m].value += 5;
}

static bool is_left_alone(uint32_t index)
{
	return index == TSC || index == TSC_ADJUST ||
	       (index >= HYPERV && index < HYPERV + 0x200);
}

static void check_as_new(const struct fixture *f, int i)
{
	const struct cpu *c = &kvm.cpu[i], *new = &f->new[i];

	assert_memory_equal(c, new, PARTS_LEN);
	assert_memory_equal(&c->nested, &new->nested, sizeof(c->nested));
	for (uint32_t m = 0; m < c->nmsrs; m++)
		assert_int_equal(c->msr[m].value,
				 new->msr[m].value +
					 (is_left_alone(c->msr[m].index) ? 5 : 0));
}

static void all_that_a_guest_changed_is_back_after_a_reset(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(make_all(f), 0);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < NCPUS; i++) {
			memcpy(&kvm.cpu[i], &f->new[i], sizeof(kvm.cpu[i]));
			spoil(i);
			assert_int_equal(arch_vcpu_reset(&f->cpu[i]), 0);
			check_as_new(f, i);
		}
}

static void what_is_left_alone_is_not_even_looked_at(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(make_all(f), 0);
	spoil(0);
	assert_int_equal(arch_vcpu_reset(&f->cpu[0]), 0);
	assert_int_equal(msr_of(0, HYPERV)->gets + msr_of(0, HYPERV)->sets, 0);
	assert_int_equal(msr_of(0, HYPERV + 0x1ff)->gets, 0);
	assert_int_equal(msr_of(0, TSC)->sets + msr_of(0, TSC_ADJUST)->sets, 0);
}

static void what_can_be_read_and_not_written_is_left_out_from_the_start(void **state)
{
	struct fixture *f = *state;
	struct msr *first = msr_of(0, MANY), *last = msr_of(0, MANY + NMANY - 1);

	first->no_set = last->no_set = true;
	msr_of(0, MANY + 3)->no_get = true;
	assert_int_equal(make_all(f), 0);
	assert_int_equal(first->sets + last->sets, 2); /* tried */
	assert_int_equal(msr_of(1, MANY)->sets, 0);
	spoil(0);
	assert_int_equal(arch_vcpu_reset(&f->cpu[0]), 0);
	assert_int_equal(first->sets + last->sets, 2);
	assert_int_equal(msr_of(0, MANY + 3)->sets, 0);
	assert_int_equal(msr_of(0, MANY + 1)->value, 1);
	assert_int_equal(msr_of(0, MANY + 4)->value, 4);
}

static void a_host_without_xsave_or_nested_guests_resets_the_rest(void **state)
{
	struct fixture *f = *state;

	kvm.no_xcrs = kvm.no_nested = true;
	assert_int_equal(make_all(f), 0);
	for (int i = 0; i < NCPUS; i++) {
		spoil(i);
		kvm.cpu[i].xcrs = f->new[i].xcrs;
		kvm.cpu[i].nested = f->new[i].nested;
		assert_int_equal(arch_vcpu_reset(&f->cpu[i]), 0);
		check_as_new(f, i);
	}
}

/* Some writes fill the host's log. */
static void what_the_guest_left_as_it_was_is_not_written(void **state)
{
	struct fixture *f = *state;
	unsigned tried;

	assert_int_equal(make_all(f), 0);
	tried = msr_of(0, STEAL_TIME)->sets;
	msr_of(0, MANY + 7)->value = 1000;
	assert_int_equal(arch_vcpu_reset(&f->cpu[0]), 0);
	assert_int_equal(msr_of(0, STEAL_TIME)->sets, tried);
	assert_int_equal(msr_of(0, MANY + 7)->value, 7);
}

static void what_kvm_lacks_on_its_list_is_for_intel_alone(void **state)
{
	struct fixture *f = *state;

	memcpy(&f->cpuid->entries[0].ebx, "Auth", 4);
	memcpy(&f->cpuid->entries[0].edx, "enti", 4);
	memcpy(&f->cpuid->entries[0].ecx, "cAMD", 4);
	assert_int_equal(make_all(f), 0);
	spoil(1);
	assert_int_equal(arch_vcpu_reset(&f->cpu[1]), 0);
	assert_int_equal(msr_of(1, DEBUGCTL)->value, 5);
	assert_int_equal(msr_of(1, DEBUGCTL)->gets + msr_of(0, DEBUGCTL)->sets, 0);
	assert_int_equal(msr_of(1, MTRR_DEF_TYPE)->value, 0);
}

static void one_that_kvm_refuses_later_keeps_no_other(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(make_all(f), 0);
	spoil(2);
	msr_of(2, 0x3a)->no_set = true;
	assert_int_equal(arch_vcpu_reset(&f->cpu[2]), 0); /* and the log has a line */
	assert_int_equal(msr_of(2, 0x3a)->value, 5);
	assert_int_equal(msr_of(2, 0x277)->value, 7);
	assert_int_equal(kvm.cpu[2].mp_state.mp_state, KVM_MP_STATE_UNINITIALIZED);
}

static void fast_strings_are_on_for_each_cpu_and_after_each_reset(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(make_all(f), 0);
	for (int i = 0; i < NCPUS; i++) {
		assert_int_equal(msr_of(i, MISC_ENABLE)->value, 0x1801);
		msr_of(i, MISC_ENABLE)->value = 0x1800;
		assert_int_equal(arch_vcpu_reset(&f->cpu[i]), 0);
		assert_int_equal(msr_of(i, MISC_ENABLE)->value, 0x1801);
	}
}

static unsigned when(unsigned long request)
{
	for (unsigned i = 0; i < kvm.norder; i++)
		if (kvm.order[i] == request)
			return i;
	fail_msg("ioctl 0x%lx was not called", request);
	return 0;
}

static void parts_go_back_in_the_order_that_kvm_wants(void **state)
{
	static const unsigned long order[] = {
		KVM_SET_NESTED_STATE, KVM_SET_SREGS,       KVM_SET_LAPIC,
		KVM_SET_MSRS,         KVM_SET_VCPU_EVENTS, KVM_SET_MP_STATE,
	};
	struct fixture *f = *state;

	assert_int_equal(make_all(f), 0);
	spoil(1);
	kvm.norder = 0;
	assert_int_equal(arch_vcpu_reset(&f->cpu[1]), 0);
	for (unsigned i = 1; i < sizeof(order) / sizeof(order[0]); i++)
		assert_true(when(order[i - 1]) < when(order[i]));
	assert_true(when(KVM_SET_REGS) < when(KVM_SET_VCPU_EVENTS));
}

static void the_apic_id_stands_where_its_mode_has_it(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < NCPUS; i++) {
		kvm.cpu[i].sregs.apic_base |= X2APIC_ON;
		memset(kvm.cpu[i].lapic.regs + 0x20, 0, 4);
		kvm.cpu[i].lapic.regs[0x20] = (char)i;
	}
	f->arch.x2apic = true;
	assert_int_equal(make_all(f), 0);
	spoil(2);
	assert_int_equal(arch_vcpu_reset(&f->cpu[2]), 0);
	check_as_new(f, 2);
}

static void a_vcpu_with_a_guest_of_its_own_is_not_saved(void **state)
{
	struct fixture *f = *state;
	struct kvm_msrs none = { 0 };
	struct vcpu_image *image = vcpu_image_new(&none);

	(void)f;
	kvm.cpu[1].nested.size += 4096;
	assert_int_equal(vcpu_image_save(1, image), -E2BIG);
	free(image);
}

static void an_image_makes_another_vcpu_the_same(void **state)
{
	struct fixture *f = *state;
	struct vcpu_image *image, *copy_of;
	struct kvm_msrs *list;
	uint32_t refused;

	assert_int_equal(make_all(f), 0);
	assert_int_equal(msrs_list(KVM_FD, false, &list), 0);
	image = vcpu_image_new(list);
	spoil(1);
	kvm.cpu[1].xsave[128] |= 3;
	assert_int_equal(vcpu_image_save(1, image), 0);
	copy_of = vcpu_image_copy(image);
	assert_int_equal(vcpu_image_load(2, copy_of, &refused), 0);
	assert_int_equal(refused, 0);
	assert_memory_equal(&kvm.cpu[2], &kvm.cpu[1], PARTS_LEN);
	assert_int_equal(kvm.cpu[2].nested.flags, 1);
	for (uint32_t m = 0; m < kvm.cpu[1].nmsrs; m++)
		if (!is_left_alone(kvm.cpu[1].msr[m].index))
			assert_int_equal(kvm.cpu[2].msr[m].value,
					 kvm.cpu[1].msr[m].value);
	free(copy_of);
	free(image);
	free(list);
}

static void whichever_call_fails_is_told_and_can_be_tried_again(void **state)
{
	struct fixture *f = *state;
	int n = 0, err;

	do {
		power_on_destroy(f->arch.power_on);
		f->arch.power_on = NULL;
		kvm.fail_at = ++n;
		err = make_all(f);
		assert_true(err == 0 || err == -EIO || err == -ENOMEM);
	} while (kvm.fail_at == 0);
	assert_int_equal(err, 0);
	assert_true(n > 40);
	kvm.fail_at = 0;
	power_on_destroy(f->arch.power_on);
	assert_int_equal(make_all(f), 0);
	n = 0;
	do {
		memcpy(&kvm.cpu[1], &f->new[1], sizeof(kvm.cpu[1]));
		spoil(1);
		kvm.fail_at = ++n;
		err = arch_vcpu_reset(&f->cpu[1]);
		assert_true((kvm.fail_at == 0) == (err == -EIO));
	} while (err < 0);
	kvm.fail_at = 0;
	assert_true(n > 10);
	check_as_new(f, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_that_a_guest_changed_is_back_after_a_reset),
		TEST(what_is_left_alone_is_not_even_looked_at),
		TEST(what_can_be_read_and_not_written_is_left_out_from_the_start),
		TEST(a_host_without_xsave_or_nested_guests_resets_the_rest),
		TEST(what_the_guest_left_as_it_was_is_not_written),
		TEST(what_kvm_lacks_on_its_list_is_for_intel_alone),
		TEST(one_that_kvm_refuses_later_keeps_no_other),
		TEST(fast_strings_are_on_for_each_cpu_and_after_each_reset),
		TEST(parts_go_back_in_the_order_that_kvm_wants),
		TEST(the_apic_id_stands_where_its_mode_has_it),
		TEST(a_vcpu_with_a_guest_of_its_own_is_not_saved),
		TEST(an_image_makes_another_vcpu_the_same),
		TEST(whichever_call_fails_is_told_and_can_be_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
