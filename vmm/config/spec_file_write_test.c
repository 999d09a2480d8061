#include "vmm/config/spec_file_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CRASHES 200

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
int __real_openat(int at, const char *name, int flags, ...);
int __wrap_openat(int at, const char *name, int flags, mode_t mode);
int __real_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to);
int __real_unlinkat(int at, const char *name, int flags);
int __wrap_unlinkat(int at, const char *name, int flags);
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

int __wrap_openat(int at, const char *name, int flags, mode_t mode)
{
	return fails('o') ? -1 : __real_openat(at, name, flags, mode);
}

int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return fails('r') ? -1 : __real_renameat(from_dir, from, to_dir, to);
}

int __wrap_unlinkat(int at, const char *name, int flags)
{
	return fails('u') ? -1 : __real_unlinkat(at, name, flags);
}

static int begin(void **state)
{
	fail_at = 0;
	fail_errno = EIO;
	small_writes = false;
	return make_dir(state);
}

static bool left_over(void)
{
	char name[128];

	(void)snprintf(name, sizeof(name), "%s.hotsocket-new", path);
	return access(name, F_OK) == 0;
}

static void keep(struct spec_file *f, uint32_t sockets)
{
	struct text why;

	assert_int_equal(spec_file_keep_sockets(f, sockets, &why), 0);
}

static void only_the_number_of_sockets_changes(void **state)
{
	struct spec s;

	(void)state;
	put("{\"serial\":\"none\",\"cpus\":{\"maxSockets\":8,\"sockets\":2,\"cores\":1},"
	    "\"append\":\"a \\u00e4 \\\"b\\\"\",\"kernel\":\"k\"}");
	s = open_spec();
	keep(s.from.file, 2); /* says it already: is left as it is */
	assert_null(strstr(get(), "\n"));
	keep(s.from.file, 8);
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
	keep(s.from.file, 3);
	spec_file_close(s.from.file);
	s = open_spec();
	assert_int_equal(s.cpus.sockets, 3);
	assert_string_equal(s.append, "a ä \"b\"");
	spec_file_close(s.from.file);
}

static void a_file_without_sockets_gets_them(void **state)
{
	struct spec s;

	(void)state;
	put("{\"kernel\": \"k\"}");
	s = open_spec();
	keep(s.from.file, 1); /* the default needs no words */
	assert_string_equal(get(), "{\"kernel\": \"k\"}");
	keep(s.from.file, 4);
	assert_string_equal(get(), "{\n  \"kernel\": \"k\",\n  \"cpus\": {\n    "
				   "\"sockets\": 4\n  }\n}\n");
	spec_file_close(s.from.file);
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
	assert_int_equal(spec_file_keep_stored(s.from.file, cores_and_max, stored, &why),
			 0);
	assert_string_equal(get(), "{\n  \"kernel\": \"k\",\n  \"cpus\": {\n    "
				   "\"sockets\": 2,\n    \"maxSockets\": 16,\n    "
				   "\"cores\": 2\n  }\n}\n");
	assert_int_equal(spec_file_keep_stored(s.from.file, cores_and_max, none, &why),
			 0);
	assert_string_equal(get(), "{\n  \"kernel\": \"k\",\n  \"cpus\": {\n    "
				   "\"sockets\": 2\n  }\n}\n");
	put("{\"cpus\": 5}");
	assert_int_equal(spec_file_keep_stored(s.from.file, cores_and_max, stored, &why),
			 -EINVAL);
	assert_string_equal(why.s, "cpus must be an object, and is a number");
	assert_string_equal(get(), "{\"cpus\": 5}");
	spec_file_close(s.from.file);
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
	(void)snprintf(link, sizeof(link), "%s/link", dir);
	assert_int_equal(symlink("vm.json", link), 0);
	s = defaults();
	assert_int_equal(spec_file_open(link, &s, &(struct text){ "" }), 0);
	keep(s.from.file, 5);
	spec_file_close(s.from.file);
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
	keep(s.from.file, 2);
	assert_non_null(strstr(get(), "k2"));
	assert_int_equal(remove(path), 0); /* by another file */
	put("{\"kernel\": \"k3\"}");
	keep(s.from.file, 3);
	assert_non_null(strstr(get(), "k3"));
	refused(path, -EWOULDBLOCK, "another VM");

	put("{\"kernel\": ");
	assert_int_equal(spec_file_keep_sockets(s.from.file, 4, &why), -EINVAL);
	assert_string_equal(why.s,
			    "line 1, column 11: unexpected token near end of file");
	assert_string_equal(get(), "{\"kernel\": ");
	put("{\"cpus\": 5}");
	assert_int_equal(spec_file_keep_sockets(s.from.file, 4, &why), -EINVAL);
	assert_string_equal(get(), "{\"cpus\": 5}");
	put("{}");
	keep(s.from.file, 3); /* was said once, and is no longer */
	assert_non_null(strstr(get(), "\"sockets\": 3"));
	spec_file_close(s.from.file);
}

