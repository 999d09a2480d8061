#include "vmm/config/manifest.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "vmm/base/whole_file.h"
#include "vmm/config/blame.h"
#include "vmm/config/manifest_tree.h"
#include "vmm/config/quantity.h"
#include "vmm/config/refusal.h"
#include "vmm/config/spec_parse.h"
#include "vmm/config/yaml_text.h"

#define QUANTITY_LEN 64  /* of one in a refusal */
#define NAME_MAX_LEN 253 /* of metadata.name */

struct manifest {
	char *name; /* as given */
	struct manifest_tree tree;
};

/* --- what it is ----------------------------------------------------------- */

static int read_kind(struct manifest_tree *t, struct text *why)
{
	static const struct kind {
		const char *name, *vmi;
	} kinds[] = {
		{ "VirtualMachine", "spec.template.spec" },
		{ "VirtualMachineInstance", "spec" },
	};
	const char *version = NULL, *kind = NULL;

	if (manifest_tree_string(t, "apiVersion", &version, why) < 0 ||
	    manifest_tree_string(t, "kind", &kind, why) < 0)
		return -EINVAL;
	if (version == NULL || kind == NULL)
		return manifest_tree_blame(
			t, version == NULL ? "apiVersion" : "kind",
			text_set(why, -EINVAL, refuse_manifest_missing), why);
	if (strcmp(version, "kubevirt.io/v1") != 0 &&
	    strcmp(version, "kubevirt.io/v1alpha3") != 0)
		return manifest_tree_blame(
			t, "apiVersion",
			text_set(why, -EINVAL, refuse_manifest_api, version), why);
	for (size_t i = 0; i < 2; i++)
		if (strcmp(kinds[i].name, kind) == 0)
			t->vmi = kinds[i].vmi;
	if (t->vmi == NULL)
		return manifest_tree_blame(
			t, "kind", text_set(why, -EINVAL, refuse_manifest_kind, kind),
			why);
	return 0;
}

static int read_name(const struct manifest_tree *t, struct spec *s, struct text *why)
{
	const char *name = NULL;
	size_t good;

	if (manifest_tree_string(t, "metadata.name", &name, why) < 0)
		return -EINVAL;
	if (name == NULL)
		return 0;
	good = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.");
	if (good == 0 || good > NAME_MAX_LEN || name[good] != '\0')
		return manifest_tree_blame(
			t, "metadata.name",
			text_set(why, -EINVAL, refuse_manifest_name, name), why);
	s->name = name;
	return 0;
}

static int check_architecture(const struct manifest_tree *t, struct text *why)
{
	const char *name = NULL, *here = "amd64";
	struct utsname host;

	if (manifest_tree_string(t, "$.architecture", &name, why) < 0)
		return -EINVAL;
	if (uname(&host) == 0 && strcmp(host.machine, "aarch64") == 0)
		here = "arm64";
	if (name == NULL || strcmp(name, here) == 0)
		return 0;
	return manifest_tree_blame(
		t, "$.architecture",
		text_set(why, -EINVAL, refuse_manifest_arch, name, here), why);
}

/* --- CPUs ----------------------------------------------------------------- */

/* As the user wrote it; in YAML a quantity may be a number, too. 0 or -EINVAL. */
static int quantity_text(const json_t *value, char text[QUANTITY_LEN])
{
	if (json_is_integer(value))
		(void)snprintf(text, QUANTITY_LEN, "%" JSON_INTEGER_FORMAT,
			       json_integer_value(value));
	else if (json_is_real(value))
		(void)snprintf(text, QUANTITY_LEN, "%.17g", json_real_value(value));
	else if (json_is_string(value))
		(void)snprintf(text, QUANTITY_LEN, "%s", json_string_value(value));
	else
		return -EINVAL;
	return 0;
}

static int refuse_quantity(const char *text, int err, struct text *why)
{
	switch (err) {
	case -EDOM:
		return text_set(why, -EINVAL, refuse_quantity_negative, text);
	case -ERANGE:
		return text_set(why, -EINVAL, refuse_quantity_high, text);
	default:
		return text_set(why, -EINVAL, refuse_quantity_bad, text);
	}
}

