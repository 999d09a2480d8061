#include "tools/ctl/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ctl/show.h"
#include "tools/ctl/vm.h"
#include "tools/ctl/yaml.h"

int ctl_usage(const char *what, const char *arg)
{
	(void)fprintf(stderr, "hotsocketctl: %s%s (hotsocketctl --help says more)\n",
		      what, arg);
	return CTL_USAGE;
}

int ctl_failed(int err, const char *doing)
{
	const char *format = "hotsocketctl: failed while %s\n";

	if (err == -ETIMEDOUT)
		format = "hotsocketctl: timed out while %s\n";
	else if (err == -EPIPE)
		format = "hotsocketctl: the VM ended while %s\n";
	else if (err == -EPROTO)
		format = "hotsocketctl: the answer was not QMP while %s\n";
	else if (err == -EMSGSIZE)
		format = "hotsocketctl: the answer was too long while %s\n";
	(void)fprintf(stderr, format, doing);
	return err == -ETIMEDOUT ? CTL_TIMED_OUT : CTL_FAILED;
}

int ctl_refused(const json_t *reply)
{
	(void)fprintf(stderr, "hotsocketctl: refused: %s\n",
		      show_text(json_object_get(reply, "error"), "desc"));
	return CTL_FAILED;
}

long long ctl_deadline(const struct ctl_options *o)
{
	return ctl_now_ms() + (o->timeout_ms ? o->timeout_ms + 1000 : CTL_REPLY_WAIT);
}

static json_t *request(const char *command)
{
	return json_pack("{s:s}", "execute", command);
}

/* The value of "return", a new reference; or an exit status and NULL. */
static int ask(struct ctl *c, const struct ctl_options *o, json_t *what, json_t *events,
	       json_t **result)
{
	json_t *reply;
	int status = CTL_DONE;
	int err = ctl_call(c, ctl_deadline(o), what, events, &reply);

	*result = NULL;
	if (err < 0)
		return ctl_failed(err, "waiting for its reply");
	if (json_object_get(reply, "error"))
		status = ctl_refused(reply);
	else
		*result = json_incref(json_object_get(reply, "return"));
	json_decref(reply);
	return status;
}

static void status_json(json_t *vm, json_t *topology, json_t *vcpus)
{
	json_t *all = json_pack("{s:O,s:O,s:O}", "status", vm, "topology", topology,
				"vcpus", vcpus);

	show_json(all);
	json_decref(all);
}

static int run_status(struct ctl *c, const struct ctl_options *o, json_t *what)
{
	json_t *vm = NULL, *topology = NULL, *vcpus = NULL;
	int status = ask(c, o, what, NULL, &vm);

	if (status == CTL_DONE)
		status = ask(c, o, request("query-topology"), NULL, &topology);
	if (status == CTL_DONE)
		status = ask(c, o, request("query-vcpus"), NULL, &vcpus);
	if (status == CTL_DONE && o->json)
		status_json(vm, topology, vcpus);
	else if (status == CTL_DONE)
		show_status(vm, topology, vcpus);
	json_decref(vm);
	json_decref(topology);
	json_decref(vcpus);
	return status;
}

static int resize_follow(struct resize *r, struct ctl *c, long long deadline)
{
	char doing[64];
	json_t *event;
	int status = CTL_FAILED;
	bool ended;

	(void)snprintf(doing, sizeof(doing), "job %lld was running", r->job);
	do {
		int err = ctl_next(c, deadline, &event);

		if (err < 0)
			return ctl_failed(err, doing);
		ended = resize_event(r, event, &status);
		json_decref(event);
	} while (!ended);
	return status;
}

/* Sends a request, shows what came of it, and follows the job that it began, if any. job
 * finds that in the answer. */
static int ask_and_follow(struct ctl *c, const struct ctl_options *o, json_t *what,
			  json_t *(*job)(json_t *answer, bool json))
{
	long long deadline = o->timeout_ms ? ctl_deadline(o) : CTL_NO_LIMIT;
	struct resize r = { .json = o->json, .trace = o->trace, .told = json_object() };
	json_t *answer, *early = json_array(), *begun;
	int status = ask(c, o, what, early, &answer);

	begun = answer ? job(answer, o->json) : NULL;
	if (begun && !resize_begin(&r, begun, early, &status) && !o->no_wait)
		status = resize_follow(&r, c, deadline);
	json_decref(answer);
	json_decref(early);
	json_decref(r.told);
	return status;
}

