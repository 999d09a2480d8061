#include "tools/ctl/lines.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

void ctl_lines_init(struct ctl_lines *l)
{
	l->start = l->end = l->looked = 0;
}

char *ctl_lines_room(struct ctl_lines *l, size_t *len)
{
	memmove(l->buf, l->buf + l->start, l->end - l->start);
	l->end -= l->start;
	l->start = 0;
	*len = sizeof(l->buf) - l->end;
	return l->buf + l->end;
}

void ctl_lines_came(struct ctl_lines *l, size_t len)
{
	l->end += len;
}

/* Takes a line, newline excluded; it stays until the next call of a function. */
static bool take_line(struct ctl_lines *l, const char **line, size_t *len)
{
	char *start = l->buf + l->start;
	char *end = memchr(start + l->looked, '\n', l->end - l->start - l->looked);

	if (end == NULL) {
		l->looked = l->end - l->start;
		return false;
	}
	*line = start;
	*len = (size_t)(end - start);
	l->start += *len + 1;
	l->looked = 0;
	return true;
}

int ctl_lines_next(struct ctl_lines *l, json_t **message)
{
	const char *line;
	size_t len;

	do {
		if (!take_line(l, &line, &len))
			return -EAGAIN;
	} while (len == 0 || (len == 1 && line[0] == '\r'));
	*message = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(*message))
		return 0;
	json_decref(*message);
	*message = NULL;
	return -EPROTO;
}
