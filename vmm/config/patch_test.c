#include "vmm/config/patch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define MERGE(cpu) "{\"spec\":{\"template\":{\"spec\":{\"domain\":{\"cpu\":" cpu "}}}}}"
#define AT         "/spec/template/spec/domain/cpu/"
#define OP(op, path, value)                                                              \
	"{\"op\":\"" op "\",\"path\":\"" path "\",\"value\":" value "}"

static const uint32_t now[SPEC_CPU_KEYS] = { 2, 1, 1, 8 };

static int read_text(const char *text, struct patch *p, struct text *why)
{
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	int err;

	assert_non_null(json);
	why->s[0] = '\0';
	err = patch_read(json, json_is_array(json), now, p, why);
	json_decref(json);
	return err;
}

/* names has a letter for each number that is named: s, c, t, m. */
static void takes(const char *text, int64_t sockets, int64_t cores, int64_t threads,
		  int64_t max, const char *names)
{
	struct patch p;
	struct text why;

	assert_int_equal(read_text(text, &p, &why), 0);
	assert_true(p.cpu[SPEC_SOCKETS] == sockets && p.cpu[SPEC_CORES] == cores);
	assert_true(p.cpu[SPEC_THREADS] == threads && p.cpu[SPEC_MAX_SOCKETS] == max);
	for (int k = 0; k < SPEC_CPU_KEYS; k++)
		assert_int_equal(p.named[k], strchr(names, "sctm"[k]) != NULL);
}

static void merge_patches_name_what_changes(void **state)
{
	(void)state;
	takes(MERGE("{\"sockets\":7}"), 7, 1, 1, 8, "s");
	takes("{\"spec\":{\"domain\":{\"cpu\":{\"cores\":2,\"threads\":3}}}}", 2, 2, 3, 8,
	      "ct");
	takes(MERGE("{\"maxSockets\":4294967295,\"sockets\":2}"), 2, 1, 1, 4294967295,
	      "sm");
	takes("{}", 2, 1, 1, 8, "");
	takes("{\"spec\":{\"template\":{}}}", 2, 1, 1, 8, "");
	takes(MERGE("{}"), 2, 1, 1, 8, "");
}

/* Sockets are judged by the VM: any integer is read. */
static void sockets_may_be_any_integer(void **state)
{
	(void)state;
	takes(MERGE("{\"sockets\":0}"), 0, 1, 1, 8, "s");
	takes(MERGE("{\"sockets\":-9223372036854775808}"), INT64_MIN, 1, 1, 8, "s");
	takes("[" OP("add", AT "sockets", "9223372036854775807") "]", INT64_MAX, 1, 1, 8,
	      "s");
}

static void json_patches_are_done_in_order(void **state)
{
	(void)state;
	takes("[]", 2, 1, 1, 8, "");
	takes("[" OP("replace", AT "sockets", "4") "]", 4, 1, 1, 8, "s");
	takes("[" OP("test", AT "sockets", "2") "," OP("add", AT "sockets", "3") "," OP(
		      "test", AT "sockets",
		      "3") "," OP("replace", "/spec/domain/cpu/maxSockets", "16") "]",
	      3, 1, 1, 16, "sm");
	takes("[" OP("test", AT "maxSockets", "8") "]", 2, 1, 1, 8, "");
	takes("[{\"op\":\"add\",\"path\":\"" AT "cores\",\"value\":2,\"from\":\"/x\"}]",
	      2, 2, 1, 8, "c"); /* RFC 6902, 4: others are ignored */
}

