#ifndef TOOLS_CTL_LINES_H
#define TOOLS_CTL_LINES_H
/* ctl_lines: the messages in what a VM sends, a JSON object in each line. Pure. Whatever
 * comes, it takes no more memory than CTL_LINE_MAX and what one such line parses into. */

#include <jansson.h>
#include <stddef.h>

#define CTL_LINE_MAX (1UL << 20)

struct ctl_lines {
	size_t start, end; /* of what was received and not yet taken */
	size_t looked;     /* bytes from start on without a line's end */
	char buf[CTL_LINE_MAX];
};

void ctl_lines_init(struct ctl_lines *l);

/* Where the next bytes go, and how many fit; 0 when a line has no end. */
char *ctl_lines_room(struct ctl_lines *l, size_t *len);

/* So many bytes came there. */
void ctl_lines_came(struct ctl_lines *l, size_t len);

/* The next message, a new reference; lines without anything are passed over. 0; -EAGAIN
 * when more bytes must come first; or -EPROTO when the line is no JSON object, and the
 * next call takes the line after it. */
int ctl_lines_next(struct ctl_lines *l, json_t **message);

#endif
