#include "vmm/kvm/aarch64/psci.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/kvm/aarch64/reg.h"
#include "vmm/kvm/aarch64/vcpu_image.h"
#include "vmm/kvm/aarch64/vm.h"

#define NCPUS        20 /* more than Aff0 has */
#define ENTRY        UINT64_C(0x40200000)
#define SCTLR        ARM64_SYS_REG(3, 0, 1, 0, 0)
#define RESET_SCTLR  UINT64_C(0xc50078)
#define PAGING_SCTLR UINT64_C(0xc50079)

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): ld --wrap */
int __wrap_ioctl(int fd, unsigned long request, ...);
int __real_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *),
			  void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *),
			  void *arg);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* A KVM whose vCPUs have registers and a state, by fd, which is the index. */
static struct {
	uint64_t x[4], pc, sctlr;
	uint32_t mp_state, inits;
	atomic_uint writes; /* of SCTLR, which is in the image */
} kvm[NCPUS];
static int fail_fd = -1;          /* every call on this fd fails */
static void (*meanwhile)(int fd); /* happens once, as KVM sets an mp_state */
static void (*writing)(int fd);   /* happens once, as KVM sets SCTLR */
static bool fail_threads;         /* there is none to be had */

struct fixture {
	struct topology topo;
	struct ged ged;
	struct cpuhp hp;
	struct arch_vm arch;
	struct vm vm;
	struct vcpu_env env;
	struct vcpu *vcpu[NCPUS];
	struct kvm_run run[NCPUS];
};

static uint64_t *reg_of(int fd, uint64_t id)
{
	return id == REG_PC  ? &kvm[fd].pc
	       : id == SCTLR ? &kvm[fd].sctlr
			     : &kvm[fd].x[(id - REG_X(0)) / 2];
}

static int reg_list(struct kvm_reg_list *list)
{
	static const uint64_t ids[] = { REG_X(0),
					REG_X(1),
					REG_X(2),
					REG_X(3),
					REG_PC,
					SCTLR,
					KVM_REG_ARM_PSCI_VERSION };
	bool room = list->n >= sizeof(ids) / sizeof(ids[0]);

	list->n = sizeof(ids) / sizeof(ids[0]);
	if (room)
		memcpy(list->reg, ids, sizeof(ids));
	errno = E2BIG;
	return room ? 0 : -1;
}

static void written(int fd, uint64_t id)
{
	void (*happens)(int fd) = writing;

	if (id != SCTLR)
		return;
	atomic_fetch_add(&kvm[fd].writes, 1);
	writing = NULL;
	if (happens != NULL)
		happens(fd);
}

static void one_reg(int fd, const struct kvm_one_reg *r, bool set)
{
	uint64_t *reg = reg_of(fd, r->id), *value;

	memcpy(&value, &r->addr,
	       sizeof(value)); /* the address, as KVM's interface has it */
	*(set ? reg : value) = *(set ? value : reg);
	if (set)
		written(fd, r->id);
}

static bool is_second_timer(const struct kvm_one_reg *r)
{
	return r->id == KVM_REG_ARM_PTIMER_CTL || r->id == KVM_REG_ARM_PTIMER_CVAL;
}

static void init(int fd, const struct kvm_vcpu_init *init)
{
	bool off = init->features[0] & 1u << KVM_ARM_VCPU_POWER_OFF;

	assert_int_equal(off, fd > 0); /* else hosts before 6.12 refuse it */
	memset(&kvm[fd].x, 0, sizeof(kvm[fd].x));
	kvm[fd].pc = 0;
	kvm[fd].sctlr = RESET_SCTLR;
	kvm[fd].inits++;
}

static void set_mp_state(int fd, const struct kvm_mp_state *mp)
{
	void (*happens)(int fd) = meanwhile;

	kvm[fd].mp_state = mp->mp_state;
	meanwhile = NULL;
	if (happens != NULL)
		happens(fd);
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (fd == fail_fd) {
		errno = EIO;
		return -1;
	}
	if (request == KVM_GET_REG_LIST)
		return reg_list(arg);
	if (request == KVM_GET_ONE_REG && is_second_timer(arg)) {
		errno = ENOENT;
		return -1;
	}
	if (request == KVM_GET_ONE_REG || request == KVM_SET_ONE_REG)
		one_reg(fd, arg, request == KVM_SET_ONE_REG);
	else if (request == KVM_ARM_VCPU_INIT)
		init(fd, arg);
	else if (request == KVM_SET_MP_STATE)
		set_mp_state(fd, arg);
	else
		fail_msg("ioctl 0x%lx is not expected", request);
	return 0;
}