static json_t *resize_request(const struct ctl_options *o, const char *arg)
{
	json_t *arguments;
	long long sockets;
	char *end;

	errno = 0; /* the VM judges the number, and says what would work */
	sockets = strtoll(arg, &end, 10);
	if (end == arg || *end || errno == ERANGE) {
		ctl_usage("resize wants a number of sockets, not ", arg);
		return NULL;
	}
	arguments = json_pack("{s:I}", "sockets", (json_int_t)sockets);
	if (o->timeout_ms)
		json_object_set_new(arguments, "timeout-ms", json_integer(o->timeout_ms));
	return json_pack("{s:s,s:o}", "execute", "resize", "arguments", arguments);
}

static json_t *job_of_resize(json_t *answer, bool json)
{
	(void)json;
	return answer;
}

static json_t *job_of_patch(json_t *answer, bool json)
{
	json_t *job = json_object_get(answer, "job"), *rest;

	if (!json) {
		show_patched(answer);
		return job;
	}
	rest = json_copy(answer);
	json_object_del(rest, "job"); /* it is told by itself */
	show_json(rest);
	json_decref(rest);
	return job;
}

/* What the user wrote, or NULL. */
static json_t *parse(const char *text)
{
	json_t *value = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);

	if (value == NULL)
		ctl_usage("this is not JSON: ", text);
	return value;
}

static json_t *patch_request(const struct ctl_options *o, const char *arg)
{
	json_t *arguments, *patch;

	(void)arg;
	if (o->patch == NULL) {
		ctl_usage("patch wants -p PATCH", "");
		return NULL;
	}
	patch = parse(o->patch);
	if (patch == NULL)
		return NULL;
	arguments = json_pack("{s:o}", "patch", patch);
	if (o->type)
		json_object_set_new(arguments, "type", json_string(o->type));
	if (o->timeout_ms)
		json_object_set_new(arguments, "timeout-ms", json_integer(o->timeout_ms));
	return json_pack("{s:s,s:o}", "execute", "patch", "arguments", arguments);
}

static int run_patch(struct ctl *c, const struct ctl_options *o, json_t *what)
{
	return ask_and_follow(c, o, what, job_of_patch);
}

static int run_resize(struct ctl *c, const struct ctl_options *o, json_t *what)
{
	return ask_and_follow(c, o, what, job_of_resize);
}

/* A document, as the user wants it, or by its table. */
static int show_document(const json_t *value, const struct ctl_options *o,
			 void (*table)(const json_t *, time_t))
{
	int err = 0;

	if (o->output == OUTPUT_YAML)
		err = yaml_print(value, stdout);
	else if (o->output == OUTPUT_JSON)
		show_json_pretty(value);
	else if (o->json)
		show_json(value);
	else
		table(value, time(NULL));
	return err < 0 ? ctl_failed(err, "printing YAML") : CTL_DONE;
}

static int run_get(struct ctl *c, const struct ctl_options *o, json_t *what)
{
	json_t *vm;
	int status = ask(c, o, what, NULL, &vm);

	if (vm)
		status = show_document(vm, o, vm_table);
	json_decref(vm);
	return status;
}

static int run_metrics(struct ctl *c, const struct ctl_options *o, json_t *what)
{
	json_t *answer;
	int status = ask(c, o, what, NULL, &answer);

	if (answer && o->json)
		show_json(answer);
	else if (answer)
		show_lines(json_string_value(json_object_get(answer, "text")));
	json_decref(answer);
	return status;
}

static int watch_events(struct ctl *c, const struct ctl_options *o)
{
	json_t *event;
	int err;

	while ((err = ctl_next(c, CTL_NO_LIMIT, &event)) == 0) {
		if (o->json)
			show_json(event);
		else
			show_event(event);
		json_decref(event);
	}
	return err == -EPIPE ? CTL_DONE : ctl_failed(err, "following its events");
}

static int run_events(struct ctl *c, const struct ctl_options *o, json_t *what)
{
	json_t *list;
	int status;

	if (o->watch) {
		json_decref(what);
		return watch_events(c, o);
	}
	status = ask(c, o, what, NULL, &list);
	if (list)
		status = show_document(list, o, events_table);
	json_decref(list);
	return status;
}

