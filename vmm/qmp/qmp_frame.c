#include "vmm/qmp/qmp_frame.h"

#include <stdio.h>
#include <string.h>

static void begin(struct qmp_frame *f)
{
	f->start = f->at;
	f->depth = 0;
	f->in_string = false;
	f->escaped = false;
	f->skipping = false;
}

void qmp_frame_init(struct qmp_frame *f)
{
	f->at = 0;
	f->len = 0;
	begin(f);
}

char *qmp_frame_room(struct qmp_frame *f, size_t *room)
{
	memmove(f->buf, f->buf + f->start, f->len - f->start);
	f->len -= f->start;
	f->at -= f->start;
	f->start = 0;
	*room = sizeof(f->buf) - f->len;
	return f->buf + f->len;
}

static void step_in_string(struct qmp_frame *f, char ch)
{
	if (f->escaped)
		f->escaped = false;
	else if (ch == '\\')
		f->escaped = true;
	else if (ch == '"')
		f->in_string = false;
}

/* Follows one byte; true when it ends the request. A bracket too many ends nothing: it is
 * garbage like any other, and the parser will say so. */
static bool step(struct qmp_frame *f, char ch)
{
	if (ch == '\n')
		return true;
	if (f->in_string) {
		step_in_string(f, ch);
		return false;
	}
	if (ch == '"')
		f->in_string = true;
	if (ch == '{' || ch == '[')
		f->depth++;
	if ((ch == '}' || ch == ']') && f->depth > 0)
		return --f->depth == 0;
	return false;
}

static bool is_blank(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n';
}

static bool over_limit(const struct qmp_frame *f, struct qmp_error *err)
{
	size_t len = f->at - f->start - (f->buf[f->at - 1] == '\n');

	err->class = NULL;
	if (len > QMP_REQUEST_MAX)
		(void)snprintf(err->desc, sizeof(err->desc),
			       "request exceeds the limit of %zu bytes", QMP_REQUEST_MAX);
	else if (f->depth > QMP_DEPTH_MAX)
		(void)snprintf(err->desc, sizeof(err->desc),
			       "request exceeds the limit of %d nested levels",
			       QMP_DEPTH_MAX);
	else
		return false;
	return true;
}

static enum qmp_found parse(const char *bytes, size_t len, json_t **value,
			    struct qmp_error *err)
{
	json_error_t why;

	*value = json_loadb(bytes, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (*value)
		return QMP_FOUND_VALUE;
	err->class = NULL;
	(void)snprintf(err->desc, sizeof(err->desc), "JSON parse error, %s", why.text);
	return QMP_FOUND_ERROR;
}

enum qmp_found qmp_frame_next(struct qmp_frame *f, json_t **value, struct qmp_error *err)
{
	while (f->at < f->len) {
		size_t start = f->start;
		bool skipped = f->skipping;
		bool ends = step(f, f->buf[f->at++]);
		bool refused = !skipped && over_limit(f, err);
		bool blank = f->at - start == 1 && is_blank(f->buf[start]);

		f->skipping = skipped || refused;
		if (ends)
			begin(f);
		if (f->skipping || blank)
			f->start = f->at;
		if (refused)
			return QMP_FOUND_ERROR;
		if (ends && !skipped && !blank)
			return parse(f->buf + start, f->at - start, value, err);
	}
	return QMP_FOUND_NONE;
}