int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *),
			  void *arg)
{
	return fail_threads ? EAGAIN : __real_pthread_create(t, attr, fn, arg);
}

static void ignore_line(void *ctx, bool level)
{
	(void)ctx;
	(void)level;
}

static void ignore_wake(void *ctx)
{
	(void)ctx;
}

static void set_life(struct vcpu *v, enum vcpu_life life)
{
	mtx_lock_at(&v->env->lock, &RANK_VCPU);
	v->life = life;
	mtx_unlock_at(&v->env->lock, &RANK_VCPU);
}

static bool is_off(struct vcpu *v)
{
	enum vcpu_life life = vcpu_life_now(v);

	return life == LIFE_NEW || life == LIFE_OFF || life == LIFE_RESTING;
}

/* A vCPU that is on gets its thread, and the guest uses its registers. */
static void runs(struct vcpu *v)
{
	enum vcpu_life life = vcpu_life_now(v);

	if (life == LIFE_READY)
		vcpu_step(v, LIFE_SPAWN);
	else if (life == LIFE_HELD)
		vcpu_step(v, LIFE_RELEASE);
	atomic_store(&v->up_ns, 1);
	kvm[v->index].sctlr = PAGING_SCTLR;
}

/* CPU 0 runs, 1 to 9 are there and off, the others are not. */
static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	memset(kvm, 0, sizeof(kvm));
	fail_fd = -1;
	meanwhile = writing = NULL;
	fail_threads = false;
	assert_int_equal(topology_init(&f->topo, NCPUS, 1, 1), 0);
	ged_init(&f->ged, ignore_line, NULL, NULL);
	assert_int_equal(cpuhp_init(&f->hp, &f->topo, &f->ged, CPUHP_ACCEPT_EJECTS,
				    ignore_wake, NULL),
			 0);
	f->arch.filters = true;
	f->vm.topo = &f->topo;
	f->vm.arch = &f->arch;
	f->env.vm = &f->vm;
	f->env.cpuhp = &f->hp;
	f->env.vcpu = f->vcpu;
	vcpu_env_init(&f->env);
	for (uint32_t i = 0; i < NCPUS; i++) {
		f->vcpu[i] = test_calloc(1, sizeof(struct vcpu));
		f->vcpu[i]->env = &f->env;
		f->vcpu[i]->index = i;
		f->vcpu[i]->fd = (int)i;
		f->vcpu[i]->run = &f->run[i];
		f->vcpu[i]->by_cpu_on = i > 0;
		set_life(f->vcpu[i], i == 0 ? LIFE_NEW : i < 10 ? LIFE_OFF : LIFE_NEW);
		kvm[i].sctlr = RESET_SCTLR;
		kvm[i].mp_state = i > 0 ? KVM_MP_STATE_STOPPED : KVM_MP_STATE_RUNNABLE;
		if (i < 10)
			cpuhp_boot(&f->hp, i);
	}
	assert_int_equal(vcpu_image_keep(&f->vm, f->vcpu[0]), 0);
	cpuhp_runs(&f->hp, 0, true);
	vcpu_step(f->vcpu[0], LIFE_SPAWN);
	runs(f->vcpu[0]);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < NCPUS; i++)
		test_free(f->vcpu[i]);
	vcpu_image_free(f->arch.image);
	vcpu_env_destroy(&f->env);
	cpuhp_destroy(&f->hp);
	test_free(f);
	return 0;
}

/* Returns X0 after the call. */
static int64_t call(struct fixture *f, uint32_t cpu, uint64_t function, uint64_t x1,
		    uint64_t x2, uint64_t x3)
{
	f->run[cpu].hypercall.nr = function;
	kvm[cpu].x[0] = function;
	kvm[cpu].x[1] = x1;
	kvm[cpu].x[2] = x2;
	kvm[cpu].x[3] = x3;
	runs(f->vcpu[cpu]);
	assert_int_equal(psci_call(f->vcpu[cpu]), 0);
	return (int64_t)kvm[cpu].x[0];
}

