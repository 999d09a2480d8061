#include "vmm/control/vm_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void check(const char *name, const char *qmp, const char *want)
{
	const struct spec s = { .name = name, .qmp = qmp };
	char got[VM_NAME_LEN];

	vm_name(&s, got);
	assert_string_equal(got, want);
}

static void the_name_of_the_spec_comes_first(void **state)
{
	(void)state;
	check("vm-1", "/run/other.sock", "vm-1");
	check("vm-1.sock", NULL, "vm-1.sock");
}

static void without_a_name_it_is_that_of_the_socket(void **state)
{
	(void)state;
	check(NULL, "/run/hs/vm-2.sock", "vm-2");
	check(NULL, "vm.3.sock", "vm.3");
	check(NULL, "/run/.hidden", ".hidden");
	check(NULL, NULL, "hotsocket");
}

static void what_a_metric_cannot_say_is_a_dash(void **state)
{
	(void)state;
	check("a \"b\"\n\xc3\xa9", NULL, "a--b----");
	check(NULL, "/tmp/x y.sock", "x-y");
}

static void a_long_name_is_cut(void **state)
{
	char name[VM_NAME_LEN + 8], want[VM_NAME_LEN];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	memset(want, 'n', sizeof(want) - 1);
	want[sizeof(want) - 1] = '\0';
	check(name, NULL, want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_name_of_the_spec_comes_first),
		cmocka_unit_test(without_a_name_it_is_that_of_the_socket),
		cmocka_unit_test(what_a_metric_cannot_say_is_a_dash),
		cmocka_unit_test(a_long_name_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
