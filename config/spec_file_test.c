#include "config/spec_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define CRASHES 200

static char dir[64], path[96];

/* The nth of the calls below fails with fail_errno; or each write() writes one byte. */
static int fail_at, fail_errno;
static bool small_writes;

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): ld --wrap */
int __real_open(const char *name, int flags, ...);
int __wrap_open(const char *name, int flags, mode_t mode);
int __real_flock(int fd, int op);
int __wrap_flock(int fd, int op);
ssize_t __real_pread(int fd, void *buf, size_t len, off_t at);
ssize_t __wrap_pread(int fd, void *buf, size_t len, off_t at);
int __real_fchown(int fd, uid_t uid, gid_t gid);
int __wrap_fchown(int fd, uid_t uid, gid_t gid);
int __real_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode);
ssize_t __real_write(int fd, const void *buf, size_t len);
ssize_t __wrap_write(int fd, const void *buf, size_t len);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_unlink(const char *name);
int __wrap_unlink(const char *name);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static char calls[128]; /* a letter for each, in order */

static int fails(char call)
{
	size_t n = strlen(calls);

	if (n < sizeof(calls) - 1)
		calls[n] = call;
	errno = fail_errno;
	return --fail_at == 0;
}

int __wrap_open(const char *name, int flags, mode_t mode)
{
	return fails('o') ? -1 : __real_open(name, flags, mode);
}

int __wrap_flock(int fd, int op)
{
	return fails('l') ? -1 : __real_flock(fd, op);
}

ssize_t __wrap_pread(int fd, void *buf, size_t len, off_t at)
{
	return fails('p') ? -1 : __real_pread(fd, buf, len, at);
}

int __wrap_fchown(int fd, uid_t uid, gid_t gid)
{
	return fails('c') ? -1 : __real_fchown(fd, uid, gid);
}

int __wrap_fchmod(int fd, mode_t mode)
{
	return fails('m') ? -1 : __real_fchmod(fd, mode);
}

ssize_t __wrap_write(int fd, const void *buf, size_t len)
{
	if (fails('w'))
		return -1;
	return __real_write(fd, buf, small_writes && len > 1 ? 1 : len);
}

int __wrap_fsync(int fd)
{
	return fails('s') ? -1 : __real_fsync(fd);
}

int __wrap_rename(const char *from, const char *to)
{
	return fails('r') ? -1 : __real_rename(from, to);
}

int __wrap_unlink(const char *name)
{
	return fails('u') ? -1 : __real_unlink(name);
}

/* --- helpers ------------------------------------------------------------------------------ */

