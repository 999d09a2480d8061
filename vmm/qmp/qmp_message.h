#ifndef VMM_QMP_QMP_MESSAGE_H
#define VMM_QMP_QMP_MESSAGE_H
/* qmp_message: takes requests apart and builds the server's four kinds of message, with
 * QEMU's member names and error texts. Pure: JSON in, JSON out. */

#include <stdbool.h>
#include <jansson.h>

#define QMP_TEXT_LEN 512

/* An error reply: class is one of QMP's ("GenericError", "CommandNotFound", ...). */
struct qmp_error {
	const char *class; /* static string; NULL stands for "GenericError" */
	char desc[QMP_TEXT_LEN];
	int code; /* the handler's own: the errno that it comes from, or 0; not sent */
};

/* One request; all of it is borrowed from the value that it was read from. */
struct qmp_request {
	const char *command;
	json_t *arguments; /* an object, added to the value if the client gave none */
	json_t *id;        /* any JSON value; NULL when there was none */
};

/* 0; or -EINVAL with *err filled in, and req->id still valid for the error reply. */
int qmp_request_read(json_t *value, struct qmp_request *req, struct qmp_error *err);

enum qmp_verdict {
	QMP_REFUSED,    /* *err is filled in */
	QMP_NEGOTIATED, /* it was qmp_capabilities, and *negotiated is true now */
	QMP_COMMAND     /* any other command, in its time: somebody else's */
};

/* Every client starts with *negotiated false; qmp_capabilities comes first, and once. */
enum qmp_verdict qmp_negotiate(bool *negotiated, const struct qmp_request *req,
			       struct qmp_error *err);

/* A sentence as a JSON string, a new reference. It may quote what a user named, cut
 * anywhere: what is not UTF-8 has '?' for each byte beyond ASCII, and is cut at
 * QMP_TEXT_LEN. */
json_t *qmp_text(const char *bytes);

/* Each returns a new reference, or NULL without memory. result and data are stolen either
 * way, id is borrowed; id and data may be NULL. Text that is not UTF-8 loses the bytes
 * beyond ASCII: a message is never lost for it. */
json_t *qmp_greeting(void);
json_t *qmp_return(json_t *result, json_t *id);
json_t *qmp_failure(const struct qmp_error *err, json_t *id);
json_t *qmp_event(const char *event, json_t *data);

#endif
