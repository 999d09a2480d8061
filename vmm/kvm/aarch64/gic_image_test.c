#include "vmm/kvm/aarch64/gic_image.h"

#include <errno.h>
#include <linux/kvm.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/kvm/aarch64/gic.h"
#include "vmm/kvm/aarch64/vm.h"

#define GIC_FD 7
#define NCPUS  20 /* more than Aff0 has */

#define IIDR          0x1002043b
#define CTLR_AT_POWER 0x50
#define SGI_FRAME     0x10000

enum { PMR = 0xc230, BPR0 = 0xc643, AP0R0 = 0xc644, AP0R1 = 0xc645, AP1R0 = 0xc648 };
enum { AP1R1 = 0xc649, BPR1 = 0xc663, CTLR = 0xc664, SRE = 0xc665, GRP0 = 0xc666 };
enum { GRP1 = 0xc667, AP0R3 = 0xc647, AP1R3 = 0xc64b };

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): ld --wrap */
int __wrap_ioctl(int fd, unsigned long request, ...);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* Of the interrupts that all share, or that are a vCPU's own. */
struct bank {
	uint32_t group[3], config[6], priority[24], enabled[3], level[3], pending[3];
	uint32_t active[3], route[192];
};

/* A GICv3 as KVM has it. */
static struct {
	uint32_t iidr, ctlr;
	struct bank dist, cpu[NCPUS];
	uint64_t icc[NCPUS][0x1000]; /* from 0xc000 */
	bool few;                    /* priorities */
	int fail_at;                 /* the Nth call from now on */
	uint32_t order[4096];        /* registers that were set, of the distributor */
	unsigned norder;
} gic;

static int refuse(int err)
{
	errno = err;
	return -1;
}

static int word(uint32_t *reg, uint32_t *value, bool set)
{
	*(set ? reg : value) = *(set ? value : reg);
	return 0;
}

/* ISENABLER and the like: a write of ones to the first half, or to the second. */
static int bits(uint32_t *reg, uint32_t *value, bool set, bool clear)
{
	if (!set)
		*value = *reg;
	else if (clear)
		*reg &= ~*value;
	else
		*reg |= *value;
	return 0;
}

static int bank_reg(struct bank *b, uint32_t reg, uint32_t *value, bool set)
{
	assert_int_equal(reg % 4, 0);
	if (reg >= 0x6000 && reg < 0x6300)
		return (reg & 4) ? 0 : word(&b->route[(reg - 0x6000) / 4], value, set);
	if (reg >= 0x80 && reg < 0x8c)
		return word(&b->group[(reg - 0x80) / 4], value, set);
	if (reg >= 0x100 && reg < 0x10c)
		return bits(&b->enabled[(reg - 0x100) / 4], value, set, false);
	if (reg >= 0x180 && reg < 0x18c)
		return bits(&b->enabled[(reg - 0x180) / 4], value, set, true);
	if (reg >= 0x200 && reg < 0x20c)
		return word(&b->pending[(reg - 0x200) / 4], value, set);
	if (reg >= 0x300 && reg < 0x30c)
		return bits(&b->active[(reg - 0x300) / 4], value, set, false);
	if (reg >= 0x380 && reg < 0x38c)
		return bits(&b->active[(reg - 0x380) / 4], value, set, true);
	if (reg >= 0x400 && reg < 0x460)
		return word(&b->priority[(reg - 0x400) / 4], value, set);
	if (reg >= 0xc00 && reg < 0xc18)
		return word(&b->config[(reg - 0xc00) / 4], value, set);
	fail_msg("register 0x%x is not expected", reg);
	return -1;
}

static int dist_reg(uint32_t reg, uint32_t *value, bool set)
{
	if (set && gic.norder < 4096)
		gic.order[gic.norder++] = reg;
	if (set && reg > 8)
		assert_int_equal(gic.ctlr & 3, 0); /* off while it is loaded */
	if (reg == 0)
		return word(&gic.ctlr, value, set);
	if (reg == 8 && set)
		return *value == gic.iidr ? 0 : refuse(EINVAL);
	if (reg == 8)
		return word(&gic.iidr, value, set);
	assert_true(reg >= 0x6100 || (reg & 0x7f) != 0 || reg >= 0x400); /* shared */
	return bank_reg(&gic.dist, reg, value, set);
}

