#include "vmm/config/patch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/config/blame.h"
#include "vmm/config/json_text.h"
#include "vmm/config/refusal.h"
#include "vmm/config/spec_parse.h"

int patch_type(const char *type, bool *is_json, struct text *why)
{
	*is_json = type != NULL && strcmp(type, "json") == 0;
	if (type != NULL && !*is_json && strcmp(type, "merge") != 0)
		return text_set(why, -EINVAL, refuse_patch_type, type);
	return 0;
}

int patch_blame(const struct patch *p, enum spec_cpu k, int err, struct text *why)
{
	char place[PATCH_PLACE_LEN + 16];

	if (!p->named[k])
		return err;
	(void)snprintf(place, sizeof(place), "%s%s", p->place, spec_cpu_name(k));
	return blame_place(place, err, why);
}

/* Sockets are judged by those who know the VM. */
static int set(struct patch *p, enum spec_cpu k, const json_t *value, struct text *why)
{
	const char *name = spec_cpu_name(k);
	uint32_t count;

	if (!json_is_integer(value))
		return json_text_wrong_type(p->place, name, "a whole number", value, why);
	p->cpu[k] = json_integer_value(value);
	p->named[k] = true;
	if (k == SPEC_SOCKETS || spec_check_count(name, p->cpu[k], &count, why) == 0)
		return 0;
	return patch_blame(p, k, -EINVAL, why);
}

/* --- merge patch ---------------------------------------------------------- */

/* The way down to the numbers: each level knows these keys, and where they lead. */
enum level { ROOT, SPEC, TEMPLATE, TEMPLATE_SPEC, DOMAIN, CPU, NLEVELS };

static const struct {
	const char *key;
	enum level to;
} down[NLEVELS][2] = {
	[ROOT] = { { "spec", SPEC } },
	[SPEC] = { { "template", TEMPLATE }, { "domain", DOMAIN } },
	[TEMPLATE] = { { "spec", TEMPLATE_SPEC } },
	[TEMPLATE_SPEC] = { { "domain", DOMAIN } },
	[DOMAIN] = { { "cpu", CPU } },
};

/* NLEVELS when it leads nowhere. */
static enum level lead(enum level from, const char *key)
{
	for (int i = 0; i < 2; i++)
		if (down[from][i].key != NULL && strcmp(down[from][i].key, key) == 0)
			return down[from][i].to;
	return NLEVELS;
}

static int refuse_key(const struct patch *p, const char *key, struct text *why)
{
	char path[PATCH_PLACE_LEN + 48];

	(void)snprintf(path, sizeof(path), "%s%.40s", p->place, key);
	text_set(why, -EINVAL, refuse_patch_key, key);
	return blame_place(path, -EINVAL, why);
}

static int merge_cpu(struct patch *p, const json_t *cpu, struct text *why)
{
	const char *key;
	json_t *value;
	int err = 0;

	json_object_foreach((json_t *)cpu, key, value)
	{
		int k = spec_find_cpu(key);

		err = k < 0 ? refuse_key(p, key, why)
			    : set(p, (enum spec_cpu)k, value, why);
		if (err < 0)
			break;
	}
	return err;
}

/* Goes one level down, where the object *o has but one key; NULL: it has none. */
static int step(struct patch *p, enum level *at, const json_t **o, struct text *why)
{
	size_t len = strlen(p->place);
	const char *key, *found = "";
	const json_t *next = NULL;
	enum level to = *at;
	json_t *value;

	json_object_foreach((json_t *)*o, key, value)
	{
		to = lead(*at, key);
		if (to == NLEVELS)
			return refuse_key(p, key, why);
		if (!json_is_object(value))
			return json_text_wrong_type(p->place, key, "an object", value,
						    why);
		if (next != NULL)
			return text_set(why, -EINVAL, refuse_patch_shapes);
		next = value;
		found = key;
	}
	(void)snprintf(p->place + len, sizeof(p->place) - len, "%s.", found);
	*at = to;
	*o = next;
	return 0;
}

static int merge(struct patch *p, const json_t *patch, struct text *why)
{
	enum level at = ROOT;
	int err = 0;

	if (!json_is_object(patch))
		return json_text_wrong_type("", "a merge patch", "an object", patch, why);
	while (err == 0 && patch != NULL && at != CPU)
		err = step(p, &at, &patch, why);
	return err < 0 || patch == NULL ? err : merge_cpu(p, patch, why);
}