/* 0; or -ENOENT when there is none, or -EINVAL with *why. */
static int get_quantity(const struct manifest_tree *t, const char *path,
			char text[QUANTITY_LEN], uint64_t *out, struct text *why)
{
	const json_t *value = manifest_tree_find(t, path);
	int err;

	if (value == NULL)
		return -ENOENT;
	if (quantity_text(value, text) < 0) {
		(void)manifest_tree_wrong_type(t, path, "a quantity", value, why);
		return -EINVAL;
	}
	err = quantity_parse(json_is_string(value) ? json_string_value(value) : text,
			     out);
	if (err == 0)
		return 0;
	(void)manifest_tree_blame(t, path, refuse_quantity(text, err, why), why);
	return -EINVAL;
}

static int set_count(const struct manifest_tree *t, const char *path, const char *key,
		     int64_t value, struct spec *s, struct text *why)
{
	return spec_set_cpus(key, value, s, why) < 0
		       ? manifest_tree_blame(t, path, -EINVAL, why)
		       : 0;
}

/* *given says whether one is there that is not 0. */
static int read_topology(const struct manifest_tree *t, struct spec *s, bool *given,
			 struct text *why)
{
	static const char *const keys[] = { "sockets", "cores", "threads", "maxSockets" };

	for (size_t i = 0; i < 4; i++) {
		char path[MANIFEST_PATH_LEN];
		const json_t *value;
		bool is_max = i == 3;
		int64_t n;

		(void)snprintf(path, sizeof(path), "$.domain.cpu.%s", keys[i]);
		value = manifest_tree_find(t, path);
		if (value == NULL)
			continue;
		if (!json_is_integer(value))
			return manifest_tree_wrong_type(t, path, "a whole number", value,
							why);
		n = json_integer_value(value);
		*given |= n != 0 && !is_max;
		if (n == 0 && is_max)
			continue;
		if (set_count(t, path, keys[i], n == 0 ? 1 : n, s, why) < 0)
			return -EINVAL;
	}
	return 0;
}

/* Without a topology, the sockets are the limit of CPU time, or else the request. */
static int read_cpus(const struct manifest_tree *t, struct spec *s, struct text *why)
{
	static const char *const paths[] = { "$.domain.resources.limits.cpu",
					     "$.domain.resources.requests.cpu" };
	bool given = false;
	int err = read_topology(t, s, &given, why);

	for (size_t i = 0; err == 0 && i < 2; i++) {
		uint64_t cpus = 0;
		char text[QUANTITY_LEN];

		err = get_quantity(t, paths[i], text, &cpus, why);
		if (err == -ENOENT) {
			err = 0;
			continue;
		}
		if (err < 0 || given || cpus == 0)
			continue;
		given = true;
		err = set_count(t, paths[i], "sockets", (int64_t)cpus, s, why);
	}
	return err;
}

/* --- memory --------------------------------------------------------------- */

enum { GUEST, REQUEST, LIMIT };

static const char *const memory_paths[] = {
	[GUEST] = "$.domain.memory.guest",
	[REQUEST] = "$.domain.resources.requests.memory",
	[LIMIT] = "$.domain.resources.limits.memory",
};

struct memory {
	bool given;
	uint64_t bytes;
	char text[QUANTITY_LEN];
};

static int above_limit(const struct manifest_tree *t, int which, const struct memory *mem,
		       struct text *why)
{
	char limit[MANIFEST_PATH_LEN];

	manifest_tree_path(t, memory_paths[LIMIT], limit);
	if (which == GUEST)
		text_set(why, -EINVAL, refuse_memory_limit, mem[GUEST].text, limit,
			 mem[LIMIT].text);
	else
		text_set(why, -EINVAL, refuse_memory_request, mem[REQUEST].text, limit,
			 mem[LIMIT].text);
	return manifest_tree_blame(t, memory_paths[which], -EINVAL, why);
}

static int get_memory(const struct manifest_tree *t, struct memory *mem, struct text *why)
{
	for (int i = GUEST; i <= LIMIT; i++) {
		int err =
			get_quantity(t, memory_paths[i], mem[i].text, &mem[i].bytes, why);

		if (err < 0 && err != -ENOENT)
			return err;
		mem[i].given = err == 0;
	}
	return 0;
}

