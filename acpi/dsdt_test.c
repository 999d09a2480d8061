/* The stamped DSDT against dsdt.asl: the source for n CPUs is made here from the text of
 * the sample and compiled as a whole, and both are disassembled. Runs from the top of the
 * source tree. */
#include "acpi/dsdt.h"

#include <setjmp.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "acpi/acpica.h"
#include "acpi/layout.h"
#include "acpi/shapes.h"

/* For the preprocessor, which may run on another architecture than this test is compiled
 * for; and the architecture that it is not compiled for. */
#define X86_64_FLAGS  "-U__aarch64__ -D__x86_64__"
#define AARCH64_FLAGS "-U__x86_64__ -D__aarch64__"
#if defined(__aarch64__)
#define OWN_FLAGS   AARCH64_FLAGS
#define OTHER_FLAGS X86_64_FLAGS
#define OTHER_MAT   "0000: 09 10"
#else
#define OWN_FLAGS   X86_64_FLAGS
#define OTHER_FLAGS AARCH64_FLAGS
#define OTHER_MAT   "AE_NOT_FOUND"
#endif

/* Runs a printf()-made command, which must succeed. */
__attribute__((format(printf, 1, 2))) static void must(const char *format, ...)
{
	char command[1024];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (acpica_run(command) != 0)
		fail_msg("failed: %s", command);
}

enum { GROUP_LEN = 1 << CPUS_GROUP_SHIFT };

/* The source as text. */

struct text {
	const char *at;
	size_t len;
};

/* From a head to the brace that closes its body. */
static struct text block(const char *from, const char *head)
{
	const char *at = strstr(from, head), *p = at;
	int depth = 0;

	assert_non_null(at);
	do {
		p += strcspn(p, "{}");
		assert_int_not_equal(*p, '\0');
		depth += *p++ == '{' ? 1 : -1;
	} while (depth > 0);
	return (struct text){ at, (size_t)(p - at) };
}

/* What stands in the sample, and how it is written for a CPU. */
struct fill {
	const char *placeholder;
	char value[32];
};

static void fill_bytes(char *value, uint32_t v)
{
	(void)snprintf(value, 32, "%u, %u, %u, %u", v & 255, v >> 8 & 255, v >> 16 & 255,
		       v >> 24);
}

static void write_filled(FILE *f, struct text s, const struct topology *t, uint32_t cpu)
{
	struct fill fills[] = {
		{ .placeholder = "C000" },
		{ .placeholder = "0x11223344" },
		{ .placeholder = "0x44, 0x33, 0x22, 0x11" },
		{ .placeholder = "0x99, 0xAA, 0xBB, 0xCC" },
		{ .placeholder = "G000" },
		{ .placeholder = "0x55667788" },
		{ .placeholder = "0xABC" },
		{ .placeholder = "0x8070605040302010" },
	};

	(void)snprintf(fills[0].value, 32, "C%03X", cpu);
	(void)snprintf(fills[1].value, 32, "%u", cpu);
	fill_bytes(fills[2].value, cpu);
	fill_bytes(fills[3].value, topology_apic_id(t, cpu));
	(void)snprintf(fills[4].value, 32, "G%03X", cpu / GROUP_LEN);
	(void)snprintf(fills[5].value, 32, "%u", cpu / GROUP_LEN);
	(void)snprintf(fills[6].value, 32, "%u", cpu);
	(void)snprintf(fills[7].value, 32, "%" PRIu64, ACPICA_STA);
	while (s.len > 0) {
		size_t skip_len = 0;

		for (size_t i = 0; i < sizeof(fills) / sizeof(*fills) && skip_len == 0;
		     i++)
			if (strncmp(s.at, fills[i].placeholder,
				    strlen(fills[i].placeholder)) == 0) {
				skip_len = strlen(fills[i].placeholder);
				(void)fputs(fills[i].value, f);
			}
		if (skip_len == 0) {
			(void)fputc(*s.at, f);
			skip_len = 1;
		}
		s.at += skip_len;
		s.len -= skip_len;
	}
}

