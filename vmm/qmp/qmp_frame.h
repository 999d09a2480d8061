#ifndef VMM_QMP_QMP_FRAME_H
#define VMM_QMP_QMP_FRAME_H
/* qmp_frame: a client's bytes in, JSON values out. A value ends where its brackets
 * balance (many QMP clients send no newline), and at the latest at the end of its line:
 * so garbage costs its sender one line. Pure: no socket, no clock. Memory is this struct
 * and one value, whatever the client sends. */

#include <stdbool.h>
#include <stddef.h>
#include <jansson.h>
#include "vmm/qmp/qmp_message.h"

#define QMP_REQUEST_MAX ((size_t)64 * 1024) /* bytes in one request, newline excluded */
#define QMP_DEPTH_MAX   32                  /* nested objects and arrays in one request */

enum qmp_found {
	QMP_FOUND_NONE,  /* all bytes were looked at: put more */
	QMP_FOUND_VALUE, /* *value is a new reference */
	QMP_FOUND_ERROR  /* *err says what was wrong with a request; it is gone */
};

struct qmp_frame {
	size_t start;   /* first byte of the request that is being looked at */
	size_t at;      /* the next byte to look at; start <= at <= len */
	size_t len;     /* bytes in buf */
	size_t depth;   /* brackets open before at */
	bool in_string; /* at is between quotes */
	bool escaped;   /* at is behind a backslash */
	bool skipping;  /* the request was refused: what is left of it is dropped */
	char buf[QMP_REQUEST_MAX + 1];
};

void qmp_frame_init(struct qmp_frame *f);

/* Where to put more bytes, and how many: at least one when qmp_frame_next() has just
 * found nothing. The caller then adds what it put there to f->len. */
char *qmp_frame_room(struct qmp_frame *f, size_t *room);

/* The next value or error among the bytes put so far. */
enum qmp_found qmp_frame_next(struct qmp_frame *f, json_t **value, struct qmp_error *err);

#endif
