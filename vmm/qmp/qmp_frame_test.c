#include "vmm/qmp/qmp_frame.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct qmp_frame frame;

/* Puts bytes in pieces of at most step, and returns all that was found as one text:
 * values compact, errors as "!text", each followed by a newline. */
static const char *found_by_steps(const char *bytes, size_t len, size_t step)
{
	static char log[64 * 1024];
	FILE *out = fmemopen(log, sizeof(log), "w");
	size_t room;

	log[0] = '\0'; /* fmemopen() ends what is written, if anything is */
	qmp_frame_init(&frame);
	while (len > 0) {
		char *at = qmp_frame_room(&frame, &room);
		size_t n = len < step ? len : step;
		struct qmp_error err;
		json_t *value;

		assert_true(room > 0);
		n = n < room ? n : room;
		memcpy(at, bytes, n);
		frame.len += n;
		bytes += n;
		len -= n;
		for (;;) {
			enum qmp_found next = qmp_frame_next(&frame, &value, &err);

			if (next == QMP_FOUND_NONE)
				break;
			if (next == QMP_FOUND_ERROR) {
				(void)fprintf(out, "!%s\n", err.desc);
				continue;
			}
			(void)json_dumpf(value, out, JSON_COMPACT | JSON_ENCODE_ANY);
			json_decref(value);
			(void)fputc('\n', out);
		}
	}
	(void)fclose(out);
	return log;
}

static const char *found(const char *text)
{
	char *whole = strdup(found_by_steps(text, strlen(text), SIZE_MAX));

	for (size_t step = 1; step < 4; step++)
		assert_string_equal(whole, found_by_steps(text, strlen(text), step));
	free(whole);
	return found_by_steps(text, strlen(text), SIZE_MAX);
}

/* prefix, then n times fill, then suffix. */
static const char *found_long(const char *prefix, char fill, size_t n, const char *suffix)
{
	size_t a = strlen(prefix), b = strlen(suffix);
	char *text = malloc(a + n + b);
	const char *log;

	memcpy(text, prefix, a); /* NOLINT: no string */
	memset(text + a, fill, n);
	memcpy(text + a + n, suffix, b); /* NOLINT: no string */
	log = found_by_steps(text, a + n + b, SIZE_MAX);
	free(text);
	return log;
}

static void a_line_is_a_value(void **state)
{
	(void)state;
	assert_string_equal(found("{\"a\": 1}\r\n[2]\n"), "{\"a\":1}\n[2]\n");
}

static void blank_lines_are_nothing(void **state)
{
	(void)state;
	assert_string_equal(found("\n\r\n  \t\n\n{}\n\n"), "{}\n");
}

static void a_value_needs_no_newline(void **state)
{
	(void)state;
	assert_string_equal(found("{\"a\":{\"b\":[]}}{} [1]"),
			    "{\"a\":{\"b\":[]}}\n{}\n[1]\n");
}

static void brackets_in_strings_do_not_count(void **state)
{
	(void)state;
	assert_string_equal(found("{\"}\":\"]\\\"}\\\\\"}{}"),
			    "{\"}\":\"]\\\"}\\\\\"}\n{}\n");
}

static void a_scalar_ends_with_its_line(void **state)
{
	(void)state;
	assert_string_equal(found("3"), "");
	assert_string_equal(found("3\n\"x\"\nnull\n"), "3\n\"x\"\nnull\n");
}

static void garbage_costs_one_line(void **state)
{
	(void)state;
	assert_string_equal(found("}}}]\n{}\n"),
			    "!JSON parse error, unexpected token near '}'\n{}\n");
	assert_string_equal(found("{\"a\":\n{}\n"),
			    "!JSON parse error, unexpected token near end of file\n{}\n");
	assert_non_null(strstr(found("it's \"open\n{\"ok\":1}\n"), "{\"ok\":1}\n"));
	assert_non_null(strstr(found("\"open\\\n{\"ok\":1}\n"), "{\"ok\":1}\n"));
}

static void duplicate_keys_are_refused(void **state)
{
	(void)state;
	assert_string_equal(found("{\"a\":1,\"a\":2}{}"),
			    "!JSON parse error, duplicate object key near '\"a\"'\n{}\n");
}

static void nul_and_bad_utf8_are_refused(void **state)
{
	static const char nul[] = "{\"a\0\":1}\n{}\n";

	(void)state;
	assert_memory_equal(found_by_steps(nul, sizeof(nul) - 1, 1), "!JSON parse", 11);
	assert_non_null(strstr(found_by_steps(nul, sizeof(nul) - 1, 1), "\n{}\n"));
	assert_memory_equal(found("{\"a\\u0000\":1}\n"), "!JSON parse", 11);
	assert_memory_equal(found("{\"\xff\xfe\":1}\n"), "!JSON parse", 11);
	assert_memory_equal(found("{\"\xc0\xaf\":1}\n"), "!JSON parse", 11);
	assert_memory_equal(found("{\"\\ud800\":1}\n"), "!JSON parse", 11);
}

static void the_size_limit_is_exact(void **state)
{
	const char *refusal = "!request exceeds the limit of 65536 bytes\n{}\n";

	(void)state;
	assert_memory_equal(found_long("[\"", 'x', QMP_REQUEST_MAX - 4, "\"]\n"), "[\"x",
			    3);
	assert_memory_equal(found_long("[\"", 'x', QMP_REQUEST_MAX - 4, "\"]"), "[\"x",
			    3);
	assert_string_equal(found_long("[\"", 'x', QMP_REQUEST_MAX - 3, "\"]{}"),
			    refusal);
	assert_string_equal(found_long("", '7', QMP_REQUEST_MAX + 1, "\n{}"), refusal);
}

static void a_huge_request_is_one_error(void **state)
{
	const size_t huge = 10 << 20;
	const char *refusal = "!request exceeds the limit of 65536 bytes\n{}\n";

	(void)state;
	assert_string_equal(found_long("", 'x', huge, "\n{}"), refusal);
	assert_string_equal(found_long("{\"a\":\"", 'x', huge, "\"}{}"), refusal);
	assert_string_equal(found_long("", '[', huge, "\n{}"),
			    "!request exceeds the limit of 32 nested levels\n{}\n");
	assert_string_equal(found_long("", ' ', huge, "{}"), "{}\n");
}

static void the_depth_limit_is_exact(void **state)
{
	char text[2 * QMP_DEPTH_MAX + 8] = "";

	(void)state;
	memset(text, '[', QMP_DEPTH_MAX);
	memset(text + QMP_DEPTH_MAX, ']', QMP_DEPTH_MAX);
	assert_int_equal(found(text)[0], '[');
	memset(text, '[', QMP_DEPTH_MAX + 1);
	memset(text + QMP_DEPTH_MAX + 1, ']', QMP_DEPTH_MAX + 1);
	memcpy(text + strlen(text), "{}", 3);
	assert_string_equal(found(text),
			    "!request exceeds the limit of 32 nested levels\n{}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_a_value),
		cmocka_unit_test(blank_lines_are_nothing),
		cmocka_unit_test(a_value_needs_no_newline),
		cmocka_unit_test(brackets_in_strings_do_not_count),
		cmocka_unit_test(a_scalar_ends_with_its_line),
		cmocka_unit_test(garbage_costs_one_line),
		cmocka_unit_test(duplicate_keys_are_refused),
		cmocka_unit_test(nul_and_bad_utf8_are_refused),
		cmocka_unit_test(the_size_limit_is_exact),
		cmocka_unit_test(a_huge_request_is_one_error),
		cmocka_unit_test(the_depth_limit_is_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
