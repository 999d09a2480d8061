#include "vmm/config/yaml_text.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "vmm/config/refusal.h"

struct level {
	json_t *node; /* an object or an array, which its parent owns */
	char *key;    /* of an object: what the next value is for, or NULL */
};

struct reader {
	yaml_parser_t parser;
	json_t *root;
	struct level level[YAML_TEXT_DEPTH];
	unsigned depth, documents;
	struct text *why;
};

static int line_of(const yaml_event_t *e)
{
	return (int)e->start_mark.line + 1;
}

static int no_memory(const struct reader *r)
{
	return text_set(r->why, -ENOMEM, refuse_file_errno, text_errno(ENOMEM));
}

/* --- words ---------------------------------------------------------------- */

static bool is_one_of(const char *s, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(s, *words) == 0)
			return true;
	return false;
}

static const char *skip_digits(const char *p)
{
	while (*p >= '0' && *p <= '9')
		p++;
	return p;
}

/* A leading 0 would be octal to some and decimal to others: it is a string here. */
static bool is_integer(const char *s)
{
	const char *first = s + (*s == '-' || *s == '+');
	const char *end = skip_digits(first);

	return end > first && *end == '\0' && (*first != '0' || end == first + 1);
}

static bool is_real(const char *s)
{
	const char *first = s + (*s == '-' || *s == '+');
	const char *p = skip_digits(first);
	size_t digits = (size_t)(p - first);

	if (first[0] == '0' && digits > 1)
		return false;
	if (*p == '.') {
		const char *point = p;

		p = skip_digits(p + 1);
		digits += (size_t)(p - point) - 1;
	}
	if (digits > 0 && (*p == 'e' || *p == 'E')) {
		const char *exponent = p + 1 + (p[1] == '-' || p[1] == '+');

		p = skip_digits(exponent);
		if (p == exponent)
			return false;
	}
	return digits > 0 && *p == '\0';
}

static json_t *integer(const char *s)
{
	long long n;

	errno = 0;
	n = strtoll(s, NULL, 10);
	return errno == 0 ? json_integer(n) : NULL;
}

/* What a word without quotes is; NULL when it is a number that no variable holds. */
static json_t *plain(const char *s, size_t len)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const trues[] = { "y",    "Y",    "yes", "Yes", "YES", "true",
					     "True", "TRUE", "on",  "On",  "ON",  NULL };
	static const char *const falses[] = { "n",   "N",     "no",    "No",
					      "NO",  "false", "False", "FALSE",
					      "off", "Off",   "OFF",   NULL };

	if (is_one_of(s, nulls))
		return json_null();
	if (is_one_of(s, trues))
		return json_true();
	if (is_one_of(s, falses))
		return json_false();
	if (is_integer(s))
		return integer(s);
	if (is_real(s))
		return isfinite(strtod(s, NULL)) ? json_real(strtod(s, NULL)) : NULL;
	return json_stringn(s, len);
}

/* --- the tree ------------------------------------------------------------- */

static struct level *top(struct reader *r)
{
	return r->depth > 0 ? &r->level[r->depth - 1] : NULL;
}

static bool wants_key(struct reader *r)
{
	const struct level *l = top(r);

	return l != NULL && json_is_object(l->node) && l->key == NULL;
}

/* Takes the value over. */
static int add(struct reader *r, json_t *value)
{
	struct level *l = top(r);
	int err;

	if (value == NULL)
		return no_memory(r);
	if (l == NULL) {
		r->root = value;
		return 0;
	}
	if (json_is_array(l->node)) {
		err = json_array_append_new(l->node, value);
	} else {
		err = json_object_set_new(l->node, l->key, value);
		free(l->key);
		l->key = NULL;
	}
	return err < 0 ? no_memory(r) : 0;
}

static int add_key(struct reader *r, const yaml_event_t *e, const char *s)
{
	struct level *l = top(r);

	if (json_object_get(l->node, s) != NULL)
		return text_set(r->why, -EINVAL, refuse_yaml_twice, line_of(e), s);
	l->key = strdup(s);
	return l->key != NULL ? 0 : no_memory(r);
}

