#include "vmm/control/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/config/refusal.h"
#include "vmm/control/amend.h"
#include "vmm/control/amender.h"
#include "vmm/control/control.h"
#include "vmm/control/record.h"
#include "vmm/control/report.h"
#include "vmm/control/report_metrics.h"
#include "vmm/control/report_vm.h"
#include "vmm/hotplug/hotplug.h"
#include "vmm/machine/machine.h"
#include "vmm/machine/reset.h"
#include "vmm/qmp/qmp_server.h"

#define ARGS_MAX 4

#define MISSING     "Parameter '%.80s' is missing"
#define UNEXPECTED  "Parameter '%.80s' is unexpected"
#define NOT_INTEGER "Invalid parameter type for '%.80s', expected: integer"
#define NOT_STRING  "Invalid parameter type for '%.80s', expected: string"

struct command {
	const char *name;
	json_t *(*fn)(struct control *c, json_t *args, struct qmp_error *err);
	const char *args[ARGS_MAX]; /* the names it knows; NULL ends them */
	bool hotplug;               /* a refusal is worth being remembered */
};

static json_t *query_commands(struct control *c, json_t *args, struct qmp_error *err);

static json_t *fail(struct qmp_error *err, const struct text *why)
{
	(void)snprintf(err->desc, sizeof(err->desc), "%s", why->s);
	return NULL;
}

/* The same, with the errno that it comes from. */
static json_t *fail_with(struct qmp_error *err, int code, const struct text *why)
{
	err->code = code;
	return fail(err, why);
}

static json_t *fail_arg(struct qmp_error *err, const char *fmt, const char *name)
	__attribute__((format(printf, 2, 0)));

/* fmt has one %s, for the name. QEMU's texts. */
static json_t *fail_arg(struct qmp_error *err, const char *fmt, const char *name)
{
	(void)snprintf(err->desc, sizeof(err->desc), fmt, name);
	return NULL;
}

/* 1 when it is there; 0 when it is not; -1 when it is no integer. */
static int get_int(json_t *args, const char *name, int64_t *out, struct qmp_error *err)
{
	const json_t *v = json_object_get(args, name);

	if (v == NULL)
		return 0;
	if (!json_is_integer(v)) {
		fail_arg(err, NOT_INTEGER, name);
		return -1;
	}
	*out = json_integer_value(v);
	return 1;
}

static int need_int(json_t *args, const char *name, int64_t *out, struct qmp_error *err)
{
	int got = get_int(args, name, out, err);

	if (got == 0)
		fail_arg(err, MISSING, name);
	return got == 1 ? 0 : -1;
}

static const char *need_string(json_t *args, const char *name, struct qmp_error *err)
{
	const json_t *v = json_object_get(args, name);

	if (v == NULL)
		fail_arg(err, MISSING, name);
	else if (!json_is_string(v))
		fail_arg(err, NOT_STRING, name);
	return json_string_value(v);
}

/* The timeout of a job: its default where the client names none. 0, or -1 with *err. */
static int get_timeout(json_t *args, uint32_t *out, struct qmp_error *err)
{
	int64_t ms = HOTPLUG_TIMEOUT_MS;
	struct text why;

	if (get_int(args, "timeout-ms", &ms, err) < 0)
		return -1;
	if (ms < 1 || ms > HOTPLUG_TIMEOUT_MAX) {
		text_set(&why, 0, refuse_timeout, ms, HOTPLUG_TIMEOUT_MAX);
		fail(err, &why);
		return -1;
	}
	*out = (uint32_t)ms;
	return 0;
}

/* Queries: no arguments, no failure. */
#define QUERY(name, expression)                                                          \
	static json_t *query_##name(struct control *c, json_t *args,                     \
				    struct qmp_error *err)                               \
	{                                                                                \
		(void)c;                                                                 \
		(void)args;                                                              \
		(void)err;                                                               \
		return expression;                                                       \
	}

QUERY(status, report_status(c->machine))
QUERY(topology, report_topology(c))
QUERY(hotpluggable_cpus, report_hotpluggable_cpus(c->machine))
QUERY(cpus_fast, report_cpus_fast(c->machine))
QUERY(vcpus, report_vcpus(c->machine))
QUERY(acpi_ospm_status, report_ospm_status(c->machine))
QUERY(vm, report_vm(c))
QUERY(events, report_events(c->record))
QUERY(metrics, report_metrics(c))

static json_t *query_version(struct control *c, json_t *args, struct qmp_error *err)
{
	json_t *greeting = qmp_greeting(), *version;

	(void)c;
	(void)args;
	(void)err;
	version =
		json_incref(json_object_get(json_object_get(greeting, "QMP"), "version"));
	json_decref(greeting);
	return version;
}

