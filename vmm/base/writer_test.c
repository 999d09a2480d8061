#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/base/writer.h"

static pthread_mutex_t disk = PTHREAD_MUTEX_INITIALIZER; /* locked: it hangs */
static struct event_base *base;
static struct writer *writer;
static char told[2048];
static atomic_uint dropped;
static atomic_int fails;
static atomic_bool begun; /* a write */

static int write_it(void *ctx, void *what, struct text *why)
{
	(void)ctx;
	(void)what;
	begun = true;
	pthread_mutex_lock(&disk);
	pthread_mutex_unlock(&disk);
	return fails < 0 ? text_set(why, fails, "no room for %s", (char *)what) : 0;
}

static void written(void *ctx, void *what, int err, const struct text *why)
{
	size_t len = strlen(told);

	(void)snprintf(told + len, sizeof(told) - len, "%s%s%s%s;", (const char *)ctx,
		       (const char *)what, err < 0 ? ":" : "", err < 0 ? why->s : "");
	free(what);
}

static void drop(void *what)
{
	dropped++;
	free(what);
}

static struct writer_file a = { write_it, written, drop, "a", NULL, NULL };
static struct writer_file b = { write_it, written, drop, "b", NULL, NULL };

static void put(struct writer_file *f, const char *what)
{
	writer_put(writer, f, strdup(what));
}

static void turn_until(const char *expected)
{
	for (int i = 0; i < 5000 && strcmp(told, expected) != 0; i++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	assert_string_equal(told, expected);
}

static int start_writer(void)
{
	if (writer_new(base, &writer) < 0)
		return -1;
	writer_add(writer, &a);
	writer_add(writer, &b);
	return 0;
}

static int start(void **state)
{
	(void)state;
	base = event_base_new();
	told[0] = '\0';
	dropped = 0;
	fails = 0;
	begun = false;
	return start_writer();
}

static int stop(void **state)
{
	int err = writer_free(writer, 5000);

	(void)state;
	event_base_free(base);
	return err;
}

static void a_write_is_told_on_main(void **state)
{
	(void)state;
	put(&a, "1");
	assert_true(writer_owes(writer, &a));
	assert_false(writer_owes(writer, &b));
	turn_until("a1;");
	assert_false(writer_owes(writer, &a));
}

static void a_failure_says_why(void **state)
{
	(void)state;
	fails = -ENOSPC;
	put(&a, "1");
	turn_until("a1:no room for 1;");
}

/* Hangs the disk in the middle of a write. */
static void hang_with(struct writer_file *f, const char *what)
{
	pthread_mutex_lock(&disk);
	put(f, what);
	while (!begun)
		usleep(1000);
	begun = false;
}

static void while_the_disk_hangs_the_newest_of_each_file_waits(void **state)
{
	(void)state;
	hang_with(&a, "1");
	for (char what[] = "2"; what[0] < '7'; what[0]++) {
		put(&a, what);
		put(&b, what);
	}
	assert_int_equal(dropped, 8);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_string_equal(told, "");
	pthread_mutex_unlock(&disk);
	turn_until("a1;b6;a6;");
}

static void the_end_waits_for_what_is_left(void **state)
{
	(void)state;
	put(&a, "1");
	put(&b, "2");
	assert_int_equal(writer_free(writer, 5000), 0);
	assert_int_equal(strlen(told), strlen("a1;b2;"));
	assert_int_equal(dropped, 0);
	assert_int_equal(start_writer(), 0);
}

static void the_end_does_not_wait_for_ever(void **state)
{
	(void)state;
	hang_with(&a, "1");
	put(&b, "2");
	assert_int_equal(writer_free(writer, 50), -ETIMEDOUT);
	assert_int_equal(dropped, 1); /* and one when the disk comes back */
	assert_string_equal(told, "");
	pthread_mutex_unlock(&disk);
	for (int i = 0; i < 5000 && dropped < 2; i++)
		usleep(1000);
	assert_int_equal(dropped, 2);
	assert_int_equal(start_writer(), 0);
}

#define ON_WRITER(t) cmocka_unit_test_setup_teardown(t, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_WRITER(a_write_is_told_on_main),
		ON_WRITER(a_failure_says_why),
		ON_WRITER(while_the_disk_hangs_the_newest_of_each_file_waits),
		ON_WRITER(the_end_waits_for_what_is_left),
		ON_WRITER(the_end_does_not_wait_for_ever),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
