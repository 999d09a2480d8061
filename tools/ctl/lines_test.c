#include "tools/ctl/lines.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct ctl_lines l;

static int set_up(void **state)
{
	(void)state;
	ctl_lines_init(&l);
	return 0;
}

static void put(const char *text)
{
	size_t room, len = strlen(text);
	char *at = ctl_lines_room(&l, &room);

	assert_true(room >= len);
	memcpy(at, text, len); // NOLINT(bugprone-not-null-terminated-result)
	ctl_lines_came(&l, len);
}

static void next_is(int err, const char *key)
{
	json_t *m = NULL;

	assert_int_equal(ctl_lines_next(&l, &m), err);
	if (key != NULL)
		assert_non_null(json_object_get(m, key));
	else
		assert_null(m);
	json_decref(m);
}

static void a_message_may_come_in_any_pieces(void **state)
{
	static const char text[] = "{\"a\": 1}\r\n\r\n\n{\"b\": \"x\"}\n{\"c\"";

	(void)state;
	put(text);
	next_is(0, "a");
	next_is(0, "b");
	next_is(-EAGAIN, NULL);
	put(": 3}");
	next_is(-EAGAIN, NULL);
	put("\n");
	next_is(0, "c");
	next_is(-EAGAIN, NULL);
	for (size_t i = 0, found = 0; i < sizeof(text) - 1; i++) {
		json_t *m = NULL;

		put((char[]){ text[i], '\0' });
		if (ctl_lines_next(&l, &m) == 0)
			assert_non_null(json_object_get(m, found++ ? "b" : "a"));
		json_decref(m);
	}
}

static void what_is_no_object_is_refused_and_the_next_line_is_not(void **state)
{
	static const char *const lines[] = { "x",
					     "[]",
					     "3",
					     "\"s\"",
					     "null",
					     "{",
					     "{\"a\":1}}",
					     "{\"a\":1,\"a\":2}",
					     "{\"a\":\"\xff\"}",
					     " ",
					     "{\"a\":\"\\u0000\"}" };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		put(lines[i]);
		put("\n{\"ok\": 1}\n");
		next_is(-EPROTO, NULL);
		next_is(0, "ok");
		next_is(-EAGAIN, NULL);
	}
}

static void a_line_without_end_takes_no_more_than_it_may(void **state)
{
	size_t room;
	char *at = ctl_lines_room(&l, &room);

	(void)state;
	assert_int_equal(room, CTL_LINE_MAX);
	memset(at, ' ', room);
	at[0] = '{';
	ctl_lines_came(&l, room - 2);
	next_is(-EAGAIN, NULL);
	put("}\n"); /* as long as one may be */
	assert_int_equal(ctl_lines_next(&l, &(json_t *){ NULL }), 0);
	at = ctl_lines_room(&l, &room);
	assert_int_equal(room, CTL_LINE_MAX);
	memset(at, ' ', room);
	ctl_lines_came(&l, room);
	next_is(-EAGAIN, NULL);
	(void)ctl_lines_room(&l, &room);
	assert_int_equal(room, 0);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup(t, set_up)
	const struct CMUnitTest tests[] = {
		TEST(a_message_may_come_in_any_pieces),
		TEST(what_is_no_object_is_refused_and_the_next_line_is_not),
		TEST(a_line_without_end_takes_no_more_than_it_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
