/* The methods of the stamped DSDT, run by acpiexec. Its registers are plain memory that
 * starts with one value in each byte. It prints each access, and each Notify whenever its
 * other thread comes to it. A trace is the accesses of one method: w or r, c (hotplug
 * block), g (GED) or s (the CPUs' _STA), offset / bits = value. */
#include "acpi/dsdt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "acpi/acpica.h"
#include "acpi/layout.h"
#include "acpi/shapes.h"

/* At its end acpiexec drops each Notify that it has not come to, and without quit it
 * sleeps for a second. */
#define WAIT "evaluate \\WAIT;quit"
#define LONG "evaluate \\LONG;quit" /* where many run at once */

#define LOW32(gpa) ((gpa)&UINT32_MAX) /* all that acpiexec prints */

enum { TEXT = 4096 };

/* Appends to a string of TEXT bytes. */
__attribute__((format(printf, 2, 3))) static void add(char *text, const char *format, ...)
{
	size_t len = strlen(text);
	va_list args;

	va_start(args, format);
	assert_in_range(vsnprintf(text + len, TEXT - len, format, args), 0,
			TEXT - len - 1);
	va_end(args);
}

static void prepare(void)
{
	static const char wait[] =
		"DefinitionBlock (\"\", \"SSDT\", 2, \"HOTSKT\", \"WAIT\", 1)"
		"{ External (\\_SB.CPUS.CNXT, FieldUnitObj)"
		"Method (\\NEXT, 1) { \\_SB.CPUS.CNXT = Arg0 }"
		"Method (\\WAIT) { Sleep (500) } Method (\\LONG) { Sleep (2000) } }";

	acpica_need("acpiexec");
	acpica_write("wait.asl", wait, strlen(wait));
	assert_int_equal(acpica_run("iasl wait.asl >log 2>&1"), 0);
}

/* acpiexec with eight CPUs, all registers filled with this value. The filter sees what it
 * prints. For free(). Within a time: it waits for ever when it cannot load a table. */
static char *evaluate(int fill, const char *commands, const char *filter)
{
	struct topology t = shape(SHAPE_8);
	char command[TEXT] = "";

	prepare();
	acpica_write_dsdt("eight.dat", &t);
	add(command,
	    "timeout 10 acpiexec -fv %d -vr -b '%s;" WAIT "' eight.dat wait.aml 2>&1 | "
	    "%s >eight.out",
	    fill, commands, filter);
	assert_int_equal(acpica_run(command), 0);
	return acpica_read("eight.out");
}

/* What was printed while this method ran, in buf. */
static const char *section(const char *out, const char *method, char *buf)
{
	char head[64];
	const char *from, *to;

	(void)snprintf(head, sizeof(head), "Evaluating \\_SB.%s\n", method);
	from = strstr(out, head);
	assert_non_null(from);
	to = strstr(from + 1, "Evaluating ");
	buf[0] = '\0';
	add(buf, "%.*s", (int)(to == NULL ? strlen(from) : (size_t)(to - from)), from);
	return buf;
}

/* Number behind a key in a line that acpiexec printed. */
static unsigned long field(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	assert_non_null(at);
	return strtoul(at + strlen(key), NULL, 16);
}

static void add_access(char *trace, const char *line)
{
	static const char head[] = "AcpiExec: SystemMemory ";
	unsigned long gpa, base = CPUHP_BASE;
	char region = 'c';

	if (strncmp(line, head, strlen(head)) != 0)
		return;
	gpa = field(line, "Addr ");
	if (gpa >= LOW32(ACPICA_STA) && gpa < LOW32(ACPICA_STA) + CPUS_MAX) {
		base = LOW32(ACPICA_STA);
		region = 's';
	} else if (gpa >= GED_BASE) {
		base = GED_BASE;
		region = 'g';
	}
	add(trace, "%c %c%lu/%lu=%lX, ", line[strlen(head)] == 'R' ? 'r' : 'w', region,
	    gpa - base, field(line, "BitWidth "), field(line, "Val "));
}

/* In a string of TEXT bytes. */
static char *trace_of(const char *out, const char *method, char *trace)
{
	char buf[TEXT];

	trace[0] = '\0';
	section(out, method, buf);
	for (const char *line = buf; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		add_access(trace, line);
	}
	return trace;
}

static void check_trace(const char *out, const char *method, const char *want)
{
	char trace[TEXT];

	assert_string_equal(trace_of(out, method, trace), want);
}

static void check_prints(const char *out, const char *method, const char *want)
{
	char buf[TEXT];

	if (strstr(section(out, method, buf), want) == NULL)
		fail_msg("not \"%s\" in: %s", want, buf);
}

static size_t count(const char *out, const char *what)
{
	size_t n = 0;

	for (out = strstr(out, what); out != NULL; out = strstr(out + 1, what))
		n++;
	return n;
}

