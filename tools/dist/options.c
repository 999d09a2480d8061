/* options man|completion: copies a template from stdin to stdout, with the list of
 * options, as vmm/config/options.def has them, in the place of the line with the
 * marker. */
#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "vmm/config/host_config.h"

#define WIDTH  78
#define MARKER "@OPTIONS@ (vmm/config/options.def)"

static const struct row {
	const char *name, *argument, *values, *help;
} rows[] = {
#define STRING(id, name, argument, values, help)  { name, argument, values, help },
#define PARSED(id, name, argument, values, help)  { name, argument, values, help },
#define COMMAND(id, name, argument, values, help) { name, argument, values, help },
#define HEADING(text)
#include "vmm/config/options.def"
#undef STRING
#undef PARSED
#undef COMMAND
#undef HEADING
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* --- the manual page, mdoc(7) --- */

struct buffer {
	char s[512];
	size_t len;
};

static void add(struct buffer *b, const char *text)
{
	for (; *text != '\0' && b->len < sizeof(b->s) - 1; text++)
		b->s[b->len++] = *text;
	b->s[b->len] = '\0';
}

static void put_lower(const char *s)
{
	for (; *s != '\0'; s++)
		(void)putchar(tolower((unsigned char)*s));
}

/* The length of the argument's name where the text begins with it, as a word; else 0. */
static size_t argument_at(const char *s, const char *argument)
{
	size_t len = argument != NULL ? strlen(argument) : 0;

	if (len == 0 || strncmp(s, argument, len) != 0 || isalnum((unsigned char)s[len]))
		return 0;
	return len;
}

static void add_argument(struct buffer *b, const char *argument)
{
	add(b, "\\fI");
	for (; *argument != '\0'; argument++)
		add(b, (char[]){ (char)tolower((unsigned char)*argument), '\0' });
	add(b, "\\fP");
}

/* One word: *this* is bold, the argument's name is slanted. */
static void mark_up(struct buffer *b, const char *word, size_t len, const char *argument,
		    bool *bold)
{
	bool inside = false; /* of letters and digits */

	for (size_t i = 0; i < len; i++) {
		size_t skip = inside ? 0 : argument_at(word + i, argument);

		inside = isalnum((unsigned char)word[i]);
		if (skip > 0) {
			add_argument(b, argument);
			i += skip - 1;
		} else if (word[i] == '*') {
			*bold = !*bold;
			add(b, *bold ? "\\fB" : "\\fP");
		} else {
			add(b, word[i] == '-' ? "\\-" : (char[]){ word[i], '\0' });
		}
	}
}

static bool ends_sentence(const char *word, size_t len)
{
	return len > 1 && word[len - 1] == '.' && isupper((unsigned char)word[len + 1]);
}

/* The column after it. */
static size_t end_line(void)
{
	(void)putchar('\n');
	return 0;
}

/* Lines of WIDTH, and a new one for each sentence. */
static void put_sentences(const char *text, const char *argument)
{
	size_t at = 0;
	bool bold = false;

	if (islower((unsigned char)*text))
		(void)putchar(toupper((unsigned char)*text++));
	for (const char *word = text; *word != '\0';) {
		size_t len = strcspn(word, " ");
		struct buffer b = { .len = 0 };

		mark_up(&b, word, len, argument, &bold);
		if (at > 0 && at + 1 + b.len > WIDTH)
			at = end_line();
		at += (size_t)printf("%s%s", at > 0 ? " " : "", b.s);
		if (ends_sentence(word, len))
			at = end_line();
		word += len + (word[len] == ' ');
	}
	(void)puts(text[strlen(text) - 1] == '.' ? "" : ".");
}

static void put_man(void)
{
	for (size_t i = 0; i < ROWS; i++) {
		(void)printf(".It Fl Fl %s", rows[i].name);
		if (rows[i].argument != NULL) {
			(void)fputs(" Ar ", stdout);
			put_lower(rows[i].argument);
		}
		(void)putchar('\n');
		put_sentences(rows[i].help, rows[i].argument);
	}
}

/* --- completion: what follows an option that takes a value --- */

static void put_completion(void)
{
	for (size_t i = 0; i < ROWS; i++) {
		const char *values = rows[i].values;

		if (values == NULL)
			continue;
		(void)printf("\t--%s) ", rows[i].name);
		if (values[0] == '@')
			(void)printf("_hotsocket_%s ", values + 1);
		else if (values[0] != '\0')
			(void)printf("_hotsocket_offer %s ", values);
		(void)puts(";;");
	}
}

int main(int argc, char **argv)
{
	void (*put)(void);
	char line[4096];

	if (argc != 2 ||
	    (strcmp(argv[1], "man") != 0 && strcmp(argv[1], "completion") != 0)) {
		(void)fputs("usage: options man|completion <TEMPLATE\n", stderr);
		return 2;
	}
	put = argv[1][0] == 'm' ? put_man : put_completion;
	while (fgets(line, sizeof(line), stdin) != NULL)
		if (strstr(line, MARKER) != NULL)
			put();
		else
			(void)fputs(line, stdout);
	return ferror(stdin) || fflush(stdout) != 0;
}
