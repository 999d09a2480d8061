#ifndef TOOLS_CTL_COMMANDS_H
#define TOOLS_CTL_COMMANDS_H
/* ctl_commands: what hotsocketctl can be told to do. Each command asks the VM, shows the
 * answer, and returns an exit status. */

#include <jansson.h>
#include <stdbool.h>

#include "tools/ctl/qmp.h"
#include "tools/ctl/resize.h"

struct ctl_options {
	const char *socket;
	bool json, no_wait, trace, watch;
	enum { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_YAML } output;
	const char *patch, *type; /* NULL: the user gave none */
	long long timeout_ms;     /* 0: the user gave none */
	const char *negative;     /* "-1", where an argument is such a number; or NULL */
	const char *text;         /* --help or --version: print it, and nothing else */
};

/* Options that belong to some commands only. */
enum {
	CTL_NO_WAIT = 1 << 0,
	CTL_TRACE = 1 << 1,
	CTL_PATCH = 1 << 2, /* -p, --type */
	CTL_WATCH = 1 << 3,
	CTL_OUTPUT = 1 << 4,
};

struct ctl_command {
	const char *name, *execute; /* for the user, and in QMP */
	int nargs;
	unsigned takes; /* of these options */

	/* What to ask the VM; or NULL, and the user was told what is wrong. No such
	 * function: the bare command. */
	json_t *(*request)(const struct ctl_options *o, const char *arg);
	int (*run)(struct ctl *c, const struct ctl_options *o,
		   json_t *request); /* takes it */
};

/* The command of that name, or NULL. */
const struct ctl_command *ctl_find(const char *name);

/* The request of the command, checked as far as that needs no VM; or NULL, as above. */
json_t *ctl_request(const struct ctl_command *command, const struct ctl_options *o,
		    const char *arg);

/* When an answer is late, by the clock of ctl_now_ms(). */
long long ctl_deadline(const struct ctl_options *o);

/* Say on stderr what went wrong, and return the exit status of it. doing is told after
 * "while", err is of ctl_qmp.h. */
int ctl_usage(const char *what, const char *arg);
int ctl_failed(int err, const char *doing);
int ctl_refused(const json_t *reply);

#endif
