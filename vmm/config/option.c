#include "vmm/config/option.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "vmm/config/spec_parse.h"

static_assert(OPTION_COUNT <= 32, "spec.from.options has a bit for each");

const struct option_row option_rows[OPTION_COUNT] = {
#define STRING(id, name, argument, values, help)                                         \
	{ name, argument, true, offsetof(struct spec, id), NULL },
#define PARSED(id, name, argument, values, help)                                         \
	{ name, argument, true, 0, spec_parse_##id },
#define COMMAND(id, name, argument, values, help) { name, argument, false, 0, NULL },
#define HEADING(text)
#include "vmm/config/options.def"
#undef STRING
#undef PARSED
#undef COMMAND
#undef HEADING
};

int option_find_key(const char *name)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		if (option_rows[i].of_spec && strcmp(option_rows[i].name, name) == 0)
			return i;
	return -ENOENT;
}

int option_set(enum option_id id, const char *text, bool by_file, struct spec *s,
	       struct text *why)
{
	const struct option_row *row = &option_rows[id];
	int err = 0;

	if (row->parse != NULL)
		err = row->parse(text, s, why);
	else
		*(const char **)(void *)((char *)s + row->field) = text;
	if (err == 0)
		s->from.options =
			(s->from.options & ~(1u << id)) | (by_file ? 1u << id : 0);
	return err;
}