static json_t *resize(struct control *c, json_t *args, struct qmp_error *err)
{
	int64_t sockets;
	uint32_t timeout_ms;
	struct text why;
	int code;

	if (need_int(args, "sockets", &sockets, err) < 0 ||
	    get_timeout(args, &timeout_ms, err) < 0)
		return NULL;
	code = hotplug_resize(machine_hotplug(c->machine), sockets, timeout_ms, &why);
	if (code < 0)
		return fail_with(err, code, &why);
	return report_job(c->machine, hotplug_job(machine_hotplug(c->machine)));
}

/* An optional string. 0, and *out, NULL where there is none; or -1 with *err. */
static int get_string(json_t *args, const char *name, const char **out,
		      struct qmp_error *err)
{
	*out = NULL;
	if (json_object_get(args, name) == NULL)
		return 0;
	*out = need_string(args, name, err);
	return *out != NULL ? 0 : -1;
}

static int read_patch(const struct control *c, const json_t *args, const char *type,
		      struct patch *p, struct text *why)
{
	uint32_t cpu[SPEC_CPU_KEYS];
	bool is_json;
	int code = patch_type(type, &is_json, why);

	for (int k = 0; k < SPEC_CPU_KEYS; k++)
		cpu[k] = amend_spec(c, (enum spec_cpu)k);
	return code < 0
		       ? code
		       : patch_read(json_object_get(args, "patch"), is_json, cpu, p, why);
}

/* Whose patch is being written. */
struct patch_client {
	struct control *c;
	struct qmp_owed *owed; /* NULL: nobody is left to hear of it */
};

/* An amend_done_fn. */
static void on_patched(void *ctx, int code, const struct amended *done,
		       const struct text *why)
{
	struct patch_client *client = ctx;
	struct qmp_error err = { 0 };
	json_t *result = NULL;

	if (code < 0) {
		(void)fail_with(&err, code, why);
		record_refusal(client->c->record, "patch", err.code, err.desc);
	} else {
		result = report_patched(client->c, done);
	}
	if (client->owed != NULL)
		qmp_server_pay(client->owed, result, &err);
	free(client);
}

/* 0 and *done; 1: it is answered later; or -errno with *why. */
static int start_patch(struct control *c, const struct patch *p, uint32_t timeout_ms,
		       struct amended *done, struct text *why)
{
	struct patch_client *client = malloc(sizeof(*client));
	int code;

	if (client == NULL)
		return text_set(why, -ENOMEM, "no memory for the patch");
	*client = (struct patch_client){ .c = c };
	code = amender_patch(c->amender, p, timeout_ms, on_patched, client, done, why);
	if (code > 0)
		client->owed = qmp_server_owe(c->qmp);
	else
		free(client);
	return code;
}

static json_t *patch(struct control *c, json_t *args, struct qmp_error *err)
{
	struct amended done;
	uint32_t timeout_ms;
	const char *type;
	struct patch p;
	struct text why;
	int code;

	if (json_object_get(args, "patch") == NULL)
		return fail_arg(err, MISSING, "patch");
	if (get_string(args, "type", &type, err) < 0 ||
	    get_timeout(args, &timeout_ms, err) < 0)
		return NULL;
	code = read_patch(c, args, type, &p, &why);
	if (code == 0)
		code = start_patch(c, &p, timeout_ms, &done, &why);
	if (code > 0)
		return json_object(); /* which nobody hears */
	return code < 0 ? fail_with(err, code, &why) : report_patched(c, &done);
}

static json_t *cancel(struct control *c, json_t *args, struct qmp_error *err)
{
	struct text why;
	int code = hotplug_cancel(machine_hotplug(c->machine), &why);

	(void)args;
	if (code < 0)
		return fail_with(err, code, &why);
	return json_object();
}

static json_t *device_add(struct control *c, json_t *args, struct qmp_error *err)
{
	const char *driver = need_string(args, "driver", err), *id;
	int64_t socket;
	struct text why;
	int code;

	if (driver == NULL)
		return NULL;
	if (strcmp(driver, report_driver) != 0) {
		text_set(&why, 0, "Invalid CPU type, expected cpu type: '%s'",
			 report_driver);
		return fail(err, &why);
	}
	id = need_string(args, "id", err);
	if (id == NULL || need_int(args, "socket-id", &socket, err) < 0)
		return NULL;
	code = hotplug_add(machine_hotplug(c->machine), socket, id, &why);
	return code < 0 ? fail_with(err, code, &why) : json_object();
}