static int icc_reg(uint32_t cpu, uint32_t name, uint64_t *value, bool set)
{
	uint64_t *reg = &gic.icc[cpu][name - 0xc000];
	bool finer = (name > AP0R0 && name <= AP0R3) || (name > AP1R0 && name <= AP1R3);

	if (gic.few && finer)
		return refuse(EINVAL);
	if (name == SRE && set)
		return *value == 7 ? 0 : refuse(EINVAL);
	if (name == BPR1 && set && (gic.icc[cpu][CTLR - 0xc000] & 1))
		return 0; /* it is BPR0's then */
	*(set ? reg : value) = *(set ? value : reg);
	return 0;
}

static int attr(const struct kvm_device_attr *a, bool set)
{
	uint32_t affinity = (uint32_t)(a->attr >> 32), reg = (uint32_t)a->attr;
	uint32_t cpu = (affinity >> 8) * 16 + (affinity & 15);
	void *value;

	memcpy(&value, &a->addr, sizeof(value));
	assert_true(cpu < NCPUS);
	switch (a->group) {
	case KVM_DEV_ARM_VGIC_GRP_DIST_REGS:
		return dist_reg(reg, value, set);
	case KVM_DEV_ARM_VGIC_GRP_REDIST_REGS:
		return bank_reg(&gic.cpu[cpu], reg - SGI_FRAME, value, set);
	case KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS:
		return icc_reg(cpu, reg, value, set);
	case KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO:
		assert_true(reg % 32 == 0 && reg < GIC_INTRS);
		return word(&(reg == 0 ? &gic.cpu[cpu] : &gic.dist)->level[reg / 32],
			    value, set);
	default:
		return 0; /* where it stands, and that it is made */
	}
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (gic.fail_at > 0 && --gic.fail_at == 0)
		return refuse(EBUSY);
	if (request == KVM_CREATE_DEVICE) {
		((struct kvm_create_device *)arg)->fd = GIC_FD;
		return 0;
	}
	assert_int_equal(fd, GIC_FD);
	assert_true(request == KVM_SET_DEVICE_ATTR || request == KVM_GET_DEVICE_ATTR);
	return attr(arg, request == KVM_SET_DEVICE_ATTR);
}

struct fixture {
	struct topology topo;
	struct arch_vm arch;
	struct vm vm;
	struct vcpu_env env;
	struct vcpu cpu[NCPUS];
};

static void power_on(struct bank *b, uint32_t enabled)
{
	memset(b, 0, sizeof(*b));
	memset(b->group, 0xff, sizeof(b->group));
	b->enabled[0] = enabled;
}

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	memset(&gic, 0, sizeof(gic));
	gic.iidr = IIDR;
	gic.ctlr = CTLR_AT_POWER;
	power_on(&gic.dist, 0);
	for (int i = 0; i < NCPUS; i++) {
		power_on(&gic.cpu[i], 0xffff);
		gic.cpu[i].config[0] = 0xaaaaaaaa;
		gic.icc[i][SRE - 0xc000] = 7;
		gic.icc[i][CTLR - 0xc000] = 0x400;
		gic.icc[i][BPR1 - 0xc000] = 3;
	}
	assert_int_equal(topology_init(&f->topo, NCPUS, 1, 1), 0);
	f->arch.gic_fd = -1;
	f->vm.topo = &f->topo;
	f->vm.arch = &f->arch;
	f->env.vm = &f->vm;
	for (uint32_t i = 0; i < NCPUS; i++)
		f->cpu[i] = (struct vcpu){ .env = &f->env, .index = i };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	test_free(*state);
	return 0;
}

static void create(struct fixture *f)
{
	struct text why;

	assert_int_equal(gic_create(&f->vm, &why), 0);
}

/* A guest has used all that there is, but for what no write changes. */
static void spoil(int cpu)
{
	static const uint32_t regs[] = { PMR,   BPR0, AP0R0, AP1R0, BPR1,
					 AP0R1, GRP0, GRP1,  AP1R3 };

	memset(&gic.cpu[cpu], 0x5a, sizeof(gic.cpu[cpu]));
	memset(&gic.dist, 0x5a, sizeof(gic.dist));
	gic.ctlr |= 2;
	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
		gic.icc[cpu][regs[i] - 0xc000] ^= 0x11;
	gic.icc[cpu][CTLR - 0xc000] |= 3;
}

