#include "vmm/config/spec_file_fixture.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "vmm/config/spec_parse.h"

static void every_key_is_read_and_the_others_are_left_alone(void **state)
{
	struct spec s, d = defaults();

	(void)state;
	put("{\"kernel\": \"a\", \"initrd\": \"b\", \"append\": \"c \\u00e4\", "
	    "\"memory\": "
	    "\"2G\", \"cpus\": {\"sockets\": 2, \"cores\": 3, \"threads\": 4, "
	    "\"maxSockets\": 8}, \"qmp\": \"d\", \"serial\": \"none\", \"guest-eject\": "
	    "\"refuse\", \"boot\": \"dt\", \"nested\": \"on\"}");
	s = open_spec();
	assert_string_equal(s.kernel, "a");
	assert_string_equal(s.initrd, "b");
	assert_string_equal(s.append, "c ä");
	assert_string_equal(s.qmp, "d");
	assert_string_equal(s.serial, "none");
	assert_int_equal(s.memory, UINT64_C(2) << 30);
	assert_int_equal(s.cpus.sockets, 2);
	assert_int_equal(s.cpus.cores, 3);
	assert_int_equal(s.cpus.threads, 4);
	assert_int_equal(s.cpus.max_sockets, 8);
	assert_true(s.refuse_guest_ejects);
	assert_true(s.device_tree);
	assert_true(s.nested);
	assert_string_equal(spec_file_name(s.from.file), path);
	spec_file_close(s.from.file);

	put("{}");
	s = open_spec();
	spec_file_close(s.from.file);
	s.from.file = NULL;
	assert_memory_equal(&s, &d, sizeof(s));
}

static void what_cannot_be_is_refused_with_file_and_reason(void **state)
{
	/* clang-format off */
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "line 1, column 0: '[' or '{' expected near end of file" },
		{ "{\"cpus\":\n {\"sockets\": 2", "line 2, column 14: '}' expected near end of file" },
		{ "{\"kernel\": \"a", "line 1, column 13: premature end of input near '\"a'" },
		{ "{\"kernel\": \"a\nb\"}", "line 1, column 13: unexpected newline near '\"a'" },
		{ "{\"kernel\": \"\x01\x1b[2J\"}", "line 1, column 12: control character 0x1 near '\"'" },
		{ "{\"kernel\": \"\xff\"}", "line 1, column 12: unable to decode byte 0xff near '\"'" },
		{ "{\"append\": \"a\\u0000b\"}", "line 1, column 21: \\u0000 is not allowed without JSON_ALLOW_NUL near '\"a\\u0000b\"'" },
		{ "{} x", "line 1, column 4: end of file expected near 'x'" },
		{ "{\"kernel\": \"a\",}", "line 1, column 16: string or '}' expected near '}'" },
		{ "{\"qmp\": \"a\", \"qmp\": \"a\"}", "line 1, column 18: duplicate object key near '\"qmp\"'" },
		{ "{\"cpus\": {\"cores\": 1,\n\"cores\": 1}}", "line 2, column 7: duplicate object key near '\"cores\"'" },
		{ "{\"cpus\": {\"sockets\": 99999999999999999999}}", "line 1, column 41: too big integer near '99999999999999999999'" },
		{ "[]", "the whole must be an object, and is an array" },
		{ "{\"kernl\": \"a\"}", "'kernl' is not known; use kernel, initrd, append, memory, cpus, boot, nested, qmp, serial, metrics-file, guest-eject, on-reset" },
		{ "{\"a\\nb\": \"a\"}", "'a?b' is not known; use kernel, initrd, append, memory, cpus, boot, nested, qmp, serial, metrics-file, guest-eject, on-reset" },
		{ "{\"verbose\": true}", "'verbose' is not known; use kernel, initrd, append, memory, cpus, boot, nested, qmp, serial, metrics-file, guest-eject, on-reset" },
		{ "{\"kernel\": 5}", "kernel must be a string, and is a number" },
		{ "{\"qmp\": null}", "qmp must be a string, and is null" },
		{ "{\"memory\": 512}", "memory must be a string, and is a number" },
		{ "{\"boot\": true}", "boot must be a string, and is true" },
		{ "{\"guest-eject\": false}", "guest-eject must be a string, and is false" },
		{ "{\"cpus\": \"sockets=2\"}", "cpus must be an object, and is a string" },
		{ "{\"cpus\": [2]}", "cpus must be an object, and is an array" },
		{ "{\"cpus\": {\"socket\": 2}}", "'cpus.socket' is not known; use sockets, cores, threads, maxSockets" },
		{ "{\"cpus\": {\"sockets\": \"2\"}}", "cpus.sockets must be a whole number, and is a string" },
		{ "{\"cpus\": {\"cores\": 2.0}}", "cpus.cores must be a whole number, and is a number with a fraction" },
		{ "{\"cpus\": {\"threads\": true}}", "cpus.threads must be a whole number, and is true" },
		{ "{\"cpus\": {\"maxSockets\": {}}}", "cpus.maxSockets must be a whole number, and is an object" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct spec s = defaults(), before = s;
		int files = open_files();
		char want[512];
		struct text why;

		put(cases[i].text);
		assert_int_equal(spec_file_open(path, &s, &why), -EINVAL);
		(void)snprintf(want, sizeof(want), "%s: %s", path, cases[i].why);
		assert_string_equal(why.s, want);
		assert_memory_equal(&s, &before, sizeof(s));
		assert_string_equal(get(), cases[i].text);
		assert_int_equal(open_files(), files);
	}
}

