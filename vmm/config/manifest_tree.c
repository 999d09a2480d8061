#include "vmm/config/manifest_tree.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "vmm/config/blame.h"
#include "vmm/config/json_text.h"
#include "vmm/config/refusal.h"

#define CHILDREN_MAX 6

/* --- where things are ----------------------------------------------------- */

/* The maps that are looked into, from the outside to the inside, and what is known in
 * them. "$" is the spec of the instance. */
static const struct map {
	const char *path;
	bool of_vm; /* only a VirtualMachine has it */
	const char *known
		[CHILDREN_MAX]; /* read, or nothing of the machine; none: all of it */
} maps[] = {
	{ "", false, { "apiVersion", "kind", "metadata", "spec", "status" } },
	{ "metadata", false, { NULL } },
	{ "spec", true, { "template" } },
	{ "spec.template", true, { "metadata", "spec" } },
	{ "$", false, { "architecture", "domain" } },
	{ "$.domain", false, { "cpu", "memory", "resources", "firmware" } },
	{ "$.domain.cpu", false, { "sockets", "cores", "threads", "maxSockets" } },
	{ "$.domain.memory", false, { "guest" } },
	{ "$.domain.resources", false, { "requests", "limits" } },
	{ "$.domain.resources.requests", false, { "memory", "cpu" } },
	{ "$.domain.resources.limits", false, { "memory", "cpu" } },
	{ "$.domain.firmware", false, { "kernelBoot" } },
	{ "$.domain.firmware.kernelBoot", false, { "kernelArgs", "container" } },
	{ "$.domain.firmware.kernelBoot.container",
	  false,
	  { "kernelPath", "initrdPath" } },
};

void manifest_tree_path(const struct manifest_tree *t, const char *path,
			char out[MANIFEST_PATH_LEN])
{
	bool in_vmi = path[0] == '$';

	(void)snprintf(out, MANIFEST_PATH_LEN, "%s%s", in_vmi ? t->vmi : "",
		       path + in_vmi);
}

const json_t *manifest_tree_find(const struct manifest_tree *t, const char *path)
{
	const json_t *at = t->root;
	char full[MANIFEST_PATH_LEN];

	manifest_tree_path(t, path, full);
	for (const char *p = full; *p != '\0' && at != NULL;) {
		size_t len = strcspn(p, ".");

		at = json_object_getn(at, p, len);
		p += len + (p[len] == '.');
	}
	return json_is_null(at) ? NULL : at;
}

int manifest_tree_blame(const struct manifest_tree *t, const char *path, int err,
			struct text *why)
{
	char full[MANIFEST_PATH_LEN];

	manifest_tree_path(t, path, full);
	return full[0] != '\0' ? blame_place(full, err, why) : err;
}

int manifest_tree_wrong_type(const struct manifest_tree *t, const char *path,
			     const char *wanted, const json_t *found, struct text *why)
{
	char full[MANIFEST_PATH_LEN];

	manifest_tree_path(t, path, full);
	return json_text_wrong_type("", full[0] != '\0' ? full : "the whole", wanted,
				    found, why);
}

int manifest_tree_string(const struct manifest_tree *t, const char *path,
			 const char **out, struct text *why)
{
	const json_t *value = manifest_tree_find(t, path);

	if (value != NULL && !json_is_string(value))
		return manifest_tree_wrong_type(t, path, "a string", value, why);
	*out = json_string_value(value);
	return 0;
}

/* --- what has no meaning here --------------------------------------------- */

static bool is_in(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n && words[i] != NULL; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

/* The user's own words must not break the line. */
static void ignore(struct manifest_tree *t, const char *path, const char *key)
{
	size_t len = strlen(t->ignored);

	if (len + MANIFEST_PATH_LEN + 8 > MANIFEST_IGNORED_LEN) {
		if (strcmp(t->ignored + len - 3, "...") != 0)
			(void)snprintf(t->ignored + len, MANIFEST_IGNORED_LEN - len,
				       ", ...");
		return;
	}
	(void)snprintf(t->ignored + len, MANIFEST_PATH_LEN, "%s%.90s%s%.60s",
		       len > 0 ? ", " : "", path, path[0] != '\0' ? "." : "", key);
	text_make_printable(t->ignored + len);
}

/* A topology that is misspelt must not be a topology that is not given. */
static int check_cpu_key(const char *key, struct text *why)
{
	static const char *const others[] = {
		"model", "features", "dedicatedCpuPlacement", "isolateEmulatorThread",
		"numa",  "realtime",
	};

	if (is_in(key, others, sizeof(others) / sizeof(others[0])))
		return 0;
	return text_set(why, -EINVAL, refuse_manifest_cpu, key);
}

static int look_into(struct manifest_tree *t, const struct map *map, struct text *why)
{
	json_t *node = (json_t *)manifest_tree_find(t, map->path), *value;
	bool is_cpu = strcmp(map->path, "$.domain.cpu") == 0;
	char path[MANIFEST_PATH_LEN];
	const char *key;

	if (node == NULL)
		return 0;
	if (!json_is_object(node))
		return manifest_tree_wrong_type(t, map->path, "an object", node, why);
	if (map->known[0] == NULL)
		return 0;
	manifest_tree_path(t, map->path, path);
	json_object_foreach(node, key, value)
	{
		if (is_in(key, map->known, CHILDREN_MAX))
			continue;
		if (is_cpu && check_cpu_key(key, why) < 0)
			return manifest_tree_blame(t, map->path, -EINVAL, why);
		ignore(t, path, key);
	}
	return 0;
}

int manifest_tree_look(struct manifest_tree *t, struct text *why)
{
	bool is_vm = strcmp(t->vmi, "spec") != 0;
	int err = 0;

	for (size_t i = 0; err == 0 && i < sizeof(maps) / sizeof(maps[0]); i++)
		if (is_vm || !maps[i].of_vm)
			err = look_into(t, &maps[i], why);
	return err;
}
