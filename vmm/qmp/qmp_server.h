#ifndef VMM_QMP_QMP_SERVER_H
#define VMM_QMP_QMP_SERVER_H
/* qmp_server: the control socket. Listens on a Unix socket, speaks QMP framing with any
 * number of clients (QEMU's docs/interop/qmp-spec), and hands whole commands to its
 * owner. Knows JSON and sockets; knows no command but qmp_capabilities and nothing of the
 * machine. Main thread only. A client can slow, fill or break its own connection, and
 * nothing else. */

#include <jansson.h>
#include "vmm/qmp/qmp_frame.h"   /* QMP_REQUEST_MAX, QMP_DEPTH_MAX */
#include "vmm/qmp/qmp_message.h" /* struct qmp_error */

struct event_base;
struct qmp_owed;
struct qmp_server;

/* Unread output of one client: above the first its requests wait, and an event that finds
 * it above the second drops the client. */
#define QMP_BACKLOG_PAUSE ((size_t)512 * 1024)
#define QMP_BACKLOG_MAX   ((size_t)1024 * 1024)
#define QMP_CLIENTS_MAX   64

/* Carries out one command. arguments is an object (empty when the client gave none) and
 * is borrowed. Returns a new reference, the value of "return"; or NULL, with *err filled
 * in. May emit events: they go out before its reply. Must not free the server. */
typedef json_t *(*qmp_handler)(void *ctx, const char *command, json_t *arguments,
			       struct qmp_error *err);

/* Listens on path (mode 0600; a stale socket file is replaced, any other file is
 * refused). 0 and *out; or -errno with nothing left behind: -EADDRINUSE when somebody
 * answers there, -EEXIST when the path is no socket, -ENAMETOOLONG. base and ctx outlive
 * the server. */
int qmp_server_new(struct event_base *base, const char *path, qmp_handler handler,
		   void *ctx, struct qmp_server **out);

/* Only in a handler, and once: its command is answered later, by qmp_server_pay(); what
 * the handler returns is dropped. Until then this client's further requests wait, others'
 * do not. NULL without memory: the handler has to answer. */
struct qmp_owed *qmp_server_owe(struct qmp_server *s);

/* The reply: result, which is stolen; or, when that is NULL, *err. Frees owed, also when
 * the client has left. Before qmp_server_free(), or after it: then nobody hears it. */
void qmp_server_pay(struct qmp_owed *owed, json_t *result, const struct qmp_error *err);

/* Sends an event to every client that has left the negotiation; steals data, which may be
 * NULL for an event without one. */
void qmp_server_emit(struct qmp_server *s, const char *event, json_t *data);

/* Gives clients up to timeout_ms to take what was sent, then closes them, and removes the
 * socket file if it is still ours. Takes NULL. */
void qmp_server_free(struct qmp_server *s, unsigned timeout_ms);

#endif
