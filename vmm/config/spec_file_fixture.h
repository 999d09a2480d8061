#ifndef VMM_CONFIG_SPEC_FILE_FIXTURE_H
#define VMM_CONFIG_SPEC_FILE_FIXTURE_H
/* spec_file_fixture: for tests of spec_file. A directory of their own, and a file in
 * it. */

#include <dirent.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/config/spec_file.h"

static char dir[64], path[96];

static inline int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/spec-test-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/vm.json", dir);
	return 0;
}

static inline int remove_one(const char *name, const struct stat *st, int type,
			     struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(name);
}

static inline int remove_dir(void **state)
{
	(void)state;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread */
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void put_bytes(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static inline void put(const char *text)
{
	put_bytes(text, strlen(text));
}

static inline const char *get(void)
{
	static char text[4096];
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	assert_int_equal(fclose(f), 0);
	return text;
}

static inline int open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread */
	while (readdir(d) != NULL)
		n++;
	assert_int_equal(closedir(d), 0);
	return n;
}

static inline struct spec defaults(void)
{
	return (struct spec){ .memory = UINT64_C(512) << 20,
			      .cpus = { .sockets = 1, .cores = 1, .threads = 1 },
			      .serial = "stdio" };
}

static inline struct spec open_spec(void)
{
	struct spec s = defaults();
	struct text why = { "" };

	assert_int_equal(spec_file_open(path, &s, &why), 0);
	assert_string_equal(why.s, "");
	return s;
}

static inline void refused(const char *name, int err, const char *words)
{
	struct spec s = defaults();
	struct text why;

	assert_int_equal(spec_file_open(name, &s, &why), err);
	assert_non_null(strstr(why.s, words));
}

#endif