static int make_dir(void **state)
{
	(void)state;
	fail_at = 0;
	fail_errno = EIO;
	small_writes = false;
	strcpy(dir, "/tmp/spec-test-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof path, "%s/vm.json", dir);
	return 0;
}

static int remove_one(const char *name, const struct stat *st, int type,
		      struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(name);
}

static int remove_dir(void **state)
{
	(void)state;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread */
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put_bytes(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void put(const char *text)
{
	put_bytes(text, strlen(text));
}

static const char *get(void)
{
	static char text[4096];
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	assert_int_equal(fclose(f), 0);
	return text;
}

static bool left_over(void)
{
	char name[128];

	(void)snprintf(name, sizeof name, "%s.hotsocket-new", path);
	return access(name, F_OK) == 0;
}

static int open_files(void)
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

static struct spec defaults(void)
{
	return (struct spec){ .memory = UINT64_C(512) << 20,
			      .sockets = 1,
			      .cores = 1,
			      .threads = 1,
			      .serial = "stdio" };
}

static struct spec open_spec(void)
{
	struct spec s = defaults();
	struct text why = { "" };

	assert_int_equal(spec_file_open(path, &s, &why), 0);
	assert_string_equal(why.s, "");
	return s;
}

static void keep(struct spec_file *f, uint32_t sockets)
{
	struct text why;

	assert_int_equal(spec_file_keep_sockets(f, sockets, &why), 0);
}

/* --- reading ------------------------------------------------------------------------------ */

static void every_key_is_read_and_the_others_are_left_alone(void **state)
{
	struct spec s, d = defaults();

	(void)state;
	put("{\"kernel\": \"a\", \"initrd\": \"b\", \"append\": \"c \\u00e4\", "
	    "\"memory\": "
	    "\"2G\", \"cpus\": {\"sockets\": 2, \"cores\": 3, \"threads\": 4, "
	    "\"maxSockets\": 8}, \"qmp\": \"d\", \"serial\": \"none\", \"guest-eject\": "
	    "\"refuse\", \"boot\": \"dt\"}");
	s = open_spec();
	assert_string_equal(s.kernel, "a");
	assert_string_equal(s.initrd, "b");
	assert_string_equal(s.append, "c ä");
	assert_string_equal(s.qmp, "d");
	assert_string_equal(s.serial, "none");
	assert_int_equal(s.memory, UINT64_C(2) << 30);
	assert_int_equal(s.sockets, 2);
	assert_int_equal(s.cores, 3);
	assert_int_equal(s.threads, 4);
	assert_int_equal(s.max_sockets, 8);
	assert_true(s.refuse_guest_ejects);
	assert_true(s.device_tree);
	assert_string_equal(spec_file_name(s.file), path);
	spec_file_close(s.file);

	put("{}");
	s = open_spec();
	spec_file_close(s.file);
	s.file = NULL;
	assert_memory_equal(&s, &d, sizeof(s));
}

static void what_cannot_be_is_refused_with_file_and_reason(void **state)
{
	/* clang-format off */
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "line 1, column 0: '[' or '{' expected near end of file" },
		{ "{\"cpus\":\n {\"sockets\": 2", "line 2, column 14: '}' expected near end of file" },
		{ "{\"kernel\": \"a", "line 1, column 13: premature end of input near '\"a'" },
		{ "{\"kernel\": \"a\nb\"}", "line 1, column 13: unexpected newline near '\"a'" },
		{ "{\"kernel\": \"\x01\x1b[2J\"}", "line 1, column 12: control character 0x1 near '\"'" },
		{ "{\"kernel\": \"\xff\"}", "line 1, column 12: unable to decode byte 0xff near '\"'" },
		{ "{\"append\": \"a\\u0000b\"}", "line 1, column 21: \\u0000 is not allowed without JSON_ALLOW_NUL near '\"a\\u0000b\"'" },
		{ "{} x", "line 1, column 4: end of file expected near 'x'" },
		{ "{\"kernel\": \"a\",}", "line 1, column 16: string or '}' expected near '}'" },
		{ "{\"qmp\": \"a\", \"qmp\": \"a\"}", "line 1, column 18: duplicate object key near '\"qmp\"'" },
		{ "{\"cpus\": {\"cores\": 1,\n\"cores\": 1}}", "line 2, column 7: duplicate object key near '\"cores\"'" },
		{ "{\"cpus\": {\"sockets\": 99999999999999999999}}", "line 1, column 41: too big integer near '99999999999999999999'" },
		{ "[]", "the whole must be an object, and is an array" },
		{ "{\"kernl\": \"a\"}", "'kernl' is not known; use the names of the options that --help lists" },
		{ "{\"a\\nb\": \"a\"}", "'a?b' is not known; use the names of the options that --help lists" },
		{ "{\"verbose\": true}", "'verbose' is not known; use the names of the options that --help lists" },
		{ "{\"kernel\": 5}", "kernel must be a string, and is a number" },
		{ "{\"qmp\": null}", "qmp must be a string, and is null" },
		{ "{\"memory\": 512}", "memory must be a string, and is a number" },
		{ "{\"boot\": true}", "boot must be a string, and is true" },
		{ "{\"guest-eject\": false}", "guest-eject must be a string, and is false" },
		{ "{\"cpus\": \"sockets=2\"}", "cpus must be an object, and is a string" },
		{ "{\"cpus\": [2]}", "cpus must be an object, and is an array" },
		{ "{\"cpus\": {\"socket\": 2}}", "'cpus.socket' is not known; use sockets, cores, threads, maxSockets" },
		{ "{\"cpus\": {\"sockets\": \"2\"}}", "cpus.sockets must be a whole number, and is a string" },
		{ "{\"cpus\": {\"cores\": 2.0}}", "cpus.cores must be a whole number, and is a number with a fraction" },
		{ "{\"cpus\": {\"threads\": true}}", "cpus.threads must be a whole number, and is true" },
		{ "{\"cpus\": {\"maxSockets\": {}}}", "cpus.maxSockets must be a whole number, and is an object" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct spec s = defaults(), before = s;
		int files = open_files();
		char want[512];
		struct text why;

		put(cases[i].text);
		assert_int_equal(spec_file_open(path, &s, &why), -EINVAL);
		(void)snprintf(want, sizeof want, "%s: %s", path, cases[i].why);
		assert_string_equal(why.s, want);
		assert_memory_equal(&s, &before, sizeof(s));
		assert_string_equal(get(), cases[i].text);
		assert_int_equal(open_files(), files);
	}
}

/* Same numbers, same words as on the command line. */
static void limits_have_the_texts_of_the_command_line(void **state)
{
	static const char *const keys[] = { "sockets", "cores", "threads", "maxSockets" };
	static const char *const bad[] = { "0", "-1", "4294967296", "9223372036854775807",
					   "-9223372036854775808" };
	struct spec s = defaults();
	struct text why, said;
	char text[128], want[640];

	(void)state;
	for (size_t i = 0; i < 4 * sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(text, sizeof text, "{\"cpus\": {\"%s\": %s}}", keys[i % 4],
			       bad[i / 4]);
		put(text);
		assert_int_equal(spec_file_open(path, &s, &why), -EINVAL);
		(void)snprintf(text, sizeof text, "%s=%s", keys[i % 4], bad[i / 4]);
		assert_int_equal(spec_parse_cpus(text, &s, &said), -EINVAL);
		(void)snprintf(want, sizeof want, "%s: cpus.%s: %s", path, keys[i % 4],
			       said.s);
		assert_string_equal(why.s, want);
	}
	put("{\"memory\": \"1M\"}");
	assert_int_equal(spec_file_open(path, &s, &why), -EINVAL);
	assert_non_null(
		strstr(why.s, ": memory: memory 1M is not a whole number of MiB"));
	put("{\"guest-eject\": \"x\"}");
	assert_int_equal(spec_file_open(path, &s, &why), -EINVAL);
	assert_non_null(strstr(why.s, "'x'; use accept or refuse"));
	put("{\"boot\": \"fdt\"}");
	assert_int_equal(spec_file_open(path, &s, &why), -EINVAL);
	assert_non_null(strstr(why.s, "--boot does not know 'fdt'; use acpi or dt"));
}

static void refused(const char *name, int err, const char *words)
{
	struct spec s = defaults();
	struct text why;

	assert_int_equal(spec_file_open(name, &s, &why), err);
	assert_non_null(strstr(why.s, words));
}

static void what_is_no_readable_file_is_refused(void **state)
{
	static char big[1048577];

	(void)state;
	refused(path, -ENOENT, "No such file");
	refused("", -ENOENT, "No such file");
	refused(dir, -EISDIR, "directory");
	refused("/dev/null", -EINVAL, "not a regular file");
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(path, -EINVAL, "not a regular file");
	assert_int_equal(remove(path), 0);
	memset(big, ' ', sizeof big);
	put_bytes(big, sizeof big);
	refused(path, -EFBIG, "too large");
	put_bytes(big, sizeof big - 1);
	refused(path, -EINVAL, "expected near end of file");
}

/* --- writing back ------------------------------------------------------------------------- */

static void only_the_number_of_sockets_changes(void **state)
{
	struct spec s;

	(void)state;
	put("{\"serial\":\"none\",\"cpus\":{\"maxSockets\":8,\"sockets\":2,\"cores\":1},"
	    "\"append\":\"a \\u00e4 \\\"b\\\"\",\"kernel\":\"k\"}");
	s = open_spec();
	keep(s.file, 2); /* says it already: is left as it is */
	assert_null(strstr(get(), "\n"));
	keep(s.file, 8);
	assert_string_equal(get(), "{\n"
				   "  \"serial\": \"none\",\n"
				   "  \"cpus\": {\n"
				   "    \"maxSockets\": 8,\n"
				   "    \"sockets\": 8,\n"
				   "    \"cores\": 1\n"
				   "  },\n"
				   "  \"append\": \"a ä \\\"b\\\"\",\n"
				   "  \"kernel\": \"k\"\n"
				   "}\n");
	keep(s.file, 3);
	spec_file_close(s.file);
	s = open_spec();
	assert_int_equal(s.sockets, 3);
	assert_string_equal(s.append, "a ä \"b\"");
	spec_file_close(s.file);
}

static void a_file_without_sockets_gets_them(void **state)
{
	struct spec s;

	(void)state;
	put("{\"kernel\": \"k\"}");
	s = open_spec();
	keep(s.file, 1); /* the default needs no words */
	assert_string_equal(get(), "{\"kernel\": \"k\"}");
	keep(s.file, 4);
	assert_string_equal(get(), "{\n  \"kernel\": \"k\",\n  \"cpus\": {\n    "
				   "\"sockets\": 4\n  }\n}\n");
	spec_file_close(s.file);
}

static void stored_numbers_are_written_as_they_are_named(void **state)
{
	static const uint32_t stored[SPEC_CPU_KEYS] = { 9, 2, 3, 16 },
			      none[SPEC_CPU_KEYS] = { 0 };
	static const bool cores_and_max[SPEC_CPU_KEYS] = { true, true, false, true };
	struct spec s;
	struct text why;

	(void)state;
	put("{\"kernel\": \"k\", \"cpus\": {\"sockets\": 2, \"maxSockets\": 8}}");
	s = open_spec();
	assert_int_equal(spec_file_keep_stored(s.file, cores_and_max, stored, &why), 0);
	assert_string_equal(get(), "{\n  \"kernel\": \"k\",\n  \"cpus\": {\n    "
				   "\"sockets\": 2,\n    \"maxSockets\": 16,\n    "
				   "\"cores\": 2\n  }\n}\n");
	assert_int_equal(spec_file_keep_stored(s.file, cores_and_max, none, &why), 0);
	assert_string_equal(get(), "{\n  \"kernel\": \"k\",\n  \"cpus\": {\n    "
				   "\"sockets\": 2\n  }\n}\n");
	put("{\"cpus\": 5}");
	assert_int_equal(spec_file_keep_stored(s.file, cores_and_max, stored, &why),
			 -EINVAL);
	assert_string_equal(why.s, "cpus must be an object, and is a number");
	assert_string_equal(get(), "{\"cpus\": 5}");
	spec_file_close(s.file);
}

static void mode_owner_and_link_stay(void **state)
{
	char link[128];
	struct stat st;
	struct spec s;

	(void)state;
	put("{}");
	assert_int_equal(chmod(path, 0640), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(path, 12, 34), 0);
	(void)snprintf(link, sizeof link, "%s/link", dir);
	assert_int_equal(symlink("vm.json", link), 0);
	s = defaults();
	assert_int_equal(spec_file_open(link, &s, &(struct text){ "" }), 0);
	keep(s.file, 5);
	spec_file_close(s.file);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0640);
	if (geteuid() == 0) {
		assert_int_equal(st.st_uid, 12);
		assert_int_equal(st.st_gid, 34);
	}
	assert_non_null(strstr(get(), "\"sockets\": 5"));
}

static void what_the_user_changes_meanwhile_stays(void **state)
{
	struct text why;
	struct spec s;

	(void)state;
	put("{\"kernel\": \"k\"}");
	s = open_spec();
	put("{\"kernel\": \"k2\", \"cpus\": {\"cores\": 2}}"); /* in place */
	keep(s.file, 2);
	assert_non_null(strstr(get(), "k2"));
	assert_int_equal(remove(path), 0); /* by another file */
	put("{\"kernel\": \"k3\"}");
	keep(s.file, 3);
	assert_non_null(strstr(get(), "k3"));
	refused(path, -EWOULDBLOCK, "another VM");

	put("{\"kernel\": ");
	assert_int_equal(spec_file_keep_sockets(s.file, 4, &why), -EINVAL);
	assert_string_equal(why.s,
			    "line 1, column 11: unexpected token near end of file");
	assert_string_equal(get(), "{\"kernel\": ");
	put("{\"cpus\": 5}");
	assert_int_equal(spec_file_keep_sockets(s.file, 4, &why), -EINVAL);
	assert_string_equal(get(), "{\"cpus\": 5}");
	put("{}");
	keep(s.file, 3); /* was said once, and is no longer */
	assert_non_null(strstr(get(), "\"sockets\": 3"));
	spec_file_close(s.file);
}

static void one_vm_at_a_time_has_the_file(void **state)
{
	char link[128];
	struct spec s;

	(void)state;
	put("{}");
	(void)snprintf(link, sizeof link, "%s/link", dir);
	assert_int_equal(symlink(path, link), 0);
	s = open_spec();
	refused(path, -EWOULDBLOCK, "another VM runs from this file");
	refused(link, -EWOULDBLOCK, "another VM runs from this file");
	for (uint32_t n = 2; n < 5; n++) { /* it is another file then */
		keep(s.file, n);
		refused(path, -EWOULDBLOCK, "another VM runs from this file");
	}
	spec_file_close(s.file);
	s = open_spec();
	assert_int_equal(s.sockets, 4);
	spec_file_close(s.file);
}

static void a_file_or_directory_that_may_not_be_written_is_not(void **state)
{
	struct text why;
	struct spec s;

	(void)state;
	if (geteuid() == 0 && (setegid(65534) < 0 || chmod(dir, 0777) < 0))
		fail();
	put("{}");
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	assert_int_equal(chmod(path, 0444) < 0 && errno != EPERM, 0);
	s = open_spec();
	assert_int_equal(spec_file_keep_sockets(s.file, 2, &why), -EACCES);
	assert_string_equal(why.s, "Permission denied");
	assert_string_equal(get(), "{}");
	spec_file_close(s.file);
	if (getuid() == 0)
		assert_int_equal(seteuid(0) | setegid(0), 0);
}

static void a_directory_that_is_gone_is_an_error_until_it_is_back(void **state)
{
	struct text why;
	char away[80];
	struct spec s;

	(void)state;
	put("{}");
	s = open_spec();
	(void)snprintf(away, sizeof away, "%s-away", dir);
	assert_int_equal(rename(dir, away), 0);
	assert_int_equal(spec_file_keep_sockets(s.file, 2, &why), -ENOENT);
	assert_string_equal(why.s, "No such file or directory");
	assert_int_equal(rename(away, dir), 0);
	keep(s.file, 2);
	assert_non_null(strstr(get(), "\"sockets\": 2"));
	spec_file_close(s.file);
}

static void an_interrupted_and_partial_write_goes_on(void **state)
{
	struct spec s;

	(void)state;
	put("{\"kernel\": \"k\"}");
	s = open_spec();
	small_writes = true;
	fail_errno = EINTR;
	fail_at = 25; /* some write in the middle */
	keep(s.file, 7);
	assert_true(fail_at <= 0);
	assert_string_equal(get(), "{\n  \"kernel\": \"k\",\n  \"cpus\": {\n    "
				   "\"sockets\": 7\n  }\n}\n");
	spec_file_close(s.file);
}

/* The data is on disk before it has the name, and the name before anybody relies on it. */
static void the_file_and_its_name_are_synced_in_order(void **state)
{
	struct spec s;

	(void)state;
	put("{}");
	s = open_spec();
	memset(calls, 0, sizeof calls);
	keep(s.file, 7);
	assert_string_equal(calls, "po"      /* read; the directory */
				   "uolcmws" /* the successor */
				   "rs");
	spec_file_close(s.file);
}

static void the_nth_call_fails_for_writing(int err)
{
	static const char old[] = "{\n  \"cpus\": {\n    \"sockets\": 2\n  }\n}\n",
			  new[] = "{\n  \"cpus\": {\n    \"sockets\": 8\n  }\n}\n";
	int done = 0, failed = 0;

	for (int n = 1; !done; n++) {
		struct text why = { "" };
		struct spec s;
		int files;

		put(old);
		s = open_spec();
		files = open_files();
		fail_errno = err;
		fail_at = n;
		done = spec_file_keep_sockets(s.file, 8, &why) == 0;
		if (done && fail_at <= 0)
			done = 0; /* this call may fail: the first chown, for one */
		else
			failed++;
		fail_at = 0;
		assert_false(left_over());
		assert_true(strcmp(get(), old) == 0 || strcmp(get(), new) == 0);
		assert_int_equal(open_files(), files);
		refused(path, -EWOULDBLOCK, "another VM");
		keep(s.file, 8); /* works the next time */
		assert_string_equal(get(), new);
		keep(s.file, 2);
		assert_string_equal(get(), old);
		spec_file_close(s.file);
	}
	assert_in_range(failed, 8, 20);
}

static void a_write_that_fails_leaves_the_old_or_the_new_file(void **state)
{
	(void)state;
	the_nth_call_fails_for_writing(EIO);
	the_nth_call_fails_for_writing(ENOSPC);
	the_nth_call_fails_for_writing(EPERM);
}

static void an_open_that_fails_leaves_nothing_behind(void **state)
{
	int done = 0, n;

	(void)state;
	put("{}");
	for (n = 1; !done; n++) {
		struct spec s = defaults();
		int files = open_files();
		struct text why;

		fail_at = n;
		done = spec_file_open(path, &s, &why) == 0;
		fail_at = 0;
		spec_file_close(s.file);
		assert_int_equal(open_files(), files);
	}
	assert_int_equal(n, 5); /* open, flock, pread */
}

/* --- crashes ------------------------------------------------------------------------------ */

static void write_until_killed(void)
{
	struct spec s = open_spec();

	for (uint32_t n = 0;; n++)
		keep(s.file, n % 8 + 1);
}

static void a_kill_at_any_moment_leaves_the_file_whole(void **state)
{
	unsigned seen = 0;

	(void)state;
	put("{\"kernel\": \"k\", \"cpus\": {\"sockets\": 2, \"maxSockets\": 8}, "
	    "\"serial\": \"none\"}");
	srand(1); /* NOLINT(cert-msc32-c,cert-msc51-cpp): any moments will do */
	for (int i = 0; i < CRASHES; i++) {
		pid_t child = fork();
		char want[256];
		struct spec s;

		assert_true(child >= 0);
		if (child == 0)
			write_until_killed();
		/* NOLINTNEXTLINE(cert-msc30-c,cert-msc50-cpp,concurrency-mt-unsafe) */
		usleep((useconds_t)(2000 + rand() % 8000));
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		s = open_spec(); /* and nobody has the lock */
		assert_in_range(s.sockets, 1, 8);
		if (i == 0)
			keep(s.file, s.sockets % 8 + 1);
		(void)snprintf(want, sizeof want,
			       "{\n  \"kernel\": \"k\",\n  \"cpus\": {\n    \"sockets\": "
			       "%u,\n    \"maxSockets\": 8\n  },\n  \"serial\": "
			       "\"none\"\n}\n",
			       i == 0 ? s.sockets % 8 + 1 : s.sockets);
		assert_string_equal(get(), want);
		seen |= 1u << s.sockets;
		spec_file_close(s.file);
	}
	assert_true((seen & (seen - 1)) != 0); /* it was written to meanwhile */
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, make_dir, remove_dir)
	const struct CMUnitTest tests[] = {
		TEST(every_key_is_read_and_the_others_are_left_alone),
		TEST(what_cannot_be_is_refused_with_file_and_reason),
		TEST(limits_have_the_texts_of_the_command_line),
		TEST(what_is_no_readable_file_is_refused),
		TEST(only_the_number_of_sockets_changes),
		TEST(a_file_without_sockets_gets_them),
		TEST(stored_numbers_are_written_as_they_are_named),
		TEST(mode_owner_and_link_stay),
		TEST(what_the_user_changes_meanwhile_stays),
		TEST(one_vm_at_a_time_has_the_file),
		TEST(a_file_or_directory_that_may_not_be_written_is_not),
		TEST(a_directory_that_is_gone_is_an_error_until_it_is_back),
		TEST(an_interrupted_and_partial_write_goes_on),
		TEST(the_file_and_its_name_are_synced_in_order),
		TEST(a_write_that_fails_leaves_the_old_or_the_new_file),
		TEST(an_open_that_fails_leaves_nothing_behind),
		TEST(a_kill_at_any_moment_leaves_the_file_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
