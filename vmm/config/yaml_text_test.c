#include "vmm/config/yaml_text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void each_kind_of_value_is_what_kubernetes_takes_it_for(void **state)
{
	/* clang-format off */
	static const struct {
		const char *yaml, *json;
	} cases[] = {
		{ "", "null" },
		{ "# nothing", "null" },
		{ "---\na: 1\n", "{\"a\":1}" },
		{ "a: 1\n...\n", "{\"a\":1}" },
		{ "a:\n  b:\n  - 1\n  - c: d\n    e: f\n", "{\"a\":{\"b\":[1,{\"c\":\"d\",\"e\":\"f\"}]}}" },
		{ "{\"a\": [1, \"2\", true, null, -3, 1.5]}", "{\"a\":[1,\"2\",true,null,-3,1.5]}" },
		{ "{\"a\":\t{\"b\":\t\"\\/\\u00e4\"}}", "{\"a\":{\"b\":\"/ä\"}}" },
		{ "[~, null, Null, yes, Off, 'no', \"on\"]", "[null,null,null,true,false,\"no\",\"on\"]" },
		{ "a:", "{\"a\":null}" },
		{ "[0, 7, -7, +7, 9223372036854775807]", "[0,7,-7,7,9223372036854775807]" },
		{ "[010, 0x10, 0b1, 1_000, 1:30, 08, 00.5]", "[\"010\",\"0x10\",\"0b1\",\"1_000\",\"1:30\",\"08\",\"00.5\"]" },
		{ "[1e3, 1.5e+3, .5, 5., -0.5]", "[1000.0,1500.0,0.5,5.0,-0.5]" },
		{ "[., -, 1e, e1, 1.2.3, .inf]", "[\".\",\"-\",\"1e\",\"e1\",\"1.2.3\",\".inf\"]" },
		{ "[2Gi, 512M, 1.5Gi]", "[\"2Gi\",\"512M\",\"1.5Gi\"]" },
		{ "[!!str 5, ! '5', !!str true]", "[\"5\",\"5\",\"true\"]" },
		{ "a: &x 1\nb: |\n  two\n  lines\n", "{\"a\":1,\"b\":\"two\\nlines\\n\"}" },
		{ "1: a\ntrue: b\n~: c\n", "{\"1\":\"a\",\"true\":\"b\",\"~\":\"c\"}" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text why = { "" };
		json_t *root;
		char *found;

		assert_int_equal(
			yaml_text_load(cases[i].yaml, strlen(cases[i].yaml), &root, &why),
			0);
		found = json_dumps(root, JSON_COMPACT | JSON_ENCODE_ANY);
		assert_string_equal(found, cases[i].json);
		free(found);
		json_decref(root);
	}
}

static void refused(const char *text, size_t len, const char *words)
{
	json_t *root = NULL;
	struct text why;

	assert_int_equal(yaml_text_load(text, len, &root, &why), -EINVAL);
	assert_null(root);
	if (strstr(why.s, words) == NULL)
		fail_msg("'%s' lacks '%s'", why.s, words);
}

static void what_is_not_read_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "a: 1\na: 2\n", "line 2: duplicate key 'a'; keep one" },
		{ "a:\n  b: 1\n  'b':\n", "line 3: duplicate key 'b'" },
		{ "a: 1\n---\nb: 1\n", "line 2: a second document; give one document" },
		{ "a: 1\n---\n", "line 2: a second document" },
		{ "a: &x 1\nb: *x\n", "line 2: aliases are not read, and '*x' is one" },
		{ "a: &x [*x]\n", "line 1: aliases are not read" },
		{ "b: &x {c: 1}\na:\n  <<: *x\n", "line 3: aliases are not read" },
		{ "a: !!int 5\n",
		  "line 1: the tag 'tag:yaml.org,2002:int' is not known" },
		{ "a: !!binary aGk=\n", "line 1: the tag" },
		{ "a: !x {}\n", "line 1: the tag '!x' is not known" },
		{ "a: !x []\n", "line 1: the tag '!x' is not known" },
		{ "? [a]\n: 1\n", "line 1: a key must be a word" },
		{ "{a: 1, {b: c}: 2}", "line 1: a key must be a word" },
		{ "a: \"x\\0y\"\n", "line 1: a word has a zero byte" },
		{ "\n\"x\\0y\": 1\n", "line 2: a word has a zero byte" },
		{ "a: 9223372036854775808\n",
		  "line 1: 9223372036854775808 is too large a" },
		{ "a: 1e999\n", "line 1: 1e999 is too large a number" },
		{ "a: [1\n", "line 2, column 1: did not find expected ',' or ']'" },
		{ "a: 'b\n", "line 2, column 1: found unexpected end of stream" },
		{ "a:\n\tb: 1\n", "line 2, column 1: found character that cannot start" },
		{ "a: 1\n b: 2\n", "line 2, column 3: mapping values are not allowed" },
		{ "a: \xff\n", "invalid leading UTF-8 octet" },
		{ "a: \x01\n", "control characters are not allowed" },
		{ "%YAML 3.0\n---\na: 1\n", "line 1, column 1: found incompatible YAML" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		refused(cases[i].text, strlen(cases[i].text), cases[i].why);
	refused("a: b\0c", 6, "control characters are not allowed");
}

static void depth_is_bounded(void **state)
{
	char text[100000];
	json_t *root;
	struct text why;

	(void)state;
	memset(text, '[', sizeof(text));
	refused(text, sizeof(text), "line 1: more than 32 levels");
	refused(text, YAML_TEXT_DEPTH + 1, "line 1: more than 32 levels");
	memset(text + YAML_TEXT_DEPTH, ']', YAML_TEXT_DEPTH);
	assert_int_equal(yaml_text_load(text, (size_t)2 * YAML_TEXT_DEPTH, &root, &why),
			 0);
	json_decref(root);
	memset(text, '-', sizeof(text));
	for (size_t i = 1; i < sizeof(text); i += 2)
		text[i] = ' ';
	refused(text, sizeof(text), "line 1: more than 32 levels");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_value_is_what_kubernetes_takes_it_for),
		cmocka_unit_test(what_is_not_read_is_refused_with_its_line),
		cmocka_unit_test(depth_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
