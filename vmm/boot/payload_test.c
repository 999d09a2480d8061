#include "vmm/boot/payload.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define BASE  0x40000000
#define ALIGN UINT64_C(0x10000)
#define RAM   (UINT64_C(4) << 20)

static char dir[64], path[96];
static unsigned char ram[RAM];
static struct topology topo;
static const struct vm vm = { .ram = ram,
			      .ram_len = RAM,
			      .nranges = 1,
			      .range = { { BASE, RAM } },
			      .topo = &topo };

static int set_up(void **state)
{
	(void)state;
	memset(ram, 0, sizeof(ram));
	strcpy(dir, "/tmp/payload-test-XXXXXX");
	if (!mkdtemp(dir) || topology_init(&topo, 8, 1, 1) < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/file", dir);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)remove(path);
	return remove(dir);
}

static void put(uint64_t len)
{
	static unsigned char bytes[RAM + 1];
	FILE *f = fopen(path, "w");

	memset(bytes, 'i', sizeof(bytes));
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void only_a_regular_file_is_opened(void **state)
{
	struct payload p;
	struct text why;

	(void)state;
	assert_int_equal(payload_open(&p, "kernel", path, &why), -ENOENT);
	assert_int_equal(p.fd, -1);
	assert_non_null(strstr(why.s, "kernel /tmp/payload-test-"));
	assert_non_null(strstr(why.s, "/file: No such file or directory"));
	assert_int_equal(payload_open(&p, "initrd", dir, &why), -EINVAL);
	assert_non_null(strstr(why.s, ": not a regular file"));
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(payload_open(&p, "initrd", path, &why), -EINVAL);
	assert_int_equal(remove(path), 0);
	put(0);
	assert_int_equal(payload_open(&p, "initrd", path, &why), -EINVAL);
	assert_non_null(strstr(why.s, "initrd /tmp/payload-test-"));
	assert_non_null(strstr(why.s, "/file is empty; give a whole one"));
	assert_int_equal(p.fd, -1);
	put(77);
	assert_int_equal(payload_open(&p, "initrd", path, &why), 0);
	assert_int_equal(p.len, 77);
	payload_close(&p);
	payload_close(&p);
}

static void it_stays_when_another_gets_its_name(void **state)
{
	struct payload p;
	struct text why;
	char bytes[100];
	uint64_t len = 0;
	size_t n = 0;

	(void)state;
	put(77);
	assert_int_equal(payload_open(&p, "initrd", path, &why), 0);
	assert_int_equal(remove(path), 0);
	put(5);
	assert_int_equal(payload_len(&p, &len, &why), 0);
	assert_int_equal(len, 77);
	assert_int_equal(payload_head(&p, bytes, sizeof(bytes), &n, &why), 0);
	assert_int_equal(n, 77);
	assert_int_equal(payload_head(&p, bytes, 10, &n, &why), 0);
	assert_int_equal(n, 10);
	payload_close(&p);
}

static void one_that_was_cut_says_both_lengths(void **state)
{
	struct payload p;
	struct text why;
	uint64_t len = 0;

	(void)state;
	put(77);
	assert_int_equal(payload_open(&p, "initrd", path, &why), 0);
	assert_int_equal(truncate(path, 78), 0);
	assert_int_equal(payload_len(&p, &len, &why), 0);
	assert_int_equal(len, 78);
	assert_int_equal(truncate(path, 76), 0);
	assert_int_equal(payload_len(&p, &len, &why), -EIO);
	assert_non_null(strstr(why.s, "/file is cut short: it has 76 bytes, and had 77 "
				      "at the start"));
	why.s[0] = '\0'; /* while it is read */
	assert_int_equal(payload_load(&p, &vm, BASE, 0, 77, &why), -EIO);
	assert_non_null(strstr(why.s, "/file is cut short: it has 76 bytes, and had 77 "
				      "at the start"));
	payload_close(&p);
}

/* Opens what is at path, and loads it. */
static int load_initrd(uint64_t start, uint64_t end, struct ram_range *r,
		       struct text *why)
{
	struct payload p;
	int err = payload_open(&p, "initrd", path, why);

	assert_int_equal(err, 0);
	err = payload_load_initrd(&p, &vm, start, end, ALIGN, r, why);
	payload_close(&p);
	return err;
}

static void the_initrd_stands_as_high_as_its_alignment_lets_it(void **state)
{
	static const struct {
		uint64_t len, end, gpa;
	} cases[] = {
		{ 1, BASE + RAM, BASE + RAM - ALIGN },
		{ ALIGN, BASE + RAM, BASE + RAM - ALIGN },
		{ ALIGN + 1, BASE + RAM, BASE + RAM - 2 * ALIGN },
		{ ALIGN, BASE + RAM - 1, BASE + RAM - 2 * ALIGN },
		{ RAM - ALIGN, BASE + RAM, BASE + ALIGN }, /* to the kernel's end */
	};
	struct ram_range r;
	struct text why;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const unsigned char *at = ram + (cases[i].gpa - BASE);

		memset(ram, 0, sizeof(ram));
		put(cases[i].len);
		assert_int_equal(load_initrd(BASE + ALIGN, cases[i].end, &r, &why), 0);
		assert_int_equal(r.gpa, cases[i].gpa);
		assert_int_equal(r.len, cases[i].len);
		assert_int_equal(at[-1], 0);
		assert_int_equal(at[0], 'i');
		assert_int_equal(at[r.len - 1], 'i');
		assert_true(at + r.len == ram + RAM || at[r.len] == 0);
	}
	assert_int_equal(
		payload_load_initrd(&PAYLOAD_NONE, &vm, BASE, BASE, ALIGN, &r, &why), 0);
	assert_int_equal(r.len, 0);
}

static void an_initrd_without_room_is_refused(void **state)
{
	static const struct {
		uint64_t len, end;
	} cases[] = {
		{ RAM - ALIGN + 1, BASE + RAM },
		{ RAM + 1, BASE + RAM },
		{ 1, BASE + ALIGN }, /* fits, but not on its alignment */
		{ 1, BASE },         /* the kernel ends behind it */
	};
	struct ram_range r;
	struct text why;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put(cases[i].len);
		why.s[0] = '\0';
		assert_int_equal(load_initrd(BASE + ALIGN, cases[i].end, &r, &why),
				 -ENOSPC);
		assert_non_null(
			strstr(why.s, "memory 4M is too small: kernel and initrd need "));
		assert_int_equal(r.len, 0);
	}
}

