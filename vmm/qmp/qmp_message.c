#include "vmm/qmp/qmp_message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int refuse(struct qmp_error *err, const char *format, const char *name)
{
	err->class = NULL;
	(void)snprintf(err->desc, sizeof(err->desc), format, name);
	return -EINVAL;
}

static int check_member(const char *name, const json_t *value, struct qmp_error *err)
{
	if (strcmp(name, "execute") == 0 && !json_is_string(value))
		return refuse(err, "QMP input member '%s' must be a string", name);
	if (strcmp(name, "arguments") == 0 && !json_is_object(value))
		return refuse(err, "QMP input member '%s' must be an object", name);
	if (strcmp(name, "execute") != 0 && strcmp(name, "arguments") != 0 &&
	    strcmp(name, "id") != 0)
		return refuse(err, "QMP input member '%s' is unexpected", name);
	return 0;
}

int qmp_request_read(json_t *value, struct qmp_request *req, struct qmp_error *err)
{
	const char *name;
	json_t *member;

	*req = (struct qmp_request){ .id = json_object_get(value, "id") };
	if (!json_is_object(value))
		return refuse(err, "QMP input must be a %s", "JSON object");
	json_object_foreach(value, name, member)
	{
		if (check_member(name, member, err) < 0)
			return -EINVAL;
	}
	req->command = json_string_value(json_object_get(value, "execute"));
	if (req->command == NULL)
		return refuse(err, "QMP input lacks member '%s'", "execute");
	if (json_object_get(value, "arguments") == NULL)
		json_object_set_new(value, "arguments", json_object());
	req->arguments = json_object_get(value, "arguments");
	return req->arguments ? 0 : refuse(err, "%s", "out of memory");
}

/* We offer no capability, so "enable" may be there, but not name any. */
static int check_capabilities(json_t *arguments, struct qmp_error *err)
{
	const char *name;
	json_t *value;

	json_object_foreach(arguments, name, value)
	{
		const char *wanted = json_string_value(json_array_get(value, 0));

		if (strcmp(name, "enable") != 0)
			return refuse(err, "Parameter '%s' is unexpected", name);
		if (!json_is_array(value))
			return refuse(err,
				      "Invalid parameter type for '%s', expected: array",
				      name);
		if (json_array_size(value) > 0)
			return refuse(err, "Capability '%s' is not available",
				      wanted ? wanted : "?");
	}
	return 0;
}

static enum qmp_verdict out_of_turn(struct qmp_error *err, const char *desc)
{
	refuse(err, "%s", desc);
	err->class = "CommandNotFound";
	return QMP_REFUSED;
}

enum qmp_verdict qmp_negotiate(bool *negotiated, const struct qmp_request *req,
			       struct qmp_error *err)
{
	bool negotiates = strcmp(req->command, "qmp_capabilities") == 0;

	if (*negotiated && negotiates)
		return out_of_turn(err, "Capabilities negotiation is already complete, "
					"command ignored");
	if (*negotiated)
		return QMP_COMMAND;
	if (!negotiates)
		return out_of_turn(err, "Expecting capabilities negotiation with "
					"'qmp_capabilities'");
	if (check_capabilities(req->arguments, err) < 0)
		return QMP_REFUSED;
	*negotiated = true;
	return QMP_NEGOTIATED;
}

/* A text that was cut, or never was UTF-8, must not cost the reply. */
json_t *qmp_text(const char *bytes)
{
	char ascii[QMP_TEXT_LEN];
	json_t *s = json_string(bytes);

	if (s)
		return s;
	(void)snprintf(ascii, sizeof(ascii), "%s", bytes);
	for (char *p = ascii; *p; p++) {
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	}
	return json_string(ascii);
}

/* json_object_set_new() takes a NULL value for a failure: so it carries one to the end.
 * */
static json_t *finish(json_t *message, int failed)
{
	if (!failed)
		return message;
	json_decref(message);
	return NULL;
}

json_t *qmp_greeting(void)
{
	char *end;
	json_int_t major = strtol(VERSION, &end, 10);
	json_int_t minor = strtol(end + 1, &end, 10);
	json_int_t micro = strtol(end + 1, NULL, 10);

	return json_pack("{s:{s:{s:{s:I,s:I,s:I},s:s},s:[]}}", "QMP", "version", "qemu",
			 "micro", micro, "minor", minor, "major", major, "package",
			 "hotsocket " VERSION, "capabilities");
}

json_t *qmp_return(json_t *result, json_t *id)
{
	json_t *m = json_object();
	int failed = json_object_set_new(m, "return", result);

	if (id)
		failed |= json_object_set(m, "id", id);
	return finish(m, failed);
}

json_t *qmp_failure(const struct qmp_error *err, json_t *id)
{
	const char *class = err->class ? err->class : "GenericError";
	json_t *m = json_object();
	json_t *error = json_object();
	int failed = json_object_set_new(error, "class", json_string(class));

	failed |= json_object_set_new(error, "desc", qmp_text(err->desc));
	failed |= json_object_set_new(m, "error", error);
	if (id)
		failed |= json_object_set(m, "id", id);
	return finish(m, failed);
}

static json_t *timestamp(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return json_pack("{s:I,s:I}", "seconds", (json_int_t)now.tv_sec, "microseconds",
			 (json_int_t)(now.tv_nsec / 1000));
}

json_t *qmp_event(const char *event, json_t *data)
{
	json_t *m = json_object();
	int failed = json_object_set_new(m, "event", qmp_text(event));

	if (data)
		failed |= json_object_set_new(m, "data", data);
	failed |= json_object_set_new(m, "timestamp", timestamp());
	return finish(m, failed);
}
