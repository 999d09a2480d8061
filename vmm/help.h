#ifndef VMM_HELP_H
#define VMM_HELP_H
/* help: what --help prints, made of the table of options. */

#include <stdio.h>

/* Errors are those of the stream. */
void help_print(FILE *out);

#endif