/* Boot CPU: without _EJ0. */
static void write_boot_device(FILE *f, struct text device, const struct topology *t)
{
	struct text eject = block(device.at, "Method (_EJ0");

	assert_in_range(eject.at - device.at, 0, device.len);
	device.len = (size_t)(eject.at - device.at);
	write_filled(f, device, t, 0);
	(void)fputs("}\n", f);
}

/* From its head to its GTFY, and that with these CPUs' arms. */
static void write_group_head(FILE *f, const struct topology *t, struct text group,
			     uint32_t first, uint32_t end)
{
	struct text method = block(group.at, "Method (GTFY"), arm;

	arm = block(method.at, "If (Arg0");
	group.len = (size_t)(method.at - group.at);
	write_filled(f, group, t, first);
	(void)fputs("Method (GTFY, 2)\n{\n", f);
	for (uint32_t i = first; i < end; i++)
		write_filled(f, arm, t, i);
	(void)fputs("}\n", f);
}

static void write_group(FILE *f, const struct topology *t, struct text group,
			uint32_t first)
{
	struct text device = block(group.at, "Device (C000)");
	uint32_t end = first + GROUP_LEN;

	if (end > t->max_vcpus)
		end = t->max_vcpus;
	write_group_head(f, t, group, first, end);
	if (first == 0)
		write_boot_device(f, device, t);
	for (uint32_t i = first == 0 ? 1 : first; i < end; i++)
		write_filled(f, device, t, i);
	(void)fputs("}\n", f);
}

/* The preprocessed dsdt.asl, with everything of a CPU once for each. */
static void write_source(const struct topology *t, const char *source, const char *name)
{
	const char *last = strstr(source, "Scope (\\_SB.CPUS)");
	FILE *f = acpica_open(name, "w");
	struct text arm;

	assert_non_null(last);
	arm = block(strstr(last, "Method (CTFY"), "If ((Arg0");
	write_filled(f, (struct text){ source, (size_t)(last - source) }, t, 0);
	(void)fputs("Scope (\\_SB.CPUS)\n{\n", f);
	for (uint32_t i = 0; i < t->max_vcpus; i += GROUP_LEN)
		write_group(f, t, block(last, "Device (G000)"), i);
	(void)fputs("Method (CTFY, 2)\n{\n", f);
	for (uint32_t i = 0; i < t->max_vcpus; i += GROUP_LEN)
		write_filled(f, arm, t, i);
	(void)fputs("}\n}\n}\n", f);
	assert_int_equal(fclose(f), 0);
}

/* dsdt.asl for n CPUs, through the preprocessor with these flags and iasl: NAME.dat. */
static void compile(const struct topology *t, const char *flags, const char *name)
{
	char file[64], *source;

	must("cd \"$OLDPWD\" && cc %s -E -P -x c -I. acpi/dsdt.asl >%s/source.i", flags,
	     acpica_dir);
	source = acpica_read("source.i");
	(void)snprintf(file, sizeof(file), "%s.asl", name);
	write_source(t, source, file);
	free(source);
	must("iasl -we %s.asl >log 2>&1 || { cat log >&2; exit 1; }; mv %s.aml %s.dat",
	     name, name, name);
}

/* Disassembly, without the comment on top and with integers of one form. */

static size_t canonical_word(char *out, const char *word, size_t len)
{
	char copy[24] = "";

	if (len < sizeof(copy))
		memcpy(copy, word, len);
	if (strcmp(copy, "Zero") == 0)
		(void)strcpy(copy, "0x0");
	else if (strcmp(copy, "One") == 0)
		(void)strcpy(copy, "0x1");
	else if (strncmp(copy, "0x", 2) == 0)
		(void)snprintf(copy, sizeof(copy), "0x%llX", strtoull(copy, NULL, 16));
	else {
		memmove(out, word, len);
		return len;
	}
	len = strlen(copy);
	memcpy(out, copy, len);
	return len;
}

