#include "vmm/config/json_text.h"

#include <errno.h>

#include "vmm/config/refusal.h"

int json_text_wrong_type(const char *in, const char *key, const char *wanted,
			 const json_t *found, struct text *why)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object",
		[JSON_ARRAY] = "an array",
		[JSON_STRING] = "a string",
		[JSON_INTEGER] = "a number",
		[JSON_REAL] = "a number with a fraction",
		[JSON_TRUE] = "true",
		[JSON_FALSE] = "false",
		[JSON_NULL] = "null",
	};

	return text_set(why, -EINVAL, refuse_wrong_type, in, key, wanted,
			names[json_typeof(found)]);
}

int json_text_object(const char *text, size_t len, json_t **out, struct text *why)
{
	json_error_t e;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);

	if (root == NULL)
		return text_set(why, -EINVAL, refuse_json_bad, e.line, e.column, e.text);
	if (!json_is_object(root)) {
		int err = json_text_wrong_type("", "the whole", "an object", root, why);

		json_decref(root);
		return err;
	}
	*out = root;
	return 0;
}