/* A tag that makes no difference: none, or !!str, or ! of what has quotes. */
static int check_tag(struct reader *r, const yaml_event_t *e, const yaml_char_t *tag)
{
	const char *s = (const char *)tag;

	if (s == NULL || strcmp(s, YAML_STR_TAG) == 0 || strcmp(s, "!") == 0)
		return 0;
	return text_set(r->why, -EINVAL, refuse_yaml_tag, line_of(e), s);
}

static int on_scalar(struct reader *r, const yaml_event_t *e)
{
	const char *s = (const char *)e->data.scalar.value;
	size_t len = e->data.scalar.length;
	bool is_plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
			e->data.scalar.tag == NULL;
	json_t *value;

	if (check_tag(r, e, e->data.scalar.tag) < 0)
		return -EINVAL;
	if (memchr(s, 0, len) != NULL)
		return text_set(r->why, -EINVAL, refuse_yaml_nul, line_of(e));
	if (wants_key(r))
		return add_key(r, e, s);
	value = is_plain ? plain(s, len) : json_stringn(s, len);
	if (value == NULL && is_plain)
		return text_set(r->why, -EINVAL, refuse_yaml_number, line_of(e), s);
	return add(r, value);
}

/* Takes node over. */
static int on_start(struct reader *r, const yaml_event_t *e, const yaml_char_t *tag,
		    json_t *node)
{
	int err = check_tag(r, e, tag);

	if (err == 0 && wants_key(r))
		err = text_set(r->why, -EINVAL, refuse_yaml_key, line_of(e));
	if (err == 0 && r->depth == YAML_TEXT_DEPTH)
		err = text_set(r->why, -EINVAL, refuse_yaml_depth, line_of(e),
			       YAML_TEXT_DEPTH);
	if (err < 0) {
		json_decref(node);
		return err;
	}
	err = add(r, node);
	if (err == 0)
		r->level[r->depth++] = (struct level){ node, NULL };
	return err;
}

static int on_event(struct reader *r, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (r->documents++ > 0)
			return text_set(r->why, -EINVAL, refuse_yaml_documents,
					line_of(e));
		return 0;
	case YAML_ALIAS_EVENT:
		return text_set(r->why, -EINVAL, refuse_yaml_alias, line_of(e),
				(const char *)e->data.alias.anchor);
	case YAML_SCALAR_EVENT:
		return on_scalar(r, e);
	case YAML_SEQUENCE_START_EVENT:
		return on_start(r, e, e->data.sequence_start.tag, json_array());
	case YAML_MAPPING_START_EVENT:
		return on_start(r, e, e->data.mapping_start.tag, json_object());
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		r->depth--;
		return 0;
	default:
		return 0;
	}
}

static int refuse_syntax(const struct reader *r)
{
	const yaml_parser_t *p = &r->parser;

	if (p->error == YAML_MEMORY_ERROR)
		return no_memory(r);
	return text_set(r->why, -EINVAL, refuse_yaml_bad, (int)p->problem_mark.line + 1,
			(int)p->problem_mark.column + 1,
			p->problem != NULL ? p->problem : "this is not YAML");
}

static int read_all(struct reader *r)
{
	bool more = true;
	int err = 0;

	while (err == 0 && more) {
		yaml_event_t e;

		if (!yaml_parser_parse(&r->parser, &e))
			return refuse_syntax(r);
		more = e.type != YAML_STREAM_END_EVENT;
		err = on_event(r, &e);
		yaml_event_delete(&e);
	}
	return err;
}

int yaml_text_load(const char *text, size_t len, json_t **out, struct text *why)
{
	struct reader r = { .why = why };
	int err;

	if (!yaml_parser_initialize(&r.parser))
		return no_memory(&r);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	err = read_all(&r);
	yaml_parser_delete(&r.parser);
	for (unsigned i = 0; i < r.depth; i++)
		free(r.level[i].key);
	if (err < 0)
		json_decref(r.root);
	else
		*out = r.root != NULL ? r.root : json_null();
	return err;
}