/* In place: no word grows. */
static char *canonical(char *text)
{
	static const char word[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	const char *p = strstr(text, "DefinitionBlock");
	char *out = text;

	assert_non_null(p);
	while (*p != '\0') {
		size_t len = strspn(p, word);

		if (len == 0)
			*out++ = *p++;
		out += canonical_word(out, p, len);
		p += len;
	}
	*out = '\0';
	return text;
}

static void fail_at_first_difference(const char *got, const char *want)
{
	const char *g = got, *w = want;

	while (strcspn(g, "\n") == strcspn(w, "\n") &&
	       memcmp(g, w, strcspn(g, "\n") + 1) == 0) {
		g += strcspn(g, "\n") + 1;
		w += strcspn(w, "\n") + 1;
	}
	fail_msg("stamped: %.*s\nsource:  %.*s", (int)strcspn(g, "\n"), g,
		 (int)strcspn(w, "\n"), w);
}

/* CPU 0's _STA stands at the offset 0, which iasl leaves out. */
static void drop_offset_0(char *text)
{
	char *line = strstr(text, "Offset (0x0)"), *next;

	assert_non_null(line);
	next = strchr(line, '\n') + 1;
	while (line[-1] != '\n')
		line--;
	memmove(line, next, strlen(next) + 1);
}

static void check_same_disassembly(const char *name, const char *of)
{
	char *got = canonical(acpica_read(name)), *want = canonical(acpica_read(of));

	drop_offset_0(got);
	if (strcmp(got, want) != 0)
		fail_at_first_difference(got, want);
	free(got);
	free(want);
}

static void stamped_table_is_the_compiled_source(void **state)
{
	(void)state;
	acpica_need("iasl");
	acpica_need("cc");
	for (size_t i = 0; i < NSHAPES; i++) {
		struct topology t = shape(i);

		acpica_write_dsdt("stamped.dat", &t);
		acpica_disassemble("stamped");
		compile(&t, OWN_FLAGS, "full");
		acpica_disassemble("full");
		check_same_disassembly("stamped.dsl", "full.dsl");
	}
}

static void no_placeholder_is_left(void **state)
{
	struct topology t = shape(SHAPE_3X3X2);
	size_t len = dsdt_len(&t);
	unsigned char *dsdt = malloc(len);

	(void)state;
	assert_non_null(dsdt);
	dsdt_build(&t, ACPICA_STA, dsdt);
	assert_null(memmem(dsdt, len, "\x44\x33\x22\x11", 4));
	assert_null(memmem(dsdt, len, "\x88\x77\x66\x55", 4));
	assert_null(memmem(dsdt, len, "\x99\xAA\xBB\xCC", 4));
	assert_null(memmem(dsdt, len, "\x80\x5E\x05", 3));
	assert_null(memmem(dsdt, len, "\x10\x20\x30\x40", 4));
	free(dsdt);
}

static void only_the_boot_cpu_cannot_be_ejected(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSHAPES; i++) {
		struct topology t = shape(i);
		size_t len = dsdt_len(&t), ejects = 0;
		unsigned char *dsdt = malloc(len);

		assert_non_null(dsdt);
		dsdt_build(&t, 0, dsdt);
		for (size_t at = 0; at + 4 <= len; at++)
			ejects += memcmp(dsdt + at, "_EJ0", 4) == 0;
		assert_int_equal(ejects, t.max_vcpus - 1);
		free(dsdt);
	}
}

static void source_serves_the_other_architecture(void **state)
{
	struct topology t = shape(SHAPE_8);

	(void)state;
	acpica_need("acpiexec");
	acpica_need("cc");
	compile(&t, OTHER_FLAGS, "other");
	must("timeout 20 acpiexec -fv 15 -b 'evaluate \\_SB.CPUS.G000.C007._STA;quit' "
	     "other.dat 2>&1 | grep -q 'Integer. = 000000000000000F'");
	must("timeout 20 acpiexec -fv 15 -b 'evaluate \\_SB.CPUS.G000.C007._MAT;quit' "
	     "other.dat 2>&1 | grep -q '" OTHER_MAT "'");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_placeholder_is_left),
		cmocka_unit_test(only_the_boot_cpu_cannot_be_ejected),
		cmocka_unit_test(stamped_table_is_the_compiled_source),
		cmocka_unit_test(source_serves_the_other_architecture),
	};

	return cmocka_run_group_tests_name("dsdt", tests, acpica_setup, acpica_teardown);
}
