/* Any bytes of a VM, in any pieces: the same messages are found whatever the pieces were;
 * what is shown of each is printable ASCII; and as YAML it is read back as it was. The
 * first byte is the piece size. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ctl/lines.h"
#include "tools/ctl/show.h"
#include "tools/ctl/vm.h"
#include "tools/ctl/yaml.h"
#include "vmm/config/yaml_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void show_all(const json_t *m)
{
	const json_t *data = json_object_get(m, "data");

	show_event(m);
	for (int i = 0; i < 2; i++, m = data) {
		show_patched(m);
		show_resize(m);
		show_phase(m);
		show_done(m);
		show_trace(m);
		show_status(m, m, json_object_get(m, "vcpus"));
		show_json(m);
		show_json_pretty(m);
		vm_table(m, 1700000000);
		events_table(m, 1700000000);
		show_lines(json_string_value(json_object_get(m, "message")));
	}
}

static void shown_is_printable(const json_t *m)
{
	char *text = NULL;
	size_t len = 0;
	FILE *real = stdout, *sink = open_memstream(&text, &len);

	must(sink != NULL);
	stdout = sink;
	show_all(m);
	stdout = real;
	must(fclose(sink) == 0);
	for (size_t i = 0; i < len; i++)
		must((text[i] >= ' ' && text[i] <= '~') || text[i] == '\n');
	free(text);
}

/* What the reader takes: it has less depth, and no fractions. */
static bool is_readable(const json_t *v, int depth) // NOLINT(misc-no-recursion)
{
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_real(v) || depth > YAML_TEXT_DEPTH)
		return false;
	json_array_foreach(v, i, member)
	{
		if (!is_readable(member, depth + 1))
			return false;
	}
	json_object_foreach((json_t *)v, key, member)
	{
		if (!is_readable(member, depth + 1))
			return false;
	}
	return true;
}

static void yaml_is_the_same(const json_t *m)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	json_t *back = NULL;
	struct text why;

	must(out != NULL);
	must(yaml_print(m, out) == 0);
	must(fclose(out) == 0);
	if (is_readable(m, 1)) {
		must(yaml_text_load(text, len, &back, &why) == 0);
		must(json_equal(m, back));
	}
	json_decref(back);
	free(text);
}

/* Adds what all messages that are whole now are to sum. */
static uint64_t take_all(struct ctl_lines *l, bool look, uint64_t sum)
{
	json_t *m = NULL;
	int err;

	while ((err = ctl_lines_next(l, &m)) != -EAGAIN) {
		char *text = json_dumps(m, JSON_COMPACT);

		must((err == 0) == json_is_object(m) && (err == 0 || err == -EPROTO));
		for (const char *p = text; p != NULL && *p; p++)
			sum = sum * 31 + (unsigned char)*p;
		sum = sum * 31 + (err == 0);
		if (look && err == 0) {
			shown_is_printable(m);
			yaml_is_the_same(m);
		}
		free(text);
		json_decref(m);
	}
	must(l->start <= l->end && l->end <= sizeof(l->buf));
	return sum;
}

static uint64_t messages(const uint8_t *data, size_t size, size_t piece)
{
	static struct ctl_lines l;
	uint64_t sum = 1;

	ctl_lines_init(&l);
	while (size > 0) {
		size_t room, n = piece < size ? piece : size;
		char *at = ctl_lines_room(&l, &room);

		must(room > 0);
		n = n < room ? n : room;
		memcpy(at, data, n);
		ctl_lines_came(&l, n);
		data += n;
		size -= n;
		sum = take_all(&l, piece == SIZE_MAX, sum);
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0)
		must(messages(data + 1, size - 1, SIZE_MAX) ==
		     messages(data + 1, size - 1, (size_t)data[0] % 64 + 1));
	return 0;
}
