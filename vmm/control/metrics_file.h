#ifndef VMM_CONTROL_METRICS_FILE_H
#define VMM_CONTROL_METRICS_FILE_H
/* metrics_file: keeps a file of the VM's metrics for node exporter's textfile collector.
 * Main only.
 *
 * It is replaced as a whole, by FILE.new and a rename, some time after something changed,
 * so that many changes are one write and no write stands in the way of an add; while
 * nothing changes nothing wakes up. It is not synced: after a crash of the host nobody
 * wants it. When the VM ends the file goes, and with it the series of a VM that is no
 * more. */

#include "vmm/base/text.h"

struct control;
struct event_base;
struct metrics_file;

#define METRICS_FILE_S 1 /* from the first change to the write */

/* The writer writes it; the first file is written here.
 *
 * *out is NULL when none is asked for, and everything here takes that. 0 and there is a
 * first file; or -errno with *why. */
int metrics_file_new(const struct control *c, struct event_base *base,
		     struct metrics_file **out, struct text *why);

/* Something changed: the file is to follow. */
void metrics_file_write_soon(struct metrics_file *f);

/* Removes the file, too. The writer is gone. */
void metrics_file_free(struct metrics_file *f);

#endif