/* Then it is no use to give more memory. */
static void an_initrd_above_the_kernel_s_limit_is_refused(void **state)
{
	struct ram_range r;
	struct text why;

	(void)state;
	put((1 << 20) + 1);
	assert_int_equal(load_initrd(BASE + ALIGN, BASE + ALIGN + (1 << 20), &r, &why),
			 -EFBIG);
	assert_string_equal(why.s,
			    "an initrd of 2M is greater than the maximum, 1M (from "
			    "this kernel's end to where it takes one); give a "
			    "smaller one");
	assert_int_equal(r.len, 0);
}

static void the_command_line_has_its_limit(void **state)
{
	const char *s = NULL;
	struct text why;

	(void)state;
	assert_int_equal(payload_cmdline(NULL, 0, &s, &why), 0);
	assert_string_equal(s, "");
	assert_int_equal(payload_cmdline("abc", 3, &s, &why), 0);
	assert_string_equal(s, "abc");
	assert_int_equal(payload_cmdline("abcd", 3, &s, &why), -E2BIG);
	assert_string_equal(why.s, "--append has 4 characters, and this kernel takes 3; "
				   "shorten it");
}

static void what_does_not_fit_says_how_much_it_needs(void **state)
{
	struct text why;

	(void)state;
	assert_int_equal(payload_no_room_for(&vm, "ACPI tables", 5 << 20, &why), -ENOSPC);
	assert_string_equal(why.s,
			    "memory 4M is too small for the ACPI tables of 8 vCPUs "
			    "(5120 KiB); give more --memory");
	assert_int_equal(payload_no_room_for_kernel(&vm, BASE, 5 << 20, &why), -ENOSPC);
	assert_string_equal(why.s, "memory 4M is too small: this kernel needs 6M from "
				   "address 1024M on; give more --memory");
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(only_a_regular_file_is_opened),
		TEST(it_stays_when_another_gets_its_name),
		TEST(one_that_was_cut_says_both_lengths),
		TEST(the_initrd_stands_as_high_as_its_alignment_lets_it),
		TEST(an_initrd_without_room_is_refused),
		TEST(an_initrd_above_the_kernel_s_limit_is_refused),
		TEST(the_command_line_has_its_limit),
		TEST(what_does_not_fit_says_how_much_it_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
