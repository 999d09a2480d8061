#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/base/newest_file.h"

#define SIZE NEWEST_FILE_MIN

static char dir[64], path[96], old[128];
static struct newest_file file;

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/newest-test-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/console", dir);
	(void)snprintf(old, sizeof(old), "%s.old", path);
	return newest_file_open(&file, path, SIZE);
}

static int remove_dir(void **state)
{
	(void)state;
	newest_file_close(&file);
	(void)unlink(path);
	(void)unlink(old);
	return rmdir(dir);
}

static const char *content(const char *name)
{
	static char text[4 * SIZE];
	FILE *f = fopen(name, "re");
	size_t n = 0;

	if (f != NULL) {
		n = fread(text, 1, sizeof(text) - 1, f);
		(void)fclose(f);
	}
	text[n] = '\0';
	return text;
}

static long size_of(const char *name)
{
	struct stat st;

	return stat(name, &st) < 0 ? -1 : (long)st.st_size;
}

/* Lines 0 to n - 1, of 16 bytes each. */
static void write_lines(unsigned n)
{
	char line[32] = "";

	for (unsigned i = 0; i < n; i++) {
		size_t done = 0, len = (size_t)sprintf(line, "line %010u\n", i);

		while (done < len) {
			ssize_t w = newest_file_write(&file, line + done, len - done);

			assert_true(w > 0);
			done += (size_t)w;
		}
	}
}

static void little_is_kept_whole(void **state)
{
	(void)state;
	write_lines(2);
	assert_string_equal(content(path), "line 0000000000\nline 0000000001\n");
	assert_int_equal(size_of(old), 0);
}

static void the_newest_is_kept_and_never_more_than_the_size(void **state)
{
	(void)state;
	for (unsigned round = 1; round < 40; round++) {
		char last[32];

		write_lines(100);
		assert_true(size_of(path) + size_of(old) <= SIZE);
		(void)sprintf(last, "line %010u\n", 99u);
		assert_string_equal(content(path) + size_of(path) - strlen(last), last);
	}
	assert_true(size_of(path) + size_of(old) >= SIZE / 2);
	assert_int_equal(size_of(old), SIZE / 2);
}

static void a_file_of_the_name_is_begun_anew(void **state)
{
	(void)state;
	write_lines(600);
	newest_file_close(&file);
	assert_int_equal(newest_file_open(&file, path, SIZE), 0);
	assert_int_equal(size_of(path) + size_of(old), 0);
}

static void what_is_no_file_is_refused(void **state)
{
	struct newest_file other;

	(void)state;
	newest_file_close(&file);
	assert_int_equal(unlink(old), 0);
	assert_int_equal(symlink("/dev/null", old), 0);
	assert_int_equal(newest_file_open(&other, path, SIZE), -ELOOP);
	assert_int_equal(newest_file_open(&other, "/nowhere/at/all", SIZE), -ENOENT);
}

/* Whoever removes them has what is written since nowhere, and we go on. */
static void files_that_are_removed_stop_nothing(void **state)
{
	(void)state;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(old), 0);
	write_lines(2000);
}

#define IN_DIR(t) cmocka_unit_test_setup_teardown(t, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIR(little_is_kept_whole),
		IN_DIR(the_newest_is_kept_and_never_more_than_the_size),
		IN_DIR(a_file_of_the_name_is_begun_anew),
		IN_DIR(what_is_no_file_is_refused),
		IN_DIR(files_that_are_removed_stop_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
