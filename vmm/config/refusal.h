#ifndef VMM_CONFIG_REFUSAL_H
#define VMM_CONFIG_REFUSAL_H
/* refusal: the texts of the catalogue, each by its name: refuse_sockets_high is the
 * format that text_set() takes. They are arrays, so that the compiler checks their
 * arguments. */

#include <inttypes.h>

#define REFUSAL(name, condition, text, remedy)                                           \
	static const char refuse_##name[] __attribute__((unused)) = text "; " remedy;
#define REFUSAL_SHORT(name, condition, text, remedy)                                     \
	static const char refuse_##name[] __attribute__((unused)) = text;
#include "vmm/config/refusals.def"
#undef REFUSAL
#undef REFUSAL_SHORT

#endif