static json_t *device_del(struct control *c, json_t *args, struct qmp_error *err)
{
	const char *id = need_string(args, "id", err);
	uint32_t timeout_ms;
	struct text why;
	int code;

	if (id == NULL || get_timeout(args, &timeout_ms, err) < 0)
		return NULL;
	code = hotplug_remove(machine_hotplug(c->machine), id, timeout_ms, &why);
	if (code == -ENOENT)
		err->class = "DeviceNotFound";
	return code < 0 ? fail_with(err, code, &why) : json_object();
}

static json_t *stop(struct control *c, json_t *args, struct qmp_error *err)
{
	(void)args;
	(void)err;
	machine_pause(c->machine);
	return json_object();
}

static json_t *cont(struct control *c, json_t *args, struct qmp_error *err)
{
	(void)args;
	(void)err;
	machine_resume(c->machine);
	return json_object();
}

static json_t *system_powerdown(struct control *c, json_t *args, struct qmp_error *err)
{
	(void)args;
	(void)err;
	machine_press_power_button(c->machine);
	return json_object();
}

static json_t *system_reset(struct control *c, json_t *args, struct qmp_error *err)
{
	(void)args;
	(void)err;
	machine_ask_reset(c->machine, "host-qmp-system-reset", false, false);
	return json_object();
}

static json_t *quit(struct control *c, json_t *args, struct qmp_error *err)
{
	(void)args;
	(void)err;
	machine_end(c->machine, MACHINE_POWERED_OFF, "host-qmp-quit", false, "");
	return json_object();
}

static const struct command commands[] = {
	{ "cancel", cancel, { 0 }, true },
	{ "cont", cont, { 0 }, false },
	{ "device_add", device_add, { "driver", "id", "socket-id" }, true },
	{ "device_del", device_del, { "id", "timeout-ms" }, true },
	{ "patch", patch, { "patch", "timeout-ms", "type" }, true },
	{ "query-acpi-ospm-status", query_acpi_ospm_status, { 0 }, false },
	{ "query-commands", query_commands, { 0 }, false },
	{ "query-cpus-fast", query_cpus_fast, { 0 }, false },
	{ "query-events", query_events, { 0 }, false },
	{ "query-hotpluggable-cpus", query_hotpluggable_cpus, { 0 }, false },
	{ "query-metrics", query_metrics, { 0 }, false },
	{ "query-status", query_status, { 0 }, false },
	{ "query-topology", query_topology, { 0 }, false },
	{ "query-vcpus", query_vcpus, { 0 }, false },
	{ "query-version", query_version, { 0 }, false },
	{ "query-vm", query_vm, { 0 }, false },
	{ "quit", quit, { 0 }, false },
	{ "resize", resize, { "sockets", "timeout-ms" }, true },
	{ "stop", stop, { 0 }, false },
	{ "system_powerdown", system_powerdown, { 0 }, false },
	{ "system_reset", system_reset, { 0 }, false },
};
#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static json_t *query_commands(struct control *c, json_t *args, struct qmp_error *err)
{
	const char *names[NCOMMANDS + 1] = { "qmp_capabilities" };

	(void)c;
	(void)args;
	(void)err;
	for (size_t i = 0; i < NCOMMANDS; i++)
		names[i + 1] = commands[i].name;
	return report_commands(names, NCOMMANDS + 1);
}

static bool knows_arg(const struct command *c, const char *name)
{
	for (int i = 0; i < ARGS_MAX && c->args[i] != NULL; i++)
		if (strcmp(c->args[i], name) == 0)
			return true;
	return false;
}

static json_t *call(struct control *c, const struct command *cmd, json_t *args,
		    struct qmp_error *err)
{
	const char *name;
	json_t *value;

	json_object_foreach(args, name, value) if (!knows_arg(cmd, name)) return fail_arg(
		err, UNEXPECTED, name);
	return cmd->fn(c, args, err);
}

static json_t *call_and_record(struct control *c, const struct command *cmd, json_t *args,
			       struct qmp_error *err)
{
	json_t *result;

	err->code = 0;
	result = call(c, cmd, args, err);
	if (result == NULL && cmd->hotplug)
		record_refusal(c->record, cmd->name, err->code, err->desc);
	return result;
}

json_t *commands_handle(void *control, const char *command, json_t *arguments,
			struct qmp_error *err)
{
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (strcmp(commands[i].name, command) == 0)
			return call_and_record(control, &commands[i], arguments, err);
	err->class = "CommandNotFound";
	(void)snprintf(err->desc, sizeof(err->desc),
		       "The command %.80s has not been found", command);
	return NULL;
}