static void what_is_wrong_is_refused_with_its_place(void **state)
{
	/* clang-format off */
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "{\"status\":{}}", "status: 'status' cannot be patched; patch spec.template.spec.domain.cpu: sockets, cores, threads, maxSockets" },
		{ "{\"spec\":{\"running\":true}}", "spec.running: 'running' cannot" },
		{ "{\"spec\":{\"template\":{\"metadata\":{}}}}", "spec.template.metadata: 'metadata'" },
		{ "{\"spec\":{\"domain\":{\"cpu\":{},\"memory\":{}}}}", "spec.domain.memory: 'memory' cannot" },
		{ "{\"spec\":{\"domain\":{},\"template\":{}}}", "spec.template and spec.domain exclude each other; patch one of them" },
		{ "{\"spec\":7}", "spec must be an object, and is a number" },
		{ "{\"spec\":{\"domain\":{\"cpu\":null}}}", "spec.domain.cpu must be an object, and is null" },
		{ MERGE("{\"sockets\":null}"), "spec.template.spec.domain.cpu.sockets must be a whole number, and is null" },
		{ MERGE("{\"sockets\":\"7\"}"), "cpu.sockets must be a whole number, and is a string" },
		{ MERGE("{\"cores\":1.5}"), "cpu.cores must be a whole number, and is a number with a fraction" },
		{ MERGE("{\"model\":1}"), "spec.template.spec.domain.cpu.model: 'model' cannot" },
		{ MERGE("{\"a\\nb\":1}"), "cpu.a?b: 'a?b' cannot" },
		{ MERGE("{\"cores\":0}"), "spec.template.spec.domain.cpu.cores: CPU cores 0 is less than the minimum, 1" },
		{ MERGE("{\"maxSockets\":-1}"), "CPU maxSockets -1 is less than the minimum, 1" },
		{ MERGE("{\"threads\":4294967296}"), "CPU threads 4294967296 is greater than the maximum, 4294967295" },
		{ "[7]", "each operation must be an object, and is a number" },
		{ "[{}]", "[0].op is missing" },
		{ "[{\"op\":\"test\"}]", "[0].path is missing" },
		{ "[{\"op\":1}]", "[0].op must be a string, and is a number" },
		{ "[" OP("remove", AT "cores", "1") "]", "[0].op: operation 'remove' is not known; use replace, add or test" },
		{ "[" OP("add", AT, "1") "]", "'" AT "' cannot be patched; use " AT " with" },
		{ "[" OP("add", AT "sockets/", "1") "]", "cannot be patched" },
		{ "[" OP("add", "spec/domain/cpu/cores", "1") "]", "cannot be patched" },
		{ "[" OP("add", "", "{}") "]", "[0].path: '' cannot be patched" },
		{ "[" OP("test", AT "cores", "1") ",{\"op\":\"add\",\"path\":\"" AT "cores\"}]", "[1].value is missing" },
		{ "[" OP("add", AT "cores", "0") "]", AT "cores: CPU cores 0 is less" },
		{ "[" OP("add", AT "sockets", "true") "]", AT "sockets must be a whole number, and is true" },
		{ "[" OP("test", AT "cores", "2") "]", "testing value " AT "cores failed: it is 1; " },
		{ "[" OP("test", AT "cores", "1.0") "]", "failed: it is 1; " },
		{ "[" OP("test", AT "cores", "\"1\"") "]", "failed: it is 1; " },
	};
	/* clang-format on */
	struct patch p;
	struct text why;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_text(cases[i].text, &p, &why), -EINVAL);
		if (strstr(why.s, cases[i].why) == NULL)
			assert_string_equal(why.s, cases[i].why);
	}
}

static void each_type_has_its_form(void **state)
{
	json_t *list = json_array(), *object = json_object();
	struct patch p;
	struct text why;
	bool is_json;

	(void)state;
	assert_int_equal(patch_read(list, false, now, &p, &why), -EINVAL);
	assert_string_equal(why.s, "a merge patch must be an object, and is an array");
	assert_int_equal(patch_read(object, true, now, &p, &why), -EINVAL);
	assert_string_equal(why.s, "a JSON patch must be an array, and is an object");
	json_decref(list);
	json_decref(object);
	assert_int_equal(patch_type(NULL, &is_json, &why), 0);
	assert_false(is_json);
	assert_int_equal(patch_type("json", &is_json, &why), 0);
	assert_true(is_json);
	assert_int_equal(patch_type("merge", &is_json, &why), 0);
	assert_false(is_json);
	assert_int_equal(patch_type("strategic", &is_json, &why), -EINVAL);
	assert_string_equal(why.s,
			    "patch type 'strategic' is not known; use merge or json");
}

static void blame_names_what_the_patch_names(void **state)
{
	struct patch p;
	struct text why;

	(void)state;
	assert_int_equal(read_text(MERGE("{\"sockets\":9}"), &p, &why), 0);
	text_set(&why, 0, "too many");
	assert_int_equal(patch_blame(&p, SPEC_CORES, -ERANGE, &why), -ERANGE);
	assert_string_equal(why.s, "too many");
	assert_int_equal(patch_blame(&p, SPEC_SOCKETS, -ERANGE, &why), -ERANGE);
	assert_string_equal(why.s, "spec.template.spec.domain.cpu.sockets: too many");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merge_patches_name_what_changes),
		cmocka_unit_test(sockets_may_be_any_integer),
		cmocka_unit_test(json_patches_are_done_in_order),
		cmocka_unit_test(what_is_wrong_is_refused_with_its_place),
		cmocka_unit_test(each_type_has_its_form),
		cmocka_unit_test(blame_names_what_the_patch_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
