#include "vmm/config/spec_parse.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "vmm/base/size.h"
#include "vmm/config/refusal.h"
#include "vmm/config/serial.h"

#define MIB            (UINT64_C(1) << 20)
#define MEMORY_MIN     (2 * MIB)
#define MEMORY_MAX     (UINT64_C(1) << 46) /* bytes */
#define COUNT_TEXT_MAX 20                  /* characters of a number worth repeating */

static const struct cpu_key {
	const char *name;
	size_t offset;
} cpu_keys[SPEC_CPU_KEYS] = {
	[SPEC_SOCKETS] = { "sockets", offsetof(struct cpu_counts, sockets) },
	[SPEC_CORES] = { "cores", offsetof(struct cpu_counts, cores) },
	[SPEC_THREADS] = { "threads", offsetof(struct cpu_counts, threads) },
	[SPEC_MAX_SOCKETS] = { "maxSockets", offsetof(struct cpu_counts, max_sockets) },
};

static const struct cpu_key *find_key(const char *name, size_t len)
{
	for (size_t i = 0; i < SPEC_CPU_KEYS; i++)
		if (strlen(cpu_keys[i].name) == len &&
		    strncmp(cpu_keys[i].name, name, len) == 0)
			return &cpu_keys[i];
	return NULL;
}

static uint32_t *at(struct cpu_counts *c, const struct cpu_key *key)
{
	return (uint32_t *)(void *)((char *)c + key->offset);
}

uint32_t spec_count(const struct cpu_counts *c, enum spec_cpu k)
{
	return *(const uint32_t *)(const void *)((const char *)c + cpu_keys[k].offset);
}

/* A whole number from 1 to UINT32_MAX in the first len characters. */
static int parse_count(const char *key, const char *s, size_t len, uint32_t *out,
		       struct text *why)
{
	int show = (int)(len < COUNT_TEXT_MAX ? len : COUNT_TEXT_MAX);
	bool negative = len > 1 && s[0] == '-';
	uint64_t v = 0;

	for (size_t i = negative; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return text_set(why, -EINVAL, refuse_count_not_number, key, show,
					s);
		if (v <= UINT32_MAX)
			v = v * 10 + (uint64_t)(s[i] - '0');
	}
	if (len == 0)
		return text_set(why, -EINVAL, refuse_count_missing, key);
	if (v == 0 || negative)
		return text_set(why, -EINVAL, refuse_count_low, key, show, s);
	if (v > UINT32_MAX)
		return text_set(why, -EINVAL, refuse_count_high, key, show, s,
				UINT32_MAX);
	*out = (uint32_t)v;
	return 0;
}

int spec_parse_cpus(const char *text, struct spec *s, struct text *why)
{
	struct spec new = *s;
	unsigned seen = 0;

	for (const char *p = text;; p++) {
		size_t len = strcspn(p, ","), key_len = strcspn(p, "=,");
		const struct cpu_key *key = find_key(p, key_len);
		int err;

		if (key == NULL || p[key_len] != '=')
			return text_set(why, -EINVAL, refuse_cpus_unknown,
					(int)(len < 40 ? len : 40), p);
		if (seen & 1u << (key - cpu_keys))
			return text_set(why, -EINVAL, refuse_cpus_twice, key->name);
		seen |= 1u << (key - cpu_keys);
		err = parse_count(key->name, p + key_len + 1, len - key_len - 1,
				  at(&new.cpus, key), why);
		if (err < 0)
			return err;
		p += len;
		if (*p == '\0')
			break;
	}
	new.from.cpus &= ~seen;
	*s = new;
	return 0;
}

const char *spec_cpu_name(enum spec_cpu k)
{
	return cpu_keys[k].name;
}

int spec_find_cpu(const char *name)
{
	const struct cpu_key *key = find_key(name, strlen(name));

	return key != NULL ? (int)(key - cpu_keys) : -ENOENT;
}

int spec_check_count(const char *name, int64_t value, uint32_t *out, struct text *why)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	return parse_count(name, text, strlen(text), out, why);
}

int spec_set_cpus(const char *name, int64_t value, struct spec *s, struct text *why)
{
	const struct cpu_key *key = find_key(name, strlen(name));
	int err;

	if (key == NULL)
		return text_set(why, -ENOENT, refuse_cpus_key, name);
	err = spec_check_count(name, value, at(&s->cpus, key), why);
	if (err == 0)
		s->from.cpus |= 1u << (key - cpu_keys);
	return err;
}

int spec_parse_memory(const char *text, struct spec *s, struct text *why)
{
	uint64_t v;
	int err = size_parse(text, 20, &v);

	if (err == -EINVAL)
		return text_set(why, -EINVAL, refuse_memory_not_size, text);
	if (err < 0 || v > MEMORY_MAX)
		return text_set(why, -EINVAL, refuse_memory_high, text);
	if (v < MEMORY_MIN || v % MIB != 0)
		return text_set(why, -EINVAL, refuse_memory_not_mib, text);
	s->memory = v;
	return 0;
}

int spec_set_memory(const char *shown, uint64_t bytes, struct spec *s, struct text *why)
{
	if (bytes > MEMORY_MAX)
		return text_set(why, -EINVAL, refuse_memory_high, shown);
	if (bytes < MEMORY_MIN)
		return text_set(why, -EINVAL, refuse_memory_low, shown);
	s->memory = (bytes + MIB - 1) / MIB * MIB;
	return 0;
}

/* One of two words; *out says whether it was the second. */
static int parse_choice(const char *option, const char *text, const char *first,
			const char *second, bool *out, struct text *why)
{
	bool is_second = strcmp(text, second) == 0;

	if (!is_second && strcmp(text, first) != 0)
		return text_set(why, -EINVAL, refuse_choice, option, text, first, second);
	*out = is_second;
	return 0;
}

int spec_parse_guest_eject(const char *text, struct spec *s, struct text *why)
{
	return parse_choice("guest-eject", text, "accept", "refuse",
			    &s->refuse_guest_ejects, why);
}

int spec_parse_boot(const char *text, struct spec *s, struct text *why)
{
	return parse_choice("boot", text, "acpi", "dt", &s->device_tree, why);
}

int spec_parse_on_reset(const char *text, struct spec *s, struct text *why)
{
	return parse_choice("on-reset", text, "restart", "exit", &s->exit_on_reset, why);
}

int spec_parse_nested(const char *text, struct spec *s, struct text *why)
{
	return parse_choice("nested", text, "off", "on", &s->nested, why);
}

int spec_parse_serial(const char *text, struct spec *s, struct text *why)
{
	struct serial parsed;
	int err = serial_parse(text, &parsed, why);

	if (err == 0)
		s->serial = text;
	return err;
}