/* Same numbers, same words as on the command line. */
static void limits_have_the_texts_of_the_command_line(void **state)
{
	static const char *const keys[] = { "sockets", "cores", "threads", "maxSockets" };
	static const char *const bad[] = { "0", "-1", "4294967296", "9223372036854775807",
					   "-9223372036854775808" };
	struct spec s = defaults();
	struct text why, said;
	char text[128], want[640];

	(void)state;
	for (size_t i = 0; i < 4 * sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(text, sizeof(text), "{\"cpus\": {\"%s\": %s}}",
			       keys[i % 4], bad[i / 4]);
		put(text);
		assert_int_equal(spec_file_open(path, &s, &why), -EINVAL);
		(void)snprintf(text, sizeof(text), "%s=%s", keys[i % 4], bad[i / 4]);
		assert_int_equal(spec_parse_cpus(text, &s, &said), -EINVAL);
		(void)snprintf(want, sizeof(want), "%s: cpus.%s: %s", path, keys[i % 4],
			       said.s);
		assert_string_equal(why.s, want);
	}
	put("{\"memory\": \"1M\"}");
	assert_int_equal(spec_file_open(path, &s, &why), -EINVAL);
	assert_non_null(
		strstr(why.s, ": memory: memory 1M is not a whole number of MiB"));
	put("{\"guest-eject\": \"x\"}");
	assert_int_equal(spec_file_open(path, &s, &why), -EINVAL);
	assert_non_null(strstr(why.s, "'x'; use accept or refuse"));
	put("{\"boot\": \"fdt\"}");
	assert_int_equal(spec_file_open(path, &s, &why), -EINVAL);
	assert_non_null(strstr(why.s, "--boot does not know 'fdt'; use acpi or dt"));
}

static void what_is_no_readable_file_is_refused(void **state)
{
	static char big[1048577];

	(void)state;
	refused(path, -ENOENT, "No such file");
	refused("", -ENOENT, "No such file");
	refused(dir, -EISDIR, "directory");
	refused("/dev/null", -EINVAL, "not a regular file");
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(path, -EINVAL, "not a regular file");
	assert_int_equal(remove(path), 0);
	memset(big, ' ', sizeof(big));
	put_bytes(big, sizeof(big));
	refused(path, -EFBIG, "too large");
	put_bytes(big, sizeof(big) - 1);
	refused(path, -EINVAL, "expected near end of file");
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, make_dir, remove_dir)
	const struct CMUnitTest tests[] = {
		TEST(every_key_is_read_and_the_others_are_left_alone),
		TEST(what_cannot_be_is_refused_with_file_and_reason),
		TEST(limits_have_the_texts_of_the_command_line),
		TEST(what_is_no_readable_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
