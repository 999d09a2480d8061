#include "vmm/config/host_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/base/whole_file.h"
#include "vmm/config/blame.h"
#include "vmm/config/json_text.h"
#include "vmm/config/refusal.h"

static const struct key {
	const char *name;
	size_t offset;
} keys[] = {
	{ "maxCpuSockets", offsetof(struct policy, max_cpu_sockets) },
	{ "maxHotplugRatio", offsetof(struct policy, max_hotplug_ratio) },
	{ "maxVcpus", offsetof(struct policy, max_vcpus) },
};

static const struct key *find_key(const char *name)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

static int read_key(const char *name, const json_t *value, struct policy *p,
		    struct text *why)
{
	const struct key *key = find_key(name);
	json_int_t n = json_integer_value(value);

	if (key == NULL)
		return text_set(why, -EINVAL, refuse_config_key, name);
	if (!json_is_integer(value))
		return json_text_wrong_type("", name, "a whole number", value, why);
	if (n < 1)
		return text_set(why, -EINVAL, refuse_config_low, name, (int64_t)n);
	if (n > UINT32_MAX)
		return text_set(why, -EINVAL, refuse_config_high, name, (int64_t)n,
				UINT32_MAX);
	*(uint32_t *)(void *)((char *)p + key->offset) = (uint32_t)n;
	return 0;
}

static int read_text(const char *text, size_t len, struct policy *p, struct text *why)
{
	const char *key;
	json_t *root, *value;
	int err = json_text_object(text, len, &root, why);

	if (err < 0)
		return err;
	json_object_foreach(root, key, value)
	{
		err = read_key(key, value, p, why);
		if (err < 0)
			break;
	}
	json_decref(root);
	return err;
}

int host_config_read(const char *path, struct policy *p, struct text *why)
{
	const char *name = path != NULL ? path : HOST_CONFIG_DEFAULT;
	struct policy new = { 0, 0, 0 };
	char *text = NULL;
	size_t len;
	int err = whole_file_load(name, &text, &len);

	if (err < 0 && !(err == -ENOENT && path == NULL))
		return blame_place(name, blame_errno(err, why), why);
	if (err == 0)
		err = read_text(text, len, &new, why);
	else
		err = 0;
	free(text);
	if (err < 0)
		return blame_place(name, err, why);
	*p = new;
	return 0;
}
