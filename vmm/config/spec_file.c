#include "vmm/config/spec_file.h"

#include <errno.h>
#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/whole_file.h"
#include "vmm/config/blame.h"
#include "vmm/config/json_text.h"
#include "vmm/config/option.h"
#include "vmm/config/refusal.h"
#include "vmm/config/spec_parse.h"

struct spec_file {
	char *name; /* as given */
	struct whole_file file;
	json_t *root;     /* as it was at the start: holds the strings of the spec */
	uint32_t sockets; /* what the file says; 0: unknown */
};

const char *spec_file_name(const struct spec_file *f)
{
	return f->name;
}

int spec_file_blame(const struct spec_file *f, const char *field, int err,
		    struct text *why)
{
	if (field[0] != '\0')
		blame_place(field, err, why);
	return blame_place(f->name, err, why);
}

/* --- what the file says --------------------------------------------------- */

/* "kernel, initrd, ..." */
static int refuse_key(const char *name, struct text *why)
{
	struct text all = { "" };
	size_t len = 0;

	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (option_rows[i].of_spec)
			len += (size_t)snprintf(all.s + len, sizeof(all.s) - len, "%s%s",
						len > 0 ? ", " : "", option_rows[i].name);
	return text_set(why, -EINVAL, refuse_spec_key, name, all.s);
}

/* Puts the path of a field before what its value was refused for. */
static int blame_field(const char *in, const char *key, int err, struct text *why)
{
	char path[64];

	if (err == 0)
		return 0;
	(void)snprintf(path, sizeof(path), "%s%s", in, key);
	return blame_place(path, err, why);
}

static int read_cpus(const json_t *cpus, struct spec *s, struct text *why)
{
	const char *key;
	json_t *value;

	if (!json_is_object(cpus))
		return json_text_wrong_type("", "cpus", "an object", cpus, why);
	json_object_foreach((json_t *)cpus, key, value)
	{
		int err = spec_set_cpus(key, json_integer_value(value), s, why);

		if (err == -ENOENT) /* whatever its value is */
			return -EINVAL;
		if (!json_is_integer(value))
			return json_text_wrong_type("cpus.", key, "a whole number", value,
						    why);
		if (err < 0)
			return blame_field("cpus.", key, err, why);
	}
	return 0;
}

static int read_key(const char *name, const json_t *value, struct spec *s,
		    struct text *why)
{
	int id = option_find_key(name);

	if (id < 0)
		return refuse_key(name, why);
	if (id == OPTION_cpus)
		return read_cpus(value, s, why);
	if (!json_is_string(value))
		return json_text_wrong_type("", name, "a string", value, why);
	return blame_field(
		"", name,
		option_set((enum option_id)id, json_string_value(value), true, s, why),
		why);
}

static int read_root(json_t *root, struct spec *s, struct text *why)
{
	const char *key;
	json_t *value;
	int err = 0;

	json_object_foreach(root, key, value)
	{
		err = read_key(key, value, s, why);
		if (err < 0)
			break;
	}
	return err;
}

/* --- the file ------------------------------------------------------------- */

static int refuse_errno(int err, struct text *why)
{
	if (err == -EWOULDBLOCK)
		return text_set(why, err, refuse_file_busy);
	return blame_errno(err, why);
}

static int parse(struct spec_file *f, json_t **out, struct text *why)
{
	char *text;
	size_t len;
	int err = whole_file_read(&f->file, &text, &len);

	if (err < 0)
		return refuse_errno(err, why);
	err = json_text_object(text, len, out, why);
	free(text);
	return err;
}

static int set_one(json_t *cpus, enum spec_cpu k, uint32_t value)
{
	if (value != 0)
		return json_object_set_new(cpus, spec_cpu_name(k), json_integer(value));
	(void)json_object_del(cpus, spec_cpu_name(k)); /* it may be missing already */
	return 0;
}

static int set_cpus(json_t *root, const bool named[SPEC_CPU_KEYS],
		    const uint32_t value[SPEC_CPU_KEYS], struct text *why)
{
	json_t *cpus = json_object_get(root, "cpus");
	int err = 0;

	if (cpus == NULL) {
		cpus = json_object();
		err = json_object_set_new(root, "cpus", cpus);
	}
	if (err == 0 && !json_is_object(cpus))
		return json_text_wrong_type("", "cpus", "an object", cpus, why);
	for (int i = 0; err == 0 && i < SPEC_CPU_KEYS; i++)
		if (named[i])
			err = set_one(cpus, (enum spec_cpu)i, value[i]);
	return err < 0 ? text_set(why, -ENOMEM, "%s", text_errno(ENOMEM)) : 0;
}

static int write_root(struct spec_file *f, const json_t *root, struct text *why)
{
	char *text = json_dumps(root, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	int err = -ENOMEM;

	if (text != NULL) {
		size_t len = strlen(text);

		text[len] = '\n'; /* in place of the final 0 */
		err = whole_file_replace(&f->file, text, len + 1);
	}
	free(text);
	return err < 0 ? refuse_errno(err, why) : 0;
}

/* The file is read again: what the user changed meanwhile is not ours to undo. */
static int keep(struct spec_file *f, const bool named[SPEC_CPU_KEYS],
		const uint32_t value[SPEC_CPU_KEYS], struct text *why)
{
	json_t *root = NULL;
	int err = parse(f, &root, why);

	if (root == NULL)
		return err;
	err = set_cpus(root, named, value, why);
	if (err == 0)
		err = write_root(f, root, why);
	json_decref(root);
	return err;
}

int spec_file_keep_sockets(struct spec_file *f, uint32_t sockets, struct text *why)
{
	const bool named[SPEC_CPU_KEYS] = { [SPEC_SOCKETS] = true };
	const uint32_t value[SPEC_CPU_KEYS] = { [SPEC_SOCKETS] = sockets };
	int err;

	if (sockets == f->sockets)
		return 0;
	f->sockets = 0;
	err = keep(f, named, value, why);
	if (err == 0)
		f->sockets = sockets;
	return err;
}

int spec_file_keep_stored(struct spec_file *f, const bool named[SPEC_CPU_KEYS],
			  const uint32_t stored[SPEC_CPU_KEYS], struct text *why)
{
	bool others[SPEC_CPU_KEYS];

	for (int k = 0; k < SPEC_CPU_KEYS; k++)
		others[k] = named[k] && k != SPEC_SOCKETS;
	return keep(f, others, stored, why);
}

/* --- life ----------------------------------------------------------------- */

static int open_and_read(struct spec_file *f, const char *name, struct spec *s,
			 struct text *why)
{
	int err;

	f->name = strdup(name);
	err = f->name != NULL ? whole_file_open(&f->file, name) : -ENOMEM;
	if (err < 0)
		return refuse_errno(err, why);
	err = parse(f, &f->root, why);
	return err < 0 ? err : read_root(f->root, s, why);
}

int spec_file_open(const char *path, struct spec *s, struct text *why)
{
	struct spec_file *f = calloc(1, sizeof(*f));
	struct spec new = *s;
	int err;

	if (f == NULL)
		return refuse_errno(-ENOMEM, why);
	f->file = (struct whole_file){ .at = FILE_AT_CLOSED, .fd = -1 };
	err = open_and_read(f, path, &new, why);
	if (err < 0) {
		spec_file_close(f);
		return blame_place(path, err, why);
	}
	f->sockets = new.cpus.sockets;
	new.from.file = f;
	*s = new;
	return 0;
}

void spec_file_close(struct spec_file *f)
{
	if (f == NULL)
		return;
	whole_file_close(&f->file);
	json_decref(f->root);
	free(f->name);
	free(f);
}
