#include "vmm/config/serial.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "vmm/base/newest_file.h"

static void each_kind_has_its_word(void **state)
{
	static const struct {
		const char *text;
		enum serial_kind kind;
		const char *path;
		uint64_t size;
	} good[] = {
		{ "stdio", SERIAL_STDIO, "", 0 },
		{ "none", SERIAL_NONE, "", 0 },
		{ "socket:a,size=8K", SERIAL_SOCKET, "a,size=8K", 0 },
		{ "file:", SERIAL_FILE, "", 0 },
		{ "file:a,b", SERIAL_FILE, "a,b", 0 },
		{ "file:a,size=8K", SERIAL_FILE, "a", NEWEST_FILE_MIN },
		{ "file:a,size=1,size=16Mi", SERIAL_FILE, "a,size=1", 16 << 20 },
	};
	struct text why;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct serial s;

		assert_int_equal(serial_parse(good[i].text, &s, &why), 0);
		assert_int_equal(s.kind, good[i].kind);
		assert_int_equal(s.path_len, strlen(good[i].path));
		if (s.path_len > 0)
			assert_memory_equal(s.path, good[i].path, s.path_len);
		assert_int_equal(s.size, good[i].size);
	}
}

static void other_words_and_sizes_are_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "", "--serial does not know ''" },
		{ "files:a", "--serial does not know 'files:a'" },
		{ "Stdio", "--serial does not know 'Stdio'" },
		{ "file:a,size=", "--serial file:a,size=: '' is not a size" },
		{ "file:a,size=8Q", "--serial file:a,size=8Q: '8Q' is not a size" },
		{ "file:a,size=8191",
		  "--serial file:a,size=8191: size 8191 is less than" },
	};
	struct serial s;
	struct text why;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(serial_parse(bad[i].text, &s, &why), -EINVAL);
		assert_memory_equal(why.s, bad[i].why, strlen(bad[i].why));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_has_its_word),
		cmocka_unit_test(other_words_and_sizes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
