#include "tools/ctl/yaml.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

static bool emit_value(yaml_emitter_t *e, const json_t *value);

/* What is plain text to every reader of YAML 1.1 and 1.2, as far as its start tells;
 * libyaml looks at the rest. */
static bool is_plain(const char *s)
{
	static const char *const words[] = { "true", "false", "yes", "no", "on",
					     "off",  "null",  "y",   "n" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcasecmp(s, words[i]) == 0)
			return false;
	return isascii(s[0]) && isalpha((unsigned char)s[0]) && strchr(s, '\n') == NULL;
}

static bool emit_scalar(yaml_emitter_t *e, const char *text, size_t len, bool plain)
{
	yaml_event_t event;

	return yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
					    (int)len, 1, 1,
					    plain ? YAML_PLAIN_SCALAR_STYLE
						  : YAML_DOUBLE_QUOTED_SCALAR_STYLE) &&
	       yaml_emitter_emit(e, &event);
}

/* Numbers, true, false, null: JSON's words are YAML's. */
static bool emit_word(yaml_emitter_t *e, const json_t *value)
{
	char text[64];
	size_t len = json_dumpb(value, text, sizeof(text), JSON_ENCODE_ANY);

	return len <= sizeof(text) && emit_scalar(e, text, len, true);
}

/* NOLINTBEGIN(misc-no-recursion): as deep as the parser let it be */

static bool emit_object(yaml_emitter_t *e, const json_t *object)
{
	yaml_event_t event;
	const char *key;
	json_t *value;
	bool ok = yaml_mapping_start_event_initialize(
			  &event, NULL, NULL, 1,
			  json_object_size(object) > 0 ? YAML_BLOCK_MAPPING_STYLE
						       : YAML_FLOW_MAPPING_STYLE) &&
		  yaml_emitter_emit(e, &event);

	json_object_foreach((json_t *)object, key, value)
	{
		ok = ok && emit_scalar(e, key, strlen(key), is_plain(key)) &&
		     emit_value(e, value);
	}
	return ok && yaml_mapping_end_event_initialize(&event) &&
	       yaml_emitter_emit(e, &event);
}

static bool emit_array(yaml_emitter_t *e, const json_t *array)
{
	yaml_event_t event;
	const json_t *value;
	size_t i;
	bool ok = yaml_sequence_start_event_initialize(
			  &event, NULL, NULL, 1,
			  json_array_size(array) > 0 ? YAML_BLOCK_SEQUENCE_STYLE
						     : YAML_FLOW_SEQUENCE_STYLE) &&
		  yaml_emitter_emit(e, &event);

	json_array_foreach(array, i, value)
	{
		ok = ok && emit_value(e, value);
	}
	return ok && yaml_sequence_end_event_initialize(&event) &&
	       yaml_emitter_emit(e, &event);
}

static bool emit_value(yaml_emitter_t *e, const json_t *value)
{
	if (json_is_object(value))
		return emit_object(e, value);
	if (json_is_array(value))
		return emit_array(e, value);
	if (json_is_string(value))
		return emit_scalar(e, json_string_value(value), json_string_length(value),
				   is_plain(json_string_value(value)));
	return emit_word(e, value);
}

/* NOLINTEND(misc-no-recursion) */

static bool emit_document(yaml_emitter_t *e, const json_t *document)
{
	yaml_event_t event;

	return yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) &&
	       yaml_emitter_emit(e, &event) &&
	       yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) &&
	       yaml_emitter_emit(e, &event) && emit_value(e, document) &&
	       yaml_document_end_event_initialize(&event, 1) &&
	       yaml_emitter_emit(e, &event) && yaml_stream_end_event_initialize(&event) &&
	       yaml_emitter_emit(e, &event);
}

int yaml_print(const json_t *document, FILE *out)
{
	yaml_emitter_t e;
	bool ok;

	if (!yaml_emitter_initialize(&e))
		return -ENOMEM;
	yaml_emitter_set_output_file(&e, out);
	yaml_emitter_set_width(&e, -1); /* a line of text stays one */
	ok = emit_document(&e, document);
	yaml_emitter_delete(&e);
	return ok ? 0 : -EIO;
}
