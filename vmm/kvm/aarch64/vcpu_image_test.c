#include "vmm/kvm/aarch64/vcpu_image.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/kvm/aarch64/vm.h"

/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): ld --wrap */
int __wrap_ioctl(int fd, unsigned long request, ...);

#define CORE(n, size) (KVM_REG_ARM64 | KVM_REG_ARM_CORE | (size) | (n))
#define PSTATE        CORE(0x42, KVM_REG_SIZE_U64)
#define V0            CORE(0x54, KVM_REG_SIZE_U128)
#define FPCR          CORE(0xd5, KVM_REG_SIZE_U32)
#define CCSIDR        (KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_DEMUX)

enum {
	HELD,     /* kept and written */
	UNLISTED, /* the same, and KVM does not list it */
	READ_OUT, /* KVM does not take it back */
	NOT_OURS, /* not even looked at */
};

static const struct {
	uint64_t id;
	int kind;
} regs[] = {
	{ PSTATE, HELD },
	{ V0, HELD },
	{ FPCR, HELD },
	{ ARM64_SYS_REG(3, 0, 1, 0, 0), HELD },  /* SCTLR_EL1 */
	{ ARM64_SYS_REG(3, 2, 0, 0, 0), HELD },  /* CSSELR_EL1 */
	{ ARM64_SYS_REG(3, 0, 14, 1, 0), HELD }, /* CNTKCTL_EL1 */
	{ ARM64_SYS_REG(2, 0, 0, 2, 2), HELD },  /* MDSCR_EL1 */
	{ ARM64_SYS_REG(3, 0, 5, 3, 0), READ_OUT },
	{ KVM_REG_ARM_TIMER_CTL, HELD },
	{ KVM_REG_ARM_TIMER_CVAL, HELD },
	{ KVM_REG_ARM_PTIMER_CTL, UNLISTED },
	{ KVM_REG_ARM_PTIMER_CVAL, UNLISTED },
	{ KVM_REG_ARM_TIMER_CNT, NOT_OURS },
	{ KVM_REG_ARM_PTIMER_CNT, NOT_OURS },
	{ ARM64_SYS_REG(3, 3, 14, 0, 6), NOT_OURS }, /* CNTVCTSS_EL0 */
	{ ARM64_SYS_REG(3, 0, 0, 0, 0), NOT_OURS },  /* MIDR_EL1 */
	{ ARM64_SYS_REG(3, 0, 0, 0, 5), NOT_OURS },  /* MPIDR_EL1 */
	{ ARM64_SYS_REG(3, 0, 0, 4, 0), NOT_OURS },  /* ID_AA64PFR0_EL1 */
	{ ARM64_SYS_REG(3, 3, 0, 0, 1), NOT_OURS },  /* CTR_EL0 */
	{ KVM_REG_ARM_PSCI_VERSION, NOT_OURS },
	{ KVM_REG_ARM_STD_BMAP, NOT_OURS },
	{ CCSIDR, NOT_OURS },
	{ KVM_REG_ARM64 | KVM_REG_SIZE_U2048 | KVM_REG_ARM64_SVE, NOT_OURS },
	{ KVM_REG_ARM64 | KVM_REG_SIZE_U64 | (0x3ff << KVM_REG_ARM_COPROC_SHIFT),
	  NOT_OURS },
};
#define NREGS (sizeof(regs) / sizeof(regs[0]))

/* By fd: vCPU 0 has those of a start. */
static unsigned char values[2][NREGS][16];

static int fail_at; /* this call from now on fails */

struct fixture {
	struct arch_vm arch;
	struct vm vm;
	struct vcpu_env env;
	struct vcpu vcpu[2];
};

static int reg_list(struct kvm_reg_list *list)
{
	uint64_t room = list->n;

	list->n = 0;
	for (size_t i = 0; i < NREGS; i++) {
		if (regs[i].kind == UNLISTED)
			continue;
		if (list->n < room)
			list->reg[list->n] = regs[i].id;
		list->n++;
	}
	errno = E2BIG;
	return list->n <= room ? 0 : -1;
}

static int one_reg(int fd, const struct kvm_one_reg *r, bool set)
{
	size_t len = (size_t)1 << ((r->id & KVM_REG_SIZE_MASK) >> KVM_REG_SIZE_SHIFT), i;
	void *user;

	memcpy(&user, &r->addr, sizeof(user));
	for (i = 0; regs[i].id != r->id; i++)
		assert_true(i + 1 < NREGS);
	assert_int_not_equal(regs[i].kind, NOT_OURS);
	if (set && regs[i].kind == READ_OUT) {
		errno = EINVAL;
		return -1;
	}
	if (set)
		memcpy(values[fd][i], user, len);
	else
		memcpy(user, values[fd][i], len);
	return 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (fail_at > 0 && --fail_at == 0) {
		errno = EIO;
		return -1;
	}
	if (request == KVM_GET_REG_LIST)
		return reg_list(arg);
	assert_true(request == KVM_GET_ONE_REG || request == KVM_SET_ONE_REG);
	return one_reg(fd, arg, request == KVM_SET_ONE_REG);
}

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->vm.arch = &f->arch;
	f->env.vm = &f->vm;
	for (int cpu = 0; cpu < 2; cpu++) {
		f->vcpu[cpu].env = &f->env;
		f->vcpu[cpu].fd = cpu;
		for (size_t i = 0; i < NREGS; i++)
			memset(values[cpu][i], cpu == 0 ? (int)i + 1 : 0xee, 16);
	}
	fail_at = 0;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	vcpu_image_free(f->arch.image);
	test_free(f);
	return 0;
}

static void what_a_start_sets_is_written_and_nothing_else(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(vcpu_image_keep(&f->vm, &f->vcpu[0]), 0);
	assert_int_equal(vcpu_image_write(&f->vcpu[1]), 0);
	for (size_t i = 0; i < NREGS; i++) {
		int want = regs[i].kind <= UNLISTED ? (int)i + 1 : 0xee;

		assert_int_equal(values[1][i][0], want);
		assert_int_equal(values[0][i][0], i + 1);
	}
	assert_int_equal(values[1][1][15], 2); /* 128 bits of it */
	assert_int_equal(values[1][2][3], 3);  /* 32 bits */
	assert_int_equal(values[1][2][4], 0xee);
}

static void it_is_that_of_the_first_vcpu(void **state)
{
	struct fixture *f = *state;
	const struct vcpu_image *first;

	assert_int_equal(vcpu_image_keep(&f->vm, &f->vcpu[0]), 0);
	first = f->arch.image;
	assert_int_equal(vcpu_image_keep(&f->vm, &f->vcpu[1]), 0);
	assert_ptr_equal(f->arch.image, first);
}

static void a_host_that_fails_leaves_no_image(void **state)
{
	struct fixture *f = *state;
	int n = 0, err;

	do {
		fail_at = ++n;
		err = vcpu_image_keep(&f->vm, &f->vcpu[0]);
		assert_true(err == 0 || (err == -EIO && f->arch.image == NULL));
	} while (err < 0);
	fail_at = 0;
	assert_int_equal(n,
			 2 + 2 * 12 + 1); /* the list, 11 that are held, one that not */
	for (n = 1; n <= 11; n++) {
		fail_at = n;
		assert_int_equal(vcpu_image_write(&f->vcpu[1]), -EIO);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_a_start_sets_is_written_and_nothing_else, setup, teardown),
		cmocka_unit_test_setup_teardown(it_is_that_of_the_first_vcpu, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_host_that_fails_leaves_no_image, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