/* Number of Notify (name, value) in the whole output. */
static size_t notified(const char *out, const char *name, unsigned value)
{
	char head[32];
	size_t n = 0;

	(void)snprintf(head, sizeof(head), "Notify on [%s] ", name);
	for (out = strstr(out, head); out != NULL; out = strstr(out + 1, head))
		n += field(out, "Value ") == value;
	return n;
}

/* First, middle and last CPU of every size. */

static size_t three(const struct topology *t, uint32_t *cpu)
{
	size_t n = 0;

	cpu[n++] = 0;
	if (t->max_vcpus > 2)
		cpu[n++] = t->max_vcpus / 2;
	if (t->max_vcpus > 1)
		cpu[n++] = t->max_vcpus - 1;
	return n;
}

/* What only reads comes first, as writes change the memory; the Notify come last, where
 * no trace follows. */
static FILE *start(const struct topology *t, size_t run)
{
	static const char *const methods[] = { "_STA", "_UID", "_MAT", "_OST 3 132 (00)",
					       "_EJ0 1" };
	char command[TEXT] = "", file[32];
	uint32_t cpu[3];
	size_t n = three(t, cpu);

	(void)snprintf(file, sizeof(file), "%zu.dat", run);
	acpica_write_dsdt(file, t);
	add(command, "timeout 60 acpiexec -fv 1 -vr -b 'evaluate \\_SB.CPUS.CSCN");
	for (size_t m = 0; m < sizeof(methods) / sizeof(*methods); m++)
		for (size_t i = 0; i < n; i++)
			add(command, ";evaluate \\_SB.CPUS.G%03X.C%03X.%s",
			    cpu[i] >> CPUS_GROUP_SHIFT, cpu[i], methods[m]);
	add(command, ";evaluate \\_SB.CPUS.CRES");
	for (size_t i = 0; i < n; i++)
		add(command,
		    ";evaluate \\_SB.CPUS.CTFY %u 1;evaluate \\_SB.CPUS.CTFY %u 3",
		    cpu[i], cpu[i]);
	add(command, ";evaluate \\_SB.CPUS.CTFY %u 1;" LONG "' %s wait.aml >%zu.out 2>&1",
	    t->max_vcpus, file, run);
	return acpica_start(command);
}

static void check_mat(const char *out, const char *method, uint32_t cpu, uint32_t id)
{
	char want[TEXT] = "";

	add(want,
	    "0000: 09 10 00 00 %02X %02X %02X %02X 01 00 00 00 %02X %02X %02X %02X ",
	    id & 255, id >> 8 & 255, id >> 16 & 255, id >> 24, cpu & 255, cpu >> 8 & 255,
	    cpu >> 16 & 255, cpu >> 24);
#if defined(__aarch64__)
	(void)snprintf(want, sizeof(want), "AE_NOT_FOUND");
#endif
	check_prints(out, method, want);
}

static void check_cpu(const char *out, const struct topology *t, uint32_t cpu)
{
	char name[8], method[32], want[128];

#define METHOD(m)                                                                        \
	((void)snprintf(method, sizeof(method), "CPUS.G%03X.%s." m,                      \
			cpu >> CPUS_GROUP_SHIFT, name),                                  \
	 method)
#define WANT(...) ((void)snprintf(want, sizeof(want), __VA_ARGS__), want)
	(void)snprintf(name, sizeof(name), "C%03X", cpu);
	check_trace(out, METHOD("_STA"), WANT("r s%u/8=1, ", cpu));
	check_prints(out, METHOD("_STA"), "[Integer] = 0000000000000001");
	check_prints(out, METHOD("_UID"), WANT("[Integer] = %016X", cpu));
	check_mat(out, METHOD("_MAT"), cpu, topology_apic_id(t, cpu));
	/* Of a qword the low half: it prints no more. */
	check_trace(out, METHOD("_OST"), WANT("w c0/32=%X, w c16/64=3, ", cpu));
	if (cpu == 0)
		check_prints(out, METHOD("_EJ0"), "AE_NOT_FOUND");
	else
		check_trace(out, METHOD("_EJ0"), WANT("w c0/32=%X, w c4/8=8, ", cpu));
	assert_int_equal(notified(out, name, 1), 1);
	assert_int_equal(notified(out, name, 3), 1);
}

static void check(const struct topology *t, size_t run)
{
	char file[32], *out;
	uint32_t cpu[3];
	size_t n = three(t, cpu);

	(void)snprintf(file, sizeof(file), "%zu.out", run);
	out = acpica_read(file);
	check_trace(out, "CPUS.CSCN", "r c12/32=1010101, ");
	/* All of what the last _OST wrote. */
	check_prints(out, "CPUS.CRES", "[Integer] = 0000008400000003");
	for (size_t i = 0; i < n; i++)
		check_cpu(out, t, cpu[i]);
	assert_int_equal(count(out, " Notify on ["), 2 * n);
	free(out);
}