/* A limit of 0 is none. */
static int read_memory(const struct manifest_tree *t, struct spec *s, struct text *why)
{
	struct memory mem[3];

	if (get_memory(t, mem, why) < 0)
		return -EINVAL;
	mem[LIMIT].given &= mem[LIMIT].bytes > 0;
	for (int i = GUEST; i <= REQUEST; i++)
		if (mem[i].given && mem[LIMIT].given && mem[i].bytes > mem[LIMIT].bytes)
			return above_limit(t, i, mem, why);
	for (int i = GUEST; i <= LIMIT; i++)
		if (mem[i].given)
			return spec_set_memory(mem[i].text, mem[i].bytes, s, why) < 0
				       ? manifest_tree_blame(t, memory_paths[i], -EINVAL,
							     why)
				       : 0;
	return 0;
}

/* --- kernel --------------------------------------------------------------- */

static int read_kernel(const struct manifest_tree *t, struct spec *s, struct text *why)
{
	const struct {
		const char *path, **to;
	} fields[] = {
		{ "$.domain.firmware.kernelBoot.container.kernelPath", &s->kernel },
		{ "$.domain.firmware.kernelBoot.container.initrdPath", &s->initrd },
		{ "$.domain.firmware.kernelBoot.kernelArgs", &s->append },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const char *text = NULL;

		if (manifest_tree_string(t, fields[i].path, &text, why) < 0)
			return -EINVAL;
		if (text != NULL)
			*fields[i].to = text;
	}
	return 0;
}

/* --- life ----------------------------------------------------------------- */

static int read_root(struct manifest_tree *t, struct spec *s, struct text *why)
{
	static int (*const parts[])(const struct manifest_tree *t, struct spec *s,
				    struct text *why) = { read_name, read_cpus,
							  read_memory, read_kernel };
	int err;

	if (!json_is_object(t->root))
		return manifest_tree_wrong_type(t, "", "an object", t->root, why);
	err = read_kind(t, why);
	if (err == 0)
		err = manifest_tree_look(t, why);
	if (err == 0 && manifest_tree_find(t, "$.domain") == NULL)
		err = manifest_tree_blame(t, "$.domain",
					  text_set(why, -EINVAL, refuse_manifest_missing),
					  why);
	if (err == 0)
		err = check_architecture(t, why);
	for (size_t i = 0; err == 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
		err = parts[i](t, s, why);
	return err;
}

int manifest_parse(const char *path, const char *text, size_t len, struct spec *s,
		   struct text *why)
{
	struct manifest *m = calloc(1, sizeof(*m));
	struct spec new = *s;
	int err = -ENOMEM;

	if (m != NULL)
		m->name = strdup(path);
	if (m == NULL || m->name == NULL)
		blame_errno(err, why);
	else
		err = yaml_text_load(text, len, &m->tree.root, why);
	if (err == 0)
		err = read_root(&m->tree, &new, why);
	if (err < 0) {
		manifest_close(m);
		return blame_place(path, err, why);
	}
	new.from.manifest = m;
	*s = new;
	return 0;
}

int manifest_open(const char *path, struct spec *s, struct text *why)
{
	char *text;
	size_t len;
	int err = whole_file_load(path, &text, &len);

	if (err < 0)
		return blame_place(path, blame_errno(err, why), why);
	err = manifest_parse(path, text, len, s, why);
	free(text);
	return err;
}

void manifest_close(struct manifest *m)
{
	if (m == NULL)
		return;
	json_decref(m->tree.root);
	free(m->name);
	free(m);
}

const char *manifest_ignored(const struct manifest *m)
{
	return m->tree.ignored;
}

const char *manifest_name(const struct manifest *m)
{
	return m->name;
}

int manifest_blame(const struct manifest *m, const char *field, int err, struct text *why)
{
	char path[MANIFEST_PATH_LEN];

	(void)snprintf(path, sizeof(path), "$.%s", field);
	manifest_tree_blame(&m->tree, path, err, why);
	return blame_place(m->name, err, why);
}