static void one_vm_at_a_time_has_the_file(void **state)
{
	char link[128];
	struct spec s;

	(void)state;
	put("{}");
	(void)snprintf(link, sizeof(link), "%s/link", dir);
	assert_int_equal(symlink(path, link), 0);
	s = open_spec();
	refused(path, -EWOULDBLOCK, "another VM runs from this file");
	refused(link, -EWOULDBLOCK, "another VM runs from this file");
	for (uint32_t n = 2; n < 5; n++) { /* it is another file then */
		keep(s.from.file, n);
		refused(path, -EWOULDBLOCK, "another VM runs from this file");
	}
	spec_file_close(s.from.file);
	s = open_spec();
	assert_int_equal(s.cpus.sockets, 4);
	spec_file_close(s.from.file);
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
	assert_int_equal(spec_file_keep_sockets(s.from.file, 2, &why), -EACCES);
	assert_string_equal(why.s, "Permission denied");
	assert_string_equal(get(), "{}");
	spec_file_close(s.from.file);
	if (getuid() == 0)
		assert_int_equal(seteuid(0) | setegid(0), 0);
}

static void a_file_that_is_gone_is_an_error_until_it_is_back(void **state)
{
	struct text why;
	char away[128];
	struct spec s;

	(void)state;
	put("{}");
	s = open_spec();
	(void)snprintf(away, sizeof(away), "%s-away", path);
	assert_int_equal(rename(path, away), 0);
	assert_int_equal(spec_file_keep_sockets(s.from.file, 2, &why), -ENOENT);
	assert_string_equal(why.s, "No such file or directory");
	assert_int_equal(rename(away, path), 0);
	keep(s.from.file, 2);
	assert_non_null(strstr(get(), "\"sockets\": 2"));
	spec_file_close(s.from.file);
}

/* And what gets the folder's old name is none of ours. */
static void a_directory_may_get_another_name(void **state)
{
	char away[80];
	struct spec s;

	(void)state;
	put("{}");
	s = open_spec();
	(void)snprintf(away, sizeof(away), "%s-away", dir);
	assert_int_equal(rename(dir, away), 0);
	assert_int_equal(mkdir(dir, 0700), 0);
	put("{\"other\": 1}");
	keep(s.from.file, 2);
	keep(s.from.file, 3);
	assert_string_equal(get(), "{\"other\": 1}");
	assert_int_equal(remove(path), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(rename(away, dir), 0);
	assert_non_null(strstr(get(), "\"sockets\": 3"));
	spec_file_close(s.from.file);
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
	keep(s.from.file, 7);
	assert_true(fail_at <= 0);
	assert_string_equal(get(), "{\n  \"kernel\": \"k\",\n  \"cpus\": {\n    "
				   "\"sockets\": 7\n  }\n}\n");
	spec_file_close(s.from.file);
}

/* The data is on disk before it has the name, and the name before anybody relies on
 * it. */
static void the_file_and_its_name_are_synced_in_order(void **state)
{
	struct spec s;

	(void)state;
	put("{}");
	s = open_spec();
	memset(calls, 0, sizeof(calls));
	keep(s.from.file, 7);
	assert_string_equal(calls, "p"       /* read */
				   "uolcmws" /* the successor */
				   "rs");
	spec_file_close(s.from.file);
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
		done = spec_file_keep_sockets(s.from.file, 8, &why) == 0;
		if (done && fail_at <= 0)
			done = 0; /* this call may fail: the first chown, for one */
		else
			failed++;
		fail_at = 0;
		assert_false(left_over());
		assert_true(strcmp(get(), old) == 0 || strcmp(get(), new) == 0);
		assert_int_equal(open_files(), files);
		refused(path, -EWOULDBLOCK, "another VM");
		keep(s.from.file, 8); /* works the next time */
		assert_string_equal(get(), new);
		keep(s.from.file, 2);
		assert_string_equal(get(), old);
		spec_file_close(s.from.file);
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
		spec_file_close(s.from.file);
		assert_int_equal(open_files(), files);
	}
	assert_int_equal(n, 6); /* the directory, open, flock, pread */
}

/* --- crashes -------------------------------------------------------------- */

static void write_until_killed(void)
{
	struct spec s = open_spec();

	for (uint32_t n = 0;; n++)
		keep(s.from.file, n % 8 + 1);
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
		assert_in_range(s.cpus.sockets, 1, 8);
		if (i == 0)
			keep(s.from.file, s.cpus.sockets % 8 + 1);
		(void)snprintf(want, sizeof(want),
			       "{\n  \"kernel\": \"k\",\n  \"cpus\": {\n    \"sockets\": "
			       "%u,\n    \"maxSockets\": 8\n  },\n  \"serial\": "
			       "\"none\"\n}\n",
			       i == 0 ? s.cpus.sockets % 8 + 1 : s.cpus.sockets);
		assert_string_equal(get(), want);
		seen |= 1u << s.cpus.sockets;
		spec_file_close(s.from.file);
	}
	assert_true((seen & (seen - 1)) != 0); /* it was written to meanwhile */
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, begin, remove_dir)
	const struct CMUnitTest tests[] = {
		TEST(only_the_number_of_sockets_changes),
		TEST(a_file_without_sockets_gets_them),
		TEST(stored_numbers_are_written_as_they_are_named),
		TEST(mode_owner_and_link_stay),
		TEST(what_the_user_changes_meanwhile_stays),
		TEST(one_vm_at_a_time_has_the_file),
		TEST(a_file_or_directory_that_may_not_be_written_is_not),
		TEST(a_file_that_is_gone_is_an_error_until_it_is_back),
		TEST(a_directory_may_get_another_name),
		TEST(an_interrupted_and_partial_write_goes_on),
		TEST(the_file_and_its_name_are_synced_in_order),
		TEST(a_write_that_fails_leaves_the_old_or_the_new_file),
		TEST(an_open_that_fails_leaves_nothing_behind),
		TEST(a_kill_at_any_moment_leaves_the_file_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