/* All at once, as each waits at its end. */
static void methods_of_first_middle_and_last_cpu(void **state)
{
	FILE *run[NSHAPES];

	(void)state;
	prepare();
	for (size_t i = 0; i < NSHAPES; i++) {
		struct topology t = shape(i);

		run[i] = start(&t, i);
	}
	for (size_t i = 0; i < NSHAPES; i++)
		assert_int_equal(acpica_wait(run[i]), 0);
	for (size_t i = 0; i < NSHAPES; i++) {
		struct topology t = shape(i);

		check(&t, i);
	}
}

static char *nth_line(char *text, int n)
{
	while (n-- > 0)
		text = strchr(text, '\n') + 1;
	return text;
}

/* What a scan does that finds this in CPUHP_NEXT. Memory forgets no event: with
 * CPUHP_NEXT_MORE the scan never ends, and two rounds of it are looked at; else all that
 * it does. */
static void scan(unsigned long next, const char *round, bool insert, bool removal)
{
	char commands[128], trace[TEXT], twice[128], *out;
	bool more = (next & CPUHP_NEXT_MORE) != 0;

	(void)snprintf(commands, sizeof(commands),
		       "evaluate \\NEXT 0x%lX;evaluate \\_SB.CPUS.CSCN", next);
	(void)snprintf(twice, sizeof(twice), "%s%s", round, more ? round : "");
	out = evaluate(0, commands, "sed -n \"/CSCN$/,\\$p\" | head -n 6000");
	assert_int_equal(notified(out, "C005", 1) > 0, insert);
	assert_int_equal(notified(out, "C005", 3) > 0, removal);
	if (more)
		*nth_line(out, 30) = '\0';
	trace_of(out, "CPUS.CSCN", trace);
	if (more)
		trace[strlen(twice)] = '\0';
	assert_string_equal(trace, twice);
	free(out);
}

static void scan_notifies_an_insert_and_acknowledges_it(void **state)
{
	(void)state;
	scan(0x20005, "r c12/32=20005, w c4/8=2, ", true, false);
}

static void scan_notifies_a_removal_and_acknowledges_it(void **state)
{
	(void)state;
	scan(0x40005, "r c12/32=40005, w c4/8=4, ", false, true);
}

static void scan_acknowledges_all_that_it_saw_at_once(void **state)
{
	(void)state;
	scan(0x60005, "r c12/32=60005, w c4/8=6, ", true, true);
}

static void scan_goes_on_while_there_is_more(void **state)
{
	(void)state;
	scan(0x80020005, "r c12/32=80020005, w c4/8=2, ", true, false);
}

static void scan_of_nothing_acknowledges_nothing(void **state)
{
	(void)state;
	scan(0x5, "r c12/32=5, ", false, false);
}

static void ged_without_event_touches_nothing_else(void **state)
{
	char *out = evaluate(0, "evaluate \\_SB.GED._EVT 20", "cat");

	(void)state;
	check_trace(out, "GED._EVT", "r g0/32=0, ");
	assert_int_equal(count(out, " Notify on ["), 0);
	free(out);
}

static void ged_scans_for_a_cpu_event(void **state)
{
	char *out = evaluate(1, "evaluate \\_SB.GED._EVT 20", "cat");

	(void)state;
	check_trace(out, "GED._EVT", "r g0/32=1010101, r c12/32=1010101, ");
	free(out);
}

static void ged_acknowledges_the_power_button(void **state)
{
	char *out = evaluate(2, "evaluate \\_SB.GED._EVT 20", "cat");

	(void)state;
	check_trace(out, "GED._EVT", "r g0/32=2020202, w g0/32=2, ");
	assert_int_equal(notified(out, "PWRB", 0x80), 1);
	assert_int_equal(count(out, " Notify on ["), 1);
	free(out);
}

static void s5_has_the_sleep_type(void **state)
{
	char *out = evaluate(0, "evaluate \\_S5", "cat");
	char want[64];

	(void)state;
	(void)snprintf(want, sizeof(want), "[Integer] = %016X", SLEEP_S5_TYPE);
	assert_non_null(strstr(out, want));
	free(out);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(methods_of_first_middle_and_last_cpu),
		cmocka_unit_test(scan_notifies_an_insert_and_acknowledges_it),
		cmocka_unit_test(scan_notifies_a_removal_and_acknowledges_it),
		cmocka_unit_test(scan_acknowledges_all_that_it_saw_at_once),
		cmocka_unit_test(scan_goes_on_while_there_is_more),
		cmocka_unit_test(scan_of_nothing_acknowledges_nothing),
		cmocka_unit_test(ged_without_event_touches_nothing_else),
		cmocka_unit_test(ged_scans_for_a_cpu_event),
		cmocka_unit_test(ged_acknowledges_the_power_button),
		cmocka_unit_test(s5_has_the_sleep_type),
	};

	return cmocka_run_group_tests_name("aml", tests, acpica_setup, acpica_teardown);
}