static int64_t cpu_on(struct fixture *f, uint32_t caller, uint64_t mpidr)
{
	return call(f, caller, PSCI_CPU_ON_64, mpidr, ENTRY, 7);
}

static enum slot_state slot(struct fixture *f, uint32_t cpu)
{
	return cpuhp_get(&f->hp, cpu).state;
}

static void test_target(void **state)
{
	static const uint64_t none[] = { 0x10,        0x80000001,       0x200,
					 0x101000000, 0x10000,          0xff00ffffff,
					 UINT64_MAX,  UINT64_C(1) << 63 };
	struct topology t;

	(void)state;
	assert_int_equal(topology_init(&t, 4096, 1, 1), 0);
	for (uint32_t i = 0; i < 4096; i++)
		assert_int_equal(psci_target(&t, topology_arch_id(&t, i)), i);
	assert_int_equal(psci_target(&t, 0x10000), 4096);
	assert_int_equal(topology_init(&t, NCPUS, 1, 1), 0);
	assert_int_equal(psci_target(&t, 0x103), 19);
	assert_int_equal(psci_target(&t, 0x104), NCPUS);
	for (unsigned i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(psci_target(&t, none[i]), NCPUS);
}

static void test_may_start(void **state)
{
	static const int answer[LIFE_NSTATES] = {
		[LIFE_NEW] = PSCI_DENIED,         [LIFE_PARKED] = PSCI_DENIED,
		[LIFE_OFF] = PSCI_SUCCESS,        [LIFE_STARTING] = PSCI_ON_PENDING,
		[LIFE_READY] = PSCI_ALREADY_ON,   [LIFE_WAITING] = PSCI_ALREADY_ON,
		[LIFE_RUNNING] = PSCI_ALREADY_ON, [LIFE_HELD_WAITING] = PSCI_ALREADY_ON,
		[LIFE_HELD] = PSCI_ALREADY_ON,    [LIFE_RESTING] = PSCI_SUCCESS,
		[LIFE_WAKING] = PSCI_ON_PENDING,  [LIFE_STUCK] = PSCI_ALREADY_ON,
		[LIFE_ENDING] = PSCI_DENIED,      [LIFE_ENDED] = PSCI_DENIED,
	};

	(void)state;
	for (int i = 0; i < LIFE_NSTATES; i++) {
		enum vcpu_life life = (enum vcpu_life)i;

		assert_int_equal(psci_may_start(true, life), answer[i]);
		assert_int_equal(psci_may_start(false, life), PSCI_DENIED);
	}
}

static void test_on(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(cpu_on(f, 0, 3), PSCI_SUCCESS);
	assert_int_equal(kvm[3].pc, ENTRY);
	assert_int_equal(kvm[3].x[0], 7);
	assert_int_equal(kvm[3].mp_state, KVM_MP_STATE_RUNNABLE);
	assert_false(is_off(f->vcpu[3]));
	assert_int_equal(slot(f, 3), SLOT_ONLINE);
	assert_int_equal(cpu_on(f, 3, 4), PSCI_SUCCESS);
}

static void test_refusals(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(cpu_on(f, 0, 0x100), PSCI_DENIED); /* CPU 16 is not there */
	assert_int_equal(cpu_on(f, 0, 0x104), PSCI_INVALID_PARAMETERS);
	assert_int_equal(cpu_on(f, 0, 0), PSCI_ALREADY_ON);
	vcpu_stop(f->vcpu[5]);
	assert_int_equal(cpu_on(f, 0, 5), PSCI_DENIED);
	assert_int_equal(call(f, 0, 0x84000004, 1, 0, 0), PSCI_NOT_SUPPORTED);
	for (uint32_t i = 1; i < NCPUS; i++)
		assert_int_equal(kvm[i].inits, 0);
}

static void test_ejected_is_denied(void **state)
{
	struct fixture *f = *state;
	uint32_t cpu = 4;
	uint8_t eject = 8;

	cpuhp_ask_removal(&f->hp, &cpu, 1);
	cpuhp_access(&f->hp, 0, (uint8_t[]){ 4, 0, 0, 0 }, 4, true);
	cpuhp_access(&f->hp, 4, &eject, 1, true);
	assert_int_equal(slot(f, 4), SLOT_EJECTED);
	assert_int_equal(cpu_on(f, 0, 4), PSCI_DENIED);
}

static void test_32_bit_call(void **state)
{
	struct fixture *f = *state;
	uint64_t junk = UINT64_C(0xdeadbeef) << 32;

	assert_int_equal(call(f, 0, PSCI_CPU_ON_32, junk | 2, junk | ENTRY, junk | 9),
			 PSCI_SUCCESS);
	assert_int_equal(kvm[2].pc, ENTRY);
	assert_int_equal(kvm[2].x[0], 9);
	assert_int_equal(call(f, 0, PSCI_CPU_ON_64, junk | 3, ENTRY, 9),
			 PSCI_INVALID_PARAMETERS);
}

static void test_off_and_on_again(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(cpu_on(f, 0, 6), PSCI_SUCCESS);
	call(f, 6, PSCI_CPU_OFF, 0, 0, 0);
	assert_true(is_off(f->vcpu[6]));
	assert_true(atomic_load(&f->vcpu[6]->look)); /* its thread goes to the gate */
	assert_int_equal(kvm[6].mp_state, KVM_MP_STATE_STOPPED);
	assert_int_equal(slot(f, 6), SLOT_OFFLINE);
	assert_int_equal(cpu_on(f, 0, 6), PSCI_SUCCESS);
	assert_int_equal(slot(f, 6), SLOT_ONLINE);
	call(f, 6, PSCI_CPU_OFF, 0, 0, 0);
	assert_int_equal(slot(f, 6), SLOT_OFFLINE);
}

/* KVM_ARM_VCPU_INIT of a vCPU that has run takes all memory from all others on some
 * hosts. */
static void test_registers_are_written_back(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(cpu_on(f, 0, 6), PSCI_SUCCESS);
	assert_int_equal(atomic_load(&kvm[6].writes), 0); /* they are new */
	call(f, 6, PSCI_CPU_OFF, 1, 2, 3);
	assert_int_equal(kvm[6].sctlr, PAGING_SCTLR);
	assert_int_equal(cpu_on(f, 0, 6), PSCI_SUCCESS);
	assert_int_equal(kvm[6].inits, 0);
	assert_int_equal(kvm[6].sctlr, RESET_SCTLR);
	assert_int_equal(kvm[6].x[0], 7);
	for (int i = 1; i < 4; i++)
		assert_int_equal(kvm[6].x[i], 0);
	assert_int_equal(kvm[6].pc, ENTRY);
	assert_int_equal(kvm[6].mp_state, KVM_MP_STATE_RUNNABLE);
}

/* The caller is told, and the start that fails can be tried again. */
static void test_registers_cannot_be_written(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(cpu_on(f, 0, 6), PSCI_SUCCESS);
	call(f, 6, PSCI_CPU_OFF, 0, 0, 0);
	fail_fd = 6;
	assert_int_equal(cpu_on(f, 0, 6), PSCI_INTERNAL_FAILURE);
	fail_fd = -1;
	assert_true(is_off(f->vcpu[6]));
	assert_int_equal(kvm[6].mp_state, KVM_MP_STATE_STOPPED);
	assert_int_equal(slot(f, 6), SLOT_OFFLINE);
	assert_int_equal(cpu_on(f, 0, 6), PSCI_SUCCESS);
	assert_int_equal(kvm[6].sctlr, RESET_SCTLR);
}

/* The boot CPU, too, by another one. */
static void test_boot_cpu(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(cpu_on(f, 0, 1), PSCI_SUCCESS);
	call(f, 0, PSCI_CPU_OFF, 0, 0, 0);
	assert_int_equal(slot(f, 0), SLOT_OFFLINE);
	assert_int_equal(cpu_on(f, 1, 0), PSCI_SUCCESS);
	assert_int_equal(kvm[0].pc, ENTRY);
}

static void test_host_fails(void **state)
{
	struct fixture *f = *state;

	fail_fd = 3;
	assert_int_equal(cpu_on(f, 0, 3), PSCI_INTERNAL_FAILURE);
	assert_true(is_off(f->vcpu[3]));
	assert_int_equal(slot(f, 3), SLOT_PLUGGED);
	fail_fd = -1;
	assert_int_equal(cpu_on(f, 0, 3), PSCI_SUCCESS);
}

/* What the guest asked for could not be carried out, and that is no answer to give it. */
static void test_caller_fails(void **state)
{
	struct fixture *f = *state;

	fail_fd = 0;
	f->run[0].hypercall.nr = PSCI_CPU_ON_64;
	assert_int_equal(psci_call(f->vcpu[0]), -EIO);
	f->run[0].hypercall.nr = PSCI_CPU_OFF;
	assert_int_equal(psci_call(f->vcpu[0]), -EIO);
	assert_false(is_off(f->vcpu[0]));
}

/* It was told that the CPU is on: the CPU is off again, and may be asked for once
 * more. */
static void test_host_has_no_thread(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(cpu_on(f, 0, 3), PSCI_SUCCESS);
	fail_threads = true;
	vcpu_start_wanted(&f->env);
	assert_int_equal(vcpu_life_now(f->vcpu[3]), LIFE_OFF);
	assert_int_equal(kvm[3].mp_state, KVM_MP_STATE_STOPPED);
	assert_int_equal(slot(f, 3), SLOT_OFFLINE);
	assert_int_equal(f->env.running, 1);
	assert_int_equal(cpu_on(f, 0, 3), PSCI_SUCCESS);
	assert_int_equal(slot(f, 3), SLOT_ONLINE);
}

static struct fixture *raced;

static void expect_lock(int fd)
{
	(void)fd;
	assert_int_equal(pthread_mutex_trylock(&raced->env.lock.m), EBUSY);
}

/* From KVM's AFFINITY_INFO, which says OFF, to the next CPU_ON it must not be
 * ALREADY_ON. */
static void test_off_for_all_at_once(void **state)
{
	raced = *state;
	assert_int_equal(cpu_on(raced, 0, 6), PSCI_SUCCESS);
	meanwhile = expect_lock;
	call(raced, 6, PSCI_CPU_OFF, 0, 0, 0);
	assert_null(meanwhile);
}

/* Another vCPU looks on while the registers of the target are written: nobody has to
 * wait. */
static void expect_pending(int fd)
{
	assert_int_equal(pthread_mutex_trylock(&raced->env.lock.m), 0);
	pthread_mutex_unlock(&raced->env.lock.m);
	assert_int_equal(kvm[fd].mp_state, KVM_MP_STATE_STOPPED); /* AFFINITY_INFO: OFF */
	assert_int_equal(slot(raced, (uint32_t)fd), SLOT_OFFLINE);
	assert_int_equal(cpu_on(raced, 1, (uint64_t)fd), PSCI_ON_PENDING);
}

static void test_start_is_pending_while_registers_are_written(void **state)
{
	raced = *state;
	assert_int_equal(cpu_on(raced, 0, 1), PSCI_SUCCESS);
	assert_int_equal(cpu_on(raced, 0, 6), PSCI_SUCCESS);
	call(raced, 6, PSCI_CPU_OFF, 0, 0, 0);
	writing = expect_pending;
	assert_int_equal(cpu_on(raced, 0, 6), PSCI_SUCCESS);
	assert_null(writing);
	assert_int_equal(cpu_on(raced, 1, 6), PSCI_ALREADY_ON);
}

static void take_away(int fd)
{
	uint32_t cpu = (uint32_t)fd;

	cpuhp_ask_removal(&raced->hp, &cpu, 1);
}

static void take_back(int fd)
{
	uint32_t cpu = (uint32_t)fd;

	assert_int_equal(cpuhp_unplug(&raced->hp, &cpu, 1), 0);
}

static void expect_denied(uint32_t cpu, enum slot_state then)
{
	assert_int_equal(cpu_on(raced, 0, topology_arch_id(&raced->topo, cpu)),
			 PSCI_DENIED);
	assert_true(is_off(raced->vcpu[cpu]));
	assert_int_equal(kvm[cpu].mp_state, KVM_MP_STATE_STOPPED);
	assert_int_equal(slot(raced, cpu), then);
}

/* The host changes its mind while a CPU is being started. */
static void test_taken_away_meanwhile(void **state)
{
	uint32_t cpu = 12;

	raced = *state;
	cpuhp_plug(&raced->hp, &cpu, 1);
	set_life(raced->vcpu[cpu], LIFE_OFF);
	meanwhile = take_back;
	expect_denied(cpu, SLOT_ABSENT);
	raced->hp.acpi.w.flags |= CPUHP_NO_ACPI;
	meanwhile = take_away;
	expect_denied(4, SLOT_EJECTED);
}

struct racer {
	struct fixture *f;
	uint32_t caller;
	int64_t answer;
};

static void *race(void *arg)
{
	struct racer *r = arg;

	r->answer = cpu_on(r->f, r->caller, 2);
	return NULL;
}

static void test_two_start_the_same(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(cpu_on(f, 0, 1), PSCI_SUCCESS);
	for (int round = 0; round < 50; round++) {
		struct racer r[2] = { { f, 0, 1 }, { f, 1, 1 } };
		uint32_t writes = atomic_load(&kvm[2].writes);
		pthread_t t[2];

		for (int i = 0; i < 2; i++)
			assert_int_equal(pthread_create(&t[i], NULL, race, &r[i]), 0);
		for (int i = 0; i < 2; i++)
			assert_int_equal(pthread_join(t[i], NULL), 0);
		assert_true(r[0].answer == PSCI_SUCCESS || r[1].answer == PSCI_SUCCESS);
		assert_true(r[0].answer + r[1].answer == PSCI_ALREADY_ON ||
			    r[0].answer + r[1].answer == PSCI_ON_PENDING);
		assert_int_equal(atomic_load(&kvm[2].writes), writes + (round > 0));
		call(f, 2, PSCI_CPU_OFF, 0, 0, 0);
	}
}

/* Any call of any CPU that runs, with whatever in its registers: what runs is what the
 * answers said. */
static void test_any_order(void **state)
{
	struct fixture *f = *state;
	bool on[NCPUS] = { true };
	unsigned seed = 1;

	for (int i = 0; i < 20000; i++) {
		uint32_t caller = (uint32_t)rand_r(&seed) % NCPUS;
		uint64_t mpidr = (uint64_t)rand_r(&seed) % 32;
		uint32_t target = psci_target(&f->topo, mpidr | (mpidr & 16) << 4);

		if (!on[caller])
			continue;
		if (rand_r(&seed) % 3 == 0 && caller > 0) {
			call(f, caller, PSCI_CPU_OFF, mpidr, mpidr, mpidr);
			on[caller] = false;
		} else if (cpu_on(f, caller, mpidr | (mpidr & 16) << 4) == PSCI_SUCCESS) {
			assert_true(target < 10 && !on[target]);
			on[target] = true;
		}
		for (uint32_t c = 0; c < NCPUS; c++) {
			assert_int_equal(is_off(f->vcpu[c]), !on[c]);
			assert_int_equal(slot(f, c) == SLOT_ONLINE, on[c]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_target),
		cmocka_unit_test(test_may_start),
		cmocka_unit_test_setup_teardown(test_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ejected_is_denied, setup, teardown),
		cmocka_unit_test_setup_teardown(test_32_bit_call, setup, teardown),
		cmocka_unit_test_setup_teardown(test_off_and_on_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_registers_are_written_back, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_registers_cannot_be_written, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			test_start_is_pending_while_registers_are_written, setup,
			teardown),
		cmocka_unit_test_setup_teardown(test_boot_cpu, setup, teardown),
		cmocka_unit_test_setup_teardown(test_host_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(test_caller_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(test_host_has_no_thread, setup, teardown),
		cmocka_unit_test_setup_teardown(test_off_for_all_at_once, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_taken_away_meanwhile, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_two_start_the_same, setup, teardown),
		cmocka_unit_test_setup_teardown(test_any_order, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
