/* Commands that are answered later (qmp_server_owe). */
#include "vmm/qmp/qmp_harness.h"

#define OWE  "{\"execute\": \"owe\", \"id\": 1}\n"
#define ECHO "{\"execute\": \"echo\", \"id\": 2}\n"

static void pay_nothing(void)
{
	struct qmp_owed *o = owed;

	owed = NULL;
	assert_non_null(o);
	qmp_server_pay(o, json_object(), NULL);
}

static void the_reply_comes_when_it_is_paid_and_others_wait_for_nothing(void **state)
{
	int fd = dial_negotiated(), other = dial_negotiated();

	(void)state;
	say(fd, OWE ECHO);
	assert_silent(fd);
	assert_served(other);
	pay_nothing();
	assert_hears(fd, "{\"return\": {}, \"id\": 1}");
	assert_hears(fd, "{\"return\": {}, \"id\": 2}");
	assert_served(fd);
	close(fd);
	close(other);
}

static void it_may_be_an_error_and_have_no_id(void **state)
{
	struct qmp_error err = { .desc = "the disk is full" };
	int fd = dial_negotiated();

	(void)state;
	say(fd, "{\"execute\": \"owe\"}\n");
	assert_silent(fd);
	qmp_server_pay(owed, NULL, &err);
	assert_hears(fd, "{\"error\": {\"class\": \"GenericError\", "
			 "\"desc\": \"the disk is full\"}}");
	close(fd);
}

static void events_come_meanwhile(void **state)
{
	int fd = dial_negotiated();

	(void)state;
	say(fd, OWE);
	assert_silent(fd);
	qmp_server_emit(server, "TICK", NULL);
	assert_memory_equal(hear(fd), "{\"event\": \"TICK\"", 16);
	pay_nothing();
	assert_hears(fd, "{\"return\": {}, \"id\": 1}");
	close(fd);
}

static void a_client_that_has_left_is_owed_nothing(void **state)
{
	int fd = dial_negotiated(), other = dial_negotiated();

	(void)state;
	say(fd, OWE);
	assert_silent(fd);
	close(fd);
	qmp_server_emit(server, "TICK", NULL); /* by which it is found dead */
	hear(other);
	turns(20);
	pay_nothing();
	assert_served(other);
	close(other);
}

/* One that closes its sending half gets all its replies. */
static void a_half_closed_client_gets_it_and_what_follows(void **state)
{
	int fd = dial_negotiated();

	(void)state;
	say(fd, OWE ECHO);
	shutdown(fd, SHUT_WR);
	assert_silent(fd);
	pay_nothing();
	assert_hears(fd, "{\"return\": {}, \"id\": 1}");
	assert_hears(fd, "{\"return\": {}, \"id\": 2}");
	assert_hears(fd, "");
	close(fd);
}

static void it_may_be_paid_when_the_server_is_gone(void **state)
{
	int fd = dial_negotiated();

	(void)state;
	say(fd, OWE);
	assert_silent(fd);
	qmp_server_free(server, 0);
	server = NULL;
	pay_nothing();
	assert_hears(fd, "");
	close(fd);
}

static void nobody_is_owed_outside_a_command(void **state)
{
	(void)state;
	assert_null(qmp_server_owe(server));
}

#define ON_SERVER(t) cmocka_unit_test_setup_teardown(t, start_server, stop_server)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SERVER(the_reply_comes_when_it_is_paid_and_others_wait_for_nothing),
		ON_SERVER(it_may_be_an_error_and_have_no_id),
		ON_SERVER(events_come_meanwhile),
		ON_SERVER(a_client_that_has_left_is_owed_nothing),
		ON_SERVER(a_half_closed_client_gets_it_and_what_follows),
		ON_SERVER(it_may_be_paid_when_the_server_is_gone),
		ON_SERVER(nobody_is_owed_outside_a_command),
	};

	alarm(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
