#ifndef TOOLS_CTL_QMP_H
#define TOOLS_CTL_QMP_H
/* ctl_qmp: a QMP client that waits. */

#include <jansson.h>
#include <stddef.h>

#include "tools/ctl/lines.h"

#define CTL_NO_LIMIT   (-1LL)
#define CTL_REPLY_WAIT 10000 /* ms for a reply, unless the user says otherwise */

struct ctl {
	int fd;
	struct ctl_lines lines;
};

/* Deadlines are times of this clock. */
long long ctl_now_ms(void);

/* Connects. 0 or -errno. */
int ctl_connect(struct ctl *c, const char *path);

/* The next message. 0; or -ETIMEDOUT, -EPIPE when the peer is gone, -EMSGSIZE when its
 * line has no end, -EPROTO when it is no JSON object. */
int ctl_next(struct ctl *c, long long deadline, json_t **message);

/* Sends request (stolen) and waits for its reply, a message with "return" or "error".
 * Events that come before it are appended to events, unless that is NULL. */
int ctl_call(struct ctl *c, long long deadline, json_t *request, json_t *events,
	     json_t **reply);

/* Takes the greeting and leaves the negotiation. 0; or -errno as above, with the peer's
 * error message in *refusal if it sent one (-EPERM), else NULL. */
int ctl_negotiate(struct ctl *c, long long deadline, json_t **refusal);

#endif
