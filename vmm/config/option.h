#ifndef VMM_CONFIG_OPTION_H
#define VMM_CONFIG_OPTION_H
/* option: the rows of options.def, and those of them that set a field of the spec, for
 * the command line and for spec files. Main only. */

#include <stdbool.h>
#include <stddef.h>

#include "vmm/base/text.h"
#include "vmm/config/spec.h"

enum option_id {
#define STRING(id, name, argument, values, help)  OPTION_##id,
#define PARSED(id, name, argument, values, help)  OPTION_##id,
#define COMMAND(id, name, argument, values, help) OPTION_##id,
#define HEADING(text)
#include "vmm/config/options.def"
#undef STRING
#undef PARSED
#undef COMMAND
#undef HEADING
	OPTION_COUNT
};

struct option_row {
	const char *name;     /* without --; of a spec file the key */
	const char *argument; /* what its value is called; NULL: it takes none */
	bool of_spec;
	size_t field; /* of a string: where in the spec it is kept */
	int (*parse)(const char *text, struct spec *s, struct text *why); /* else */
};

extern const struct option_row option_rows[OPTION_COUNT];

/* The row of_spec with this name, or -ENOENT. */
int option_find_key(const char *name);

/* Makes the spec what the text says; id is of_spec. *s keeps a pointer into the text, and
 * remembers whether it was the file that said so. 0; or -EINVAL with *why. */
int option_set(enum option_id id, const char *text, bool by_file, struct spec *s,
	       struct text *why);

#endif
