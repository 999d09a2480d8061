#ifndef VMM_CONFIG_SPEC_FILE_H
#define VMM_CONFIG_SPEC_FILE_H
/* spec_file: what the user asked for, in a JSON file, and its numbers of CPUs written
 * back to it. Knows JSON and files. Main only.
 *
 *	{
 *	  "kernel": "vmlinuz",
 *	  "initrd": "initrd.img",
 *	  "append": "console=ttyS0",
 *	  "memory": "512M",
 *	  "cpus": { "sockets": 2, "cores": 1, "threads": 1, "maxSockets": 8 },
 *	  "qmp": "vm.sock",
 *	  "serial": "file:console",
 *	  "metrics-file": "/run/metrics/vm.prom",
 *	  "boot": "acpi", "nested": "off", "guest-eject": "accept", "on-reset": "restart"
 *	}
 *
 * Names, values and limits are those of the options; each key may be left out. Relative
 * paths are relative to the current directory, not to the file. Written back are
 * cpus.sockets, and the other cpus when they are patched: a maxSockets that the file does
 * not name is at each start the default for the sockets that the file has then.
 *
 * One VM per file, and at each moment the file is whole: see whole_file.h. */

#include <stdbool.h>
#include <stdint.h>

#include "vmm/base/text.h"
#include "vmm/config/spec.h"

struct spec_file;

/* Locks the file and reads it into *s; what it does not name is left alone. s->from.file
 * is then the file, and s keeps pointers into it. 0; or -errno with *why, and *s as it
 * was. */
int spec_file_open(const char *path, struct spec *s, struct text *why);

/* Takes NULL. */
void spec_file_close(struct spec_file *f);

/* Makes cpus.sockets this number, where it is another; whatever else the file holds by
 * now stays. 0 when that is on disk; or -errno with *why (without the file's name), and
 * the file is whole. */
int spec_file_keep_sockets(struct spec_file *f, uint32_t sockets, struct text *why);

/* Makes those of cores, threads and maxSockets these that are named, by enum spec_cpu; 0
 * takes it out of the file. As above. */
int spec_file_keep_stored(struct spec_file *f, const bool named[SPEC_CPU_KEYS],
			  const uint32_t stored[SPEC_CPU_KEYS], struct text *why);

/* As the user named it. */
const char *spec_file_name(const struct spec_file *f);

/* Puts the file's name, and the path of a field unless that is "", before a sentence
 * about what it asks for. Returns err. */
int spec_file_blame(const struct spec_file *f, const char *field, int err,
		    struct text *why);

#endif
