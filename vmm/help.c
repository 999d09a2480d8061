#include "vmm/help.h"

#include <stddef.h>
#include <string.h>

#include "vmm/config/host_config.h"

#define INDENT 19 /* where the text of an option begins */
#define WIDTH  88

static const char head[] = "usage: hotsocket --kernel FILE [options]\n"
			   "       hotsocket --spec FILE [options]\n"
			   "       hotsocket --manifest FILE [options]\n"
			   "\n"
			   "Runs one KVM virtual machine whose CPUs can be added and "
			   "taken away while it runs.\n"
			   "\n";

static const char statuses[] =
	"\n"
	"exit status:\n"
	"  0  the guest powered off, or quit, Ctrl-A x or a signal ended it; --check: it "
	"would\n"
	"     be started\n"
	"  1  it could not start, or the host failed\n"
	"  2  the command line or the configuration is refused; nothing was started\n"
	"  3  a reset, with --on-reset exit\n"
	"  4  a triple fault, with --on-reset exit; without, more than 5 within 10 s\n"
	"  5  KVM cannot run the guest (internal error, failed entry)\n";

/* What is shown of a word has this length. */
static size_t shown_len(const char *word, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += word[i] != '*';
	return n;
}

static void put_word(FILE *out, const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (word[i] != '*')
			(void)fputc(word[i], out);
}

/* The text from this column on, which is INDENT or less, in lines of WIDTH. */
static void put_text(FILE *out, const char *text, int column)
{
	size_t at = 0;

	(void)fprintf(out, "%*s", INDENT - column, "");
	while (*text != '\0') {
		size_t len = strcspn(text, " "), shown = shown_len(text, len);

		if (at > 0 && INDENT + at + 1 + shown > WIDTH) {
			(void)fprintf(out, "\n%*s", INDENT, "");
			at = 0;
		}
		if (at > 0)
			(void)fputc(' ', out);
		put_word(out, text, len);
		at += shown + (at > 0);
		text += len + (text[len] == ' ');
	}
	(void)fputc('\n', out);
}

static void put_option(FILE *out, const char *name, const char *argument,
		       const char *text)
{
	int column = fprintf(out, "  --%s%s%s", name, argument != NULL ? " " : "",
			     argument != NULL ? argument : "");

	if (column >= INDENT) {
		(void)fputc('\n', out);
		column = 0;
	}
	put_text(out, text, column);
}

void help_print(FILE *out)
{
	static const struct {
		const char *name, *argument, *text;
	} rows[] = {
#define STRING(id, name, argument, values, help)  { name, argument, help },
#define PARSED(id, name, argument, values, help)  { name, argument, help },
#define COMMAND(id, name, argument, values, help) { name, argument, help },
#define HEADING(text)                             { NULL, NULL, text },
#include "vmm/config/options.def"
#undef STRING
#undef PARSED
#undef COMMAND
#undef HEADING
	};

	(void)fputs(head, out);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].name != NULL)
			put_option(out, rows[i].name, rows[i].argument, rows[i].text);
		else
			(void)fprintf(out, "%s\n", rows[i].text);
	(void)fputs(statuses, out);
}
