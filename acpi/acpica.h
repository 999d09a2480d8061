#ifndef ACPI_ACPICA_H
#define ACPI_ACPICA_H
/* acpica: for tests. Runs ACPICA's tools in a directory that goes away with the test.
 * Include it after cmocka.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acpi/dsdt.h"

#define ACPICA_STA UINT64_C(0x123450000) /* where it finds the CPUs' _STA */

static char acpica_dir[] = "/tmp/hotsocket-acpi.XXXXXX";

/* Starts a shell command in the directory; acpica_wait() gives its exit status. */
static inline FILE *acpica_start(const char *command)
{
	char line[4096];
	FILE *f;

	assert_in_range(
		snprintf(line, sizeof(line), "cd %s && { %s; }", acpica_dir, command), 0,
		sizeof(line) - 1);
	f = popen(line, "r"); /* NOLINT(cert-env33-c): tools of the build, in a test */
	assert_non_null(f);
	return f;
}

static inline int acpica_wait(FILE *f)
{
	return pclose(f);
}

static inline int acpica_run(const char *command)
{
	return acpica_wait(acpica_start(command));
}

static inline int acpica_setup(void **state)
{
	(void)state;
	return mkdtemp(acpica_dir) == NULL ? -1 : 0;
}

static inline int acpica_teardown(void **state)
{
	(void)state;
	return acpica_run("rm -r \"$PWD\"");
}

/* Skips the running test when the tool is missing. */
static inline void acpica_need(const char *tool)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "command -v %s >/dev/null", tool);
	if (acpica_run(command) == 0)
		return;
	print_message("SKIP: %s is not installed (Debian package acpica-tools)\n", tool);
	skip();
}

static inline FILE *acpica_open(const char *name, const char *mode)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", acpica_dir, name);
	f = fopen(path, mode);
	if (f == NULL)
		fail_msg("%s: cannot open it", path);
	return f;
}

static inline void acpica_write(const char *name, const void *bytes, size_t len)
{
	FILE *f = acpica_open(name, "wb");

	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static inline void acpica_write_dsdt(const char *name, const struct topology *t)
{
	size_t len = dsdt_len(t);
	unsigned char *buf = malloc(len);

	assert_non_null(buf);
	dsdt_build(t, ACPICA_STA, buf);
	acpica_write(name, buf, len);
	free(buf);
}

/* The whole file as a string, for free(). */
static inline char *acpica_read(const char *name)
{
	FILE *f = acpica_open(name, "rb");
	char *text;
	long len;

	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	len = ftell(f);
	assert_true(len >= 0);
	text = calloc((size_t)len + 1, 1);
	assert_non_null(text);
	rewind(f);
	assert_int_equal(fread(text, 1, (size_t)len, f), len);
	assert_int_equal(fclose(f), 0);
	return text;
}

/* Disassembles NAME.dat to NAME.dsl; fails the test at an error or warning. */
static inline void acpica_disassemble(const char *name)
{
	char command[128];

	(void)snprintf(
		command, sizeof(command),
		"iasl -d %s.dat >log 2>&1 && ! grep -iE 'error|warning|invalid' log "
		"%s.dsl >&2",
		name, name);
	if (acpica_run(command) != 0)
		fail_msg("iasl -d finds fault with %s", name);
}

#endif
