#include "tools/ctl/vm.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "tools/ctl/show.h"

#define COLUMNS_MAX 12
#define GAP         3 /* blanks between columns */

/* --- tables --------------------------------------------------------------- */

/* rows is an array of arrays of strings; the widest cell makes its column. */
static void print_table(const json_t *rows)
{
	int width[COLUMNS_MAX] = { 0 };
	const json_t *row, *cell;
	size_t i, j;

	json_array_foreach(rows, i, row)
	{
		json_array_foreach(row, j, cell)
		{
			int len = (int)json_string_length(cell);

			if (j < COLUMNS_MAX && len > width[j])
				width[j] = len;
		}
	}
	json_array_foreach(rows, i, row)
	{
		size_t n = json_array_size(row);

		json_array_foreach(row, j, cell)
		{
			if (j < COLUMNS_MAX)
				printf("%-*s", j + 1 < n ? width[j] + GAP : 0,
				       json_string_value(cell));
		}
		printf("\n");
	}
}

static void add_text(json_t *row, const char *text)
{
	json_array_append_new(row, json_string(*text ? text : "-"));
}

static void add_number(json_t *row, const json_t *object, const char *key)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%lld", show_number(object, key));
	add_text(row, text);
}

/* Seconds since 1970 of an RFC 3339 time in UTC; now when it is none, or in the
 * future. */
static time_t read_time(const json_t *object, const char *key, time_t now)
{
	const char *text = json_string_value(json_object_get(object, key));
	struct tm tm = { 0 };
	time_t t = text && strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) ? timegm(&tm) : now;

	return t < now ? t : now;
}

/* As kubectl says it: two units at most, and the smaller only where it tells
 * something. */
static void add_age(json_t *row, const json_t *object, const char *key, time_t now)
{
	static const struct {
		long long below, unit, part; /* part 0: there is none */
		char name, part_name;
	} forms[] = {
		{ 120, 1, 0, 's', 0 },           { 600, 60, 1, 'm', 's' },
		{ 10800, 60, 0, 'm', 0 },        { 28800, 3600, 60, 'h', 'm' },
		{ 172800, 3600, 0, 'h', 0 },     { 691200, 86400, 3600, 'd', 'h' },
		{ INT64_MAX, 86400, 0, 'd', 0 },
	};
	long long age = now - read_time(object, key, now), rest;
	char text[64];
	size_t i = 0, len;

	while (age >= forms[i].below)
		i++;
	len = (size_t)snprintf(text, sizeof(text), "%lld%c", age / forms[i].unit,
			       forms[i].name);
	rest = forms[i].part ? age % forms[i].unit / forms[i].part : 0;
	if (rest > 0)
		(void)snprintf(text + len, sizeof(text) - len, "%lld%c", rest,
			       forms[i].part_name);
	add_text(row, text);
}

static json_t *begin(json_t *rows)
{
	json_t *row = json_array();

	json_array_append_new(rows, row);
	return row;
}

static json_t *begin_table(const char *const *heads, size_t n)
{
	json_t *rows = json_array(), *row = begin(rows);

	for (size_t i = 0; i < n; i++)
		add_text(row, heads[i]);
	return rows;
}

static void end_table(json_t *rows)
{
	print_table(rows);
	json_decref(rows);
}

/* --- what is in them ------------------------------------------------------ */

static const char *condition_text(const json_t *status, const char *type, const char *key)
{
	const json_t *c;
	size_t i;

	json_array_foreach(json_object_get(status, "conditions"), i, c)
	{
		if (strcmp(show_text(c, "type"), type) == 0)
			return show_text(c, key);
	}
	return "";
}

void vm_table(const json_t *vm, time_t now)
{
	static const char *const heads[] = { "NAME",    "AGE",     "PHASE",  "READY",
					     "SOCKETS", "CURRENT", "MAX",    "CORES",
					     "THREADS", "MEMORY",  "CHANGE", "RESTART" };
	const json_t *meta = json_object_get(vm, "metadata");
	const json_t *domain = json_object_get(json_object_get(vm, "spec"), "domain");
	const json_t *cpu = json_object_get(domain, "cpu");
	const json_t *status = json_object_get(vm, "status");
	json_t *rows = begin_table(heads, sizeof(heads) / sizeof(*heads));
	json_t *row = begin(rows);

	add_text(row, show_text(meta, "name"));
	add_age(row, meta, "creationTimestamp", now);
	add_text(row, show_text(status, "phase"));
	add_text(row, condition_text(status, "Ready", "status"));
	add_number(row, cpu, "sockets");
	add_number(row, json_object_get(status, "currentCPUTopology"), "sockets");
	add_number(row, cpu, "maxSockets");
	add_number(row, cpu, "cores");
	add_number(row, cpu, "threads");
	add_text(row, show_text(json_object_get(domain, "memory"), "guest"));
	add_text(row, condition_text(status, "HotVCPUChange", "reason"));
	add_text(row, condition_text(status, "RestartRequired", "status"));
	end_table(rows);
}

void events_table(const json_t *list, time_t now)
{
	static const char *const heads[] = { "LAST SEEN", "TYPE", "REASON", "COUNT",
					     "MESSAGE" };
	json_t *rows = begin_table(heads, sizeof(heads) / sizeof(*heads));
	const json_t *event;
	size_t i;

	json_array_foreach(json_object_get(list, "items"), i, event)
	{
		json_t *row = begin(rows);

		add_age(row, event, "lastTimestamp", now);
		add_text(row, show_text(event, "type"));
		add_text(row, show_text(event, "reason"));
		add_number(row, event, "count");
		add_text(row, show_text(event, "message"));
	}
	end_table(rows);
}

void show_lines(const char *text)
{
	for (; text && *text; text++)
		(void)putchar((*text >= ' ' && *text <= '~') || *text == '\n' ? *text
									      : '?');
}
