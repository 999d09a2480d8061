#include "vmm/config/origin.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/config/manifest.h"
#include "vmm/config/spec_file_fixture.h"
#include "vmm/config/spec_parse.h"

#define VMI "apiVersion: kubevirt.io/v1\nkind: VirtualMachineInstance\nspec:\n domain: "

/* What a spec file says, and then the command line, is refused for its CPUs so. */
static void cpus_of(const char *file, const char *line, const char *place)
{
	struct topology topo;
	struct text why;
	struct spec s;
	char want[256];

	put(file);
	s = open_spec();
	assert_int_equal(spec_parse_cpus(line, &s, &why), 0);
	assert_int_equal(spec_resolve(&s, NULL, &topo, &why), -EINVAL);
	assert_int_equal(origin_blame_cpus(&s, -EINVAL, &why), -EINVAL);
	(void)snprintf(want, sizeof(want), "%s%s%sCPU sockets 9 is greater",
		       *place ? path : "", *place ? ": " : "", place);
	assert_memory_equal(why.s, want, strlen(want));
	origin_close(&s);
	assert_null(s.from.file);
}

static void a_file_is_blamed_for_what_it_said_and_still_stands(void **state)
{
	(void)state;
	cpus_of("{\"cpus\": {\"sockets\": 9, \"maxSockets\": 8}}", "cores=1",
		"cpus.sockets: ");
	cpus_of("{\"cpus\": {\"sockets\": 9}}", "maxSockets=8", "cpus.sockets: ");
	cpus_of("{\"cpus\": {\"maxSockets\": 8}}", "sockets=9", "cpus: ");
	cpus_of("{\"cpus\": {\"sockets\": 2, \"maxSockets\": 4}}",
		"sockets=9,maxSockets=8", "");
	cpus_of("{}", "sockets=9,maxSockets=8", "");
}

static void an_option_is_blamed_on_the_file_unless_the_command_line_has_it(void **state)
{
	struct spec s;
	struct text why;
	char want[256];

	(void)state;
	put("{\"boot\": \"dt\", \"memory\": \"64M\"}");
	s = open_spec();
	assert_int_equal(option_set(OPTION_memory, "128M", false, &s, &why), 0);
	assert_int_equal(option_set(OPTION_boot, "efi", false, &s, &why), -EINVAL);
	text_set(&why, 0, "no");
	assert_int_equal(origin_blame(&s, OPTION_memory, -EINVAL, &why), -EINVAL);
	assert_string_equal(why.s, "no");
	assert_int_equal(origin_blame(&s, OPTION_boot, -EINVAL, &why), -EINVAL);
	(void)snprintf(want, sizeof(want), "%s: boot: no", path);
	assert_string_equal(why.s, want);
	origin_close(&s);
}

static void a_missing_kernel_is_missing_in_the_file(void **state)
{
	static const char text[] = VMI "{}\n";
	struct spec s;
	struct text why;
	char want[256];

	(void)state;
	put("{}");
	s = open_spec();
	text_set(&why, 0, "none");
	assert_int_equal(origin_blame_kernel(&s, -EINVAL, &why), -EINVAL);
	(void)snprintf(want, sizeof(want), "%s: none", path);
	assert_string_equal(why.s, want);
	origin_close(&s);

	assert_int_equal(manifest_parse("vm.yaml", text, strlen(text), &s, &why), 0);
	text_set(&why, 0, "none");
	assert_int_equal(origin_blame_kernel(&s, -EINVAL, &why), -EINVAL);
	assert_string_equal(
		why.s,
		"vm.yaml: spec.domain.firmware.kernelBoot.container.kernelPath: none");
	origin_close(&s);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, make_dir, remove_dir)
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_blamed_for_what_it_said_and_still_stands),
		TEST(an_option_is_blamed_on_the_file_unless_the_command_line_has_it),
		TEST(a_missing_kernel_is_missing_in_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
