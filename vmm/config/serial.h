#ifndef VMM_CONFIG_SERIAL_H
#define VMM_CONFIG_SERIAL_H
/* serial: the words of --serial. Pure. */

#include <stddef.h>
#include <stdint.h>

#include "vmm/base/text.h"

enum serial_kind { SERIAL_STDIO, SERIAL_NONE, SERIAL_FILE, SERIAL_SOCKET };

struct serial {
	enum serial_kind kind;
	const char *path; /* of a file or a socket: within the words */
	size_t path_len;  /* without ",size=N" */
	uint64_t size; /* bytes that a file may have, NEWEST_FILE_MIN or more; 0: any */
};

/* Reads "stdio", "none", "file:PATH[,size=N]" or "socket:PATH". 0; or -EINVAL with
 * *why. */
int serial_parse(const char *where, struct serial *out, struct text *why);

#endif