static void check_bank(const struct bank *now, const struct bank *new, size_t from,
		       size_t to)
{
	for (size_t i = from; i < to; i++) {
		assert_int_equal(now->group[i / 32], new->group[i / 32]);
		assert_int_equal(now->config[i / 16], new->config[i / 16]);
		assert_int_equal(now->priority[i / 4], new->priority[i / 4]);
		assert_int_equal(now->enabled[i / 32], new->enabled[i / 32]);
		assert_int_equal(now->level[i / 32], new->level[i / 32]);
		assert_int_equal(now->pending[i / 32], new->pending[i / 32]);
		assert_int_equal(now->active[i / 32], new->active[i / 32]);
		if (from >= 32)
			assert_int_equal(now->route[2 * i], new->route[2 * i]);
	}
}

static void what_a_guest_did_to_the_distributor_is_gone_after_a_reset(void **state)
{
	struct fixture *f = *state;
	struct bank new = gic.dist;

	create(f);
	spoil(0);
	assert_int_equal(gic_reset(&f->vm), 0);
	check_bank(&gic.dist, &new, 32, GIC_INTRS);
	assert_int_equal(gic.ctlr, CTLR_AT_POWER);
}

static void so_is_what_it_did_to_each_vcpus_own(void **state)
{
	struct fixture *f = *state;
	struct bank new = gic.cpu[0];
	uint64_t icc[0x1000];

	memcpy(icc, gic.icc[0], sizeof(icc));
	create(f);
	for (int i = 0; i < NCPUS; i++) {
		spoil(i);
		assert_int_equal(gic_reset(&f->vm), 0);
		assert_int_equal(gic_reset_vcpu(&f->cpu[i]), 0);
		check_bank(&gic.cpu[i], &new, 0, 32);
		assert_memory_equal(gic.icc[i], icc, sizeof(icc));
	}
}

static void it_is_off_first_and_on_last(void **state)
{
	struct fixture *f = *state;

	gic.ctlr |= 2; /* of a stream, it may be on */
	create(f);
	spoil(0);
	gic.norder = 0;
	assert_int_equal(gic_reset(&f->vm), 0);
	assert_int_equal(gic.order[0], 8); /* IIDR */
	assert_int_equal(gic.order[1], 0);
	assert_int_equal(gic.order[gic.norder - 1], 0);
	assert_int_equal(gic.ctlr & 2, 2);
}

static void a_host_with_few_priorities_resets_what_it_has(void **state)
{
	struct fixture *f = *state;

	gic.few = true;
	create(f);
	spoil(3);
	assert_int_equal(gic_reset_vcpu(&f->cpu[3]), 0);
	assert_int_equal(gic.icc[3][AP0R0 - 0xc000], 0);
}

static void what_kvm_does_not_take_back_is_refused_at_the_start(void **state)
{
	struct fixture *f = *state;
	struct text why;

	gic.icc[0][SRE - 0xc000] = 6;
	assert_int_equal(gic_create(&f->vm, &why), -EINVAL);
	assert_non_null(strstr(why.s, "cannot reset its GICv3"));
}

static void an_image_makes_another_vcpus_the_same(void **state)
{
	struct fixture *f = *state;
	struct gic_vcpu_image image;
	struct bank as_saved;

	create(f);
	spoil(1);
	gic.icc[1][CTLR - 0xc000] = 0x402;
	as_saved = gic.cpu[1];
	assert_int_equal(gic_save_vcpu(GIC_FD, topology_arch_id(&f->topo, 1), &image), 0);
	assert_int_equal(gic_load_vcpu(GIC_FD, topology_arch_id(&f->topo, 17), &image),
			 0);
	check_bank(&gic.cpu[17], &as_saved, 0, 32);
	assert_memory_equal(gic.icc[17], gic.icc[1], sizeof(gic.icc[1]));
}

static void whichever_call_fails_is_told(void **state)
{
	struct fixture *f = *state;
	struct text why;
	int n = 0, err;

	do {
		gic.fail_at = ++n;
		err = gic_create(&f->vm, &why);
		assert_true(err == 0 || err == -EBUSY);
	} while (err < 0);
	assert_true(n > 250);
	n = 0;
	do {
		gic.fail_at = ++n;
		err = gic_reset(&f->vm);
		err = err < 0 ? err : gic_reset_vcpu(&f->cpu[2]);
		assert_true(err == 0 || err == -EBUSY);
	} while (err < 0);
	gic.fail_at = 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_a_guest_did_to_the_distributor_is_gone_after_a_reset),
		TEST(so_is_what_it_did_to_each_vcpus_own),
		TEST(it_is_off_first_and_on_last),
		TEST(a_host_with_few_priorities_resets_what_it_has),
		TEST(what_kvm_does_not_take_back_is_refused_at_the_start),
		TEST(an_image_makes_another_vcpus_the_same),
		TEST(whichever_call_fails_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
