#include "vmm/kvm/vm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/config/spec.h"
#include "vmm/kvm/fake_kvm.h"

#define MIB (UINT64_C(1) << 20)

static struct vm *make_vm_of(uint32_t sockets, uint64_t memory)
{
	static struct topology topo;
	struct host_limits limits;
	struct vm *vm = NULL;
	struct text why;
	int fd;

	assert_int_equal(topology_init(&topo, sockets, 1, 1), 0);
	if (vm_open_kvm(&fd, &limits, &why) == 0)
		(void)vm_create(fd, &(struct spec){ .memory = memory }, &topo, &vm, &why);
	return vm;
}

static struct vm *make_vm(uint64_t memory)
{
	return make_vm_of(2, memory);
}

static void fail_each_call(uint32_t sockets)
{
	unsigned fds = fake_open_files();
	struct vm *vm = NULL;

	for (int n = 1; vm == NULL; n++) {
		assert_true(n < 50);
		fake_fail_at = n;
		vm = make_vm_of(sockets, 4 * MIB);
		if (vm == NULL)
			assert_int_equal(fake_open_files(), fds);
	}
	fake_fail_at = 0;
	vm_destroy(vm);
	assert_int_equal(fake_open_files(), fds);
}

static void whichever_call_fails_nothing_is_left(void **state)
{
	(void)state;
	fail_each_call(2);
	fail_each_call(300);
}

#if defined(__x86_64__)
static void memory_has_a_hole_below_4_gib(void **state)
{
	const uint64_t hole = UINT64_C(0xc0000000), four = UINT64_C(1) << 32;
	struct vm *vm = make_vm(5120 * MIB);

	(void)state;
	assert_int_equal(vm->nranges, 2);
	assert_int_equal(vm->range[0].gpa + vm->range[0].len, hole);
	assert_int_equal(vm->range[1].gpa, four);
	assert_int_equal(vm->range[0].len + vm->range[1].len, 5120 * MIB);
	assert_non_null(vm_ram(vm, hole - 1, 1));
	assert_null(vm_ram(vm, hole - 1, 2));
	assert_null(vm_ram(vm, hole, 1));
	assert_null(vm_ram(vm, four - 1, 1));
	assert_ptr_equal(vm_ram(vm, four, 1), vm->ram + hole);
	assert_non_null(vm_ram(vm, four + 2048 * MIB - 1, 1));
	assert_null(vm_ram(vm, four + 2048 * MIB - 1, 2));
	vm_destroy(vm);
}
#endif

static void guest_memory_is_only_what_is_inside_it(void **state)
{
	struct vm *vm = make_vm(4 * MIB);
	uint64_t base = vm->range[0].gpa;

	(void)state;
	assert_int_equal(vm->nranges, 1);
	assert_ptr_equal(vm_ram(vm, base, 4 * MIB), vm->ram);
	assert_int_equal((uintptr_t)vm->ram % (2 * MIB), 0);
	assert_null(vm_ram(vm, base, 4 * MIB + 1));
	assert_null(vm_ram(vm, base + 4 * MIB, 1));
	assert_null(vm_ram(vm, UINT64_MAX, 1));
	assert_null(vm_ram(vm, base + 1, UINT64_MAX));
	vm_destroy(vm);
}

static void cleared_memory_reads_as_zero_to_its_last_byte(void **state)
{
	struct vm *vm = make_vm(4 * MIB);

	(void)state;
	memset(vm->ram, 0xaa, vm->ram_len);
	assert_int_equal(vm_clear_ram(vm), 0);
	for (uint64_t i = 0; i < vm->ram_len; i++)
		assert_int_equal(vm->ram[i], 0);
	vm_destroy(vm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whichever_call_fails_nothing_is_left),
#if defined(__x86_64__)
		cmocka_unit_test(memory_has_a_hole_below_4_gib),
#endif
		cmocka_unit_test(guest_memory_is_only_what_is_inside_it),
		cmocka_unit_test(cleared_memory_reads_as_zero_to_its_last_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