static json_t *qmp_request(const struct ctl_options *o, const char *arg)
{
	json_t *what = parse(arg);

	(void)o;
	if (what == NULL || json_is_object(what))
		return what;
	ctl_usage("a request is a JSON object, not ", arg);
	json_decref(what);
	return NULL;
}

static int run_qmp(struct ctl *c, const struct ctl_options *o, json_t *what)
{
	json_t *reply;
	int status, err = ctl_call(c, ctl_deadline(o), what, NULL, &reply);

	if (err < 0)
		return ctl_failed(err, "waiting for its reply");
	status = json_object_get(reply, "error") ? CTL_FAILED : CTL_DONE;
	show_json(reply);
	json_decref(reply);
	return status;
}

/* Done when it is answered. */
static int run_plain(struct ctl *c, const struct ctl_options *o, json_t *what)
{
	json_t *value;
	int status = ask(c, o, what, NULL, &value);

	if (value && o->json)
		show_json(value);
	json_decref(value);
	return status;
}

/* Done when the guest starts again, which is an event. */
static int run_reset(struct ctl *c, const struct ctl_options *o, json_t *what)
{
	json_t *early = json_array(), *event = NULL, *value;
	int err = 0, status = ask(c, o, what, early, &value);
	bool done = status != CTL_DONE;

	for (size_t i = 0; err == 0 && !done; i++) {
		json_decref(event);
		if (i < json_array_size(early))
			event = json_incref(json_array_get(early, i));
		else
			err = ctl_next(c, ctl_deadline(o), &event);
		if (err < 0)
			event = NULL;
		done = strcmp(show_text(event, "event"), "RESET") == 0;
	}
	if (event && o->json)
		show_json(event);
	json_decref(event);
	json_decref(value);
	json_decref(early);
	return err < 0 ? ctl_failed(err, "the guest was to start again") : status;
}

/* Done when the VM is gone; it may be so before its reply gets out. */
static int end_vm(struct ctl *c, const struct ctl_options *o, json_t *what,
		  long long deadline)
{
	json_t *message;
	int status = CTL_DONE;
	int err = ctl_call(c, deadline, what, NULL, &message);

	while (err == 0) {
		if (json_object_get(message, "error"))
			status = ctl_refused(message);
		else if (json_object_get(message, "return") && o->json)
			show_json(json_object_get(message, "return"));
		json_decref(message);
		if (status != CTL_DONE)
			return status;
		err = ctl_next(c, deadline, &message);
	}
	return err == -EPIPE ? CTL_DONE : ctl_failed(err, "waiting for its end");
}

static int run_quit(struct ctl *c, const struct ctl_options *o, json_t *what)
{
	return end_vm(c, o, what, ctl_deadline(o));
}

/* The guest may take its time, or never do it. */
static int run_powerdown(struct ctl *c, const struct ctl_options *o, json_t *what)
{
	return end_vm(c, o, what, o->timeout_ms ? ctl_deadline(o) : CTL_NO_LIMIT);
}

/* clang-format off */
static const struct ctl_command commands[] = {
	{ "cancel", "cancel", 0, 0, NULL, run_plain },
	{ "cont", "cont", 0, 0, NULL, run_plain },
	{ "events", "query-events", 0, CTL_WATCH | CTL_OUTPUT, NULL, run_events },
	{ "get", "query-vm", 0, CTL_OUTPUT, NULL, run_get },
	{ "metrics", "query-metrics", 0, 0, NULL, run_metrics },
	{ "patch", "patch", 0, CTL_PATCH | CTL_NO_WAIT | CTL_TRACE, patch_request, run_patch },
	{ "powerdown", "system_powerdown", 0, 0, NULL, run_powerdown },
	{ "qmp", NULL, 1, 0, qmp_request, run_qmp },
	{ "quit", "quit", 0, 0, NULL, run_quit },
	{ "reset", "system_reset", 0, 0, NULL, run_reset },
	{ "resize", "resize", 1, CTL_NO_WAIT | CTL_TRACE, resize_request, run_resize },
	{ "status", "query-status", 0, 0, NULL, run_status },
	{ "stop", "stop", 0, 0, NULL, run_plain },
};
/* clang-format on */

json_t *ctl_request(const struct ctl_command *command, const struct ctl_options *o,
		    const char *arg)
{
	return command->request ? command->request(o, arg) : request(command->execute);
}

const struct ctl_command *ctl_find(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}
