#include "vmm/base/whole_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* What replaces a file under a lock is spec_file_write_test's. */

static char dir[64], path[96], bytes[64];

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/whole-test-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/file", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

static const char *get(const char *name)
{
	FILE *f = fopen(name, "r");

	assert_non_null(f);
	bytes[fread(bytes, 1, sizeof(bytes) - 1, f)] = '\0';
	assert_int_equal(fclose(f), 0);
	return bytes;
}

static void put_and_removed_at_its_place(void **state)
{
	struct whole_file f;
	struct stat st;

	(void)state;
	assert_int_equal(whole_file_begin(&f, path), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(whole_file_put(&f, "one", 3), 0);
	assert_string_equal(get(path), "one");
	assert_int_equal(whole_file_put(&f, "two", 3), 0);
	assert_string_equal(get(path), "two");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777 & ~0644u, 0);
	assert_int_equal(whole_file_remove(&f), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(whole_file_remove(&f), -ENOENT);
	whole_file_close(&f);
	whole_file_close(&f);
}

static void the_folder_may_get_another_name(void **state)
{
	char away[80], there[128];
	struct whole_file f;

	(void)state;
	(void)snprintf(away, sizeof(away), "%s-away", dir);
	(void)snprintf(there, sizeof(there), "%s/file", away);
	assert_int_equal(whole_file_begin(&f, path), 0);
	assert_int_equal(rename(dir, away), 0);
	assert_int_equal(whole_file_put(&f, "one", 3), 0);
	assert_string_equal(get(there), "one");
	assert_int_equal(whole_file_remove(&f), 0);
	assert_int_equal(access(there, F_OK), -1);
	assert_int_equal(rename(away, dir), 0);
	whole_file_close(&f);
}

static void what_cannot_be_written_leaves_the_old_one(void **state)
{
	char new[128];
	struct whole_file f;

	(void)state;
	(void)snprintf(new, sizeof(new), "%s.new", path);
	assert_int_equal(whole_file_begin(&f, path), 0);
	assert_int_equal(whole_file_put(&f, "one", 3), 0);
	assert_int_equal(mkdir(new, 0700), 0);
	assert_int_equal(whole_file_put(&f, "two", 3), -EISDIR);
	assert_string_equal(get(path), "one");
	assert_int_equal(rmdir(new), 0);
	assert_int_equal(whole_file_put(&f, "two", 3), 0);
	assert_int_equal(access(new, F_OK), -1);
	whole_file_close(&f);
}

static void bad_paths_are_refused(void **state)
{
	static const struct {
		const char *path;
		int err;
	} cases[] = {
		{ "", -EINVAL },
		{ "/", -EISDIR },
		{ "/tmp/", -EISDIR },
		{ "/nonexistent/file", -ENOENT },
		{ "/dev/null/file", -ENOTDIR },
	};
	struct whole_file f;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(whole_file_begin(&f, cases[i].path), cases[i].err);
		assert_int_equal(f.at.dir, -1);
	}
	assert_int_equal(whole_file_open(&f, path), -ENOENT);
	assert_int_equal(f.at.dir, -1);
}

/* One name, without a folder, is in that where we are. */
static void a_name_alone_is_in_our_own_folder(void **state)
{
	char before[256];
	struct whole_file f;

	(void)state;
	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(whole_file_begin(&f, "file"), 0);
	assert_int_equal(chdir(before), 0);
	assert_int_equal(whole_file_put(&f, "one", 3), 0);
	assert_string_equal(get(path), "one");
	whole_file_close(&f);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, make_dir, remove_dir)
	const struct CMUnitTest tests[] = {
		TEST(put_and_removed_at_its_place),
		TEST(the_folder_may_get_another_name),
		TEST(what_cannot_be_written_leaves_the_old_one),
		TEST(bad_paths_are_refused),
		TEST(a_name_alone_is_in_our_own_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
