#ifndef VMM_OPTIONS_H
#define VMM_OPTIONS_H
/* options: the command line. */

#include "vmm/base/text.h"
#include "vmm/config/spec.h"

enum options_action { OPTIONS_RUN, OPTIONS_CHECK, OPTIONS_HELP, OPTIONS_VERSION };

/* Reads the file that --spec or --manifest names, then argv, into *spec, which keeps
 * pointers into both, and the host configuration, and sets the log level. 0 and *action,
 * and *spec is to be closed; or -errno with *why. */
int options_parse(int argc, char **argv, struct spec *spec, enum options_action *action,
		  struct text *why);

/* Closes the files that *spec was read from. */
void options_close(struct spec *spec);

#endif