/* --- JSON patch ----------------------------------------------------------- */

static int replace(struct patch *p, enum spec_cpu k, const char *path,
		   const json_t *value, struct text *why)
{
	(void)path;
	return set(p, k, value, why);
}

static int test(struct patch *p, enum spec_cpu k, const char *path, const json_t *value,
		struct text *why)
{
	if (json_is_integer(value) && json_integer_value(value) == p->cpu[k])
		return 0;
	return text_set(why, -EINVAL, refuse_patch_test, path, p->cpu[k]);
}

/* To add a member that is there replaces it (RFC 6902, 4.1), and each of them is
 * there. */
static const struct operation {
	const char *name;
	int (*run)(struct patch *p, enum spec_cpu k, const char *path,
		   const json_t *value, struct text *why);
} operations[] = {
	{ "add", replace },
	{ "replace", replace },
	{ "test", test },
};

static const struct operation *find_operation(const char *name)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		if (strcmp(operations[i].name, name) == 0)
			return &operations[i];
	return NULL;
}

/* The number that path points to, or -ENOENT. */
static int find_path(struct patch *p, const char *path)
{
	static const char *const places[] = { "/spec/template/spec/domain/cpu/",
					      "/spec/domain/cpu/" };

	for (int i = 0; i < 2; i++) {
		size_t len = strlen(places[i]);

		if (strncmp(path, places[i], len) != 0)
			continue;
		(void)snprintf(p->place, sizeof(p->place), "%s", places[i]);
		return spec_find_cpu(path + len);
	}
	return -ENOENT;
}

static int refuse_missing(const char *place, const char *name, struct text *why)
{
	char path[48];

	(void)snprintf(path, sizeof(path), "%s%s", place, name);
	return text_set(why, -EINVAL, refuse_patch_missing, path);
}

static int blame_member(const char *place, const char *name, struct text *why)
{
	char path[48];

	(void)snprintf(path, sizeof(path), "%s%s", place, name);
	return blame_place(path, -EINVAL, why);
}

/* A string member of the operation at place "[0]."; NULL with *why. */
static const char *member(const json_t *o, const char *place, const char *name,
			  struct text *why)
{
	const json_t *value = json_object_get(o, name);

	if (value == NULL)
		refuse_missing(place, name, why);
	else if (!json_is_string(value))
		json_text_wrong_type(place, name, "a string", value, why);
	return json_string_value(value);
}

static int operate(struct patch *p, const char *place, const json_t *o, struct text *why)
{
	const char *op = member(o, place, "op", why);
	const char *path = op != NULL ? member(o, place, "path", why) : NULL;
	const json_t *value = json_object_get(o, "value");
	const struct operation *operation;
	int k;

	if (path == NULL)
		return -EINVAL;
	operation = find_operation(op);
	if (operation == NULL) {
		text_set(why, -EINVAL, refuse_patch_op, op);
		return blame_member(place, "op", why);
	}
	k = find_path(p, path);
	if (k < 0) {
		text_set(why, -EINVAL, refuse_patch_path, path);
		return blame_member(place, "path", why);
	}
	if (value == NULL)
		return refuse_missing(place, "value", why);
	return operation->run(p, (enum spec_cpu)k, path, value, why);
}

static int operate_all(struct patch *p, const json_t *patch, struct text *why)
{
	char place[32];
	const json_t *o;
	int err = 0;
	size_t i;

	if (!json_is_array(patch))
		return json_text_wrong_type("", "a JSON patch", "an array", patch, why);
	json_array_foreach(patch, i, o)
	{
		(void)snprintf(place, sizeof(place), "[%zu].", i);
		if (!json_is_object(o))
			return json_text_wrong_type("", "each operation", "an object", o,
						    why);
		err = operate(p, place, o, why);
		if (err < 0)
			break;
	}
	return err;
}

int patch_read(const json_t *patch, bool is_json, const uint32_t cpu[SPEC_CPU_KEYS],
	       struct patch *p, struct text *why)
{
	*p = (struct patch){ .place = "" };
	for (int k = 0; k < SPEC_CPU_KEYS; k++)
		p->cpu[k] = cpu[k];
	return is_json ? operate_all(p, patch, why) : merge(p, patch, why);
}
