#ifndef VMM_BASE_TEXT_H
#define VMM_BASE_TEXT_H
/* text: a sentence for a person, filled in by whoever refuses something. */

#define TEXT_LEN 512

struct text {
	char s[TEXT_LEN];
};

/* Writes the sentence, printable, cut where it is too long, and returns err, so that a
 * refusal is one line: return text_set(why, -EINVAL, "..."). */
int text_set(struct text *t, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts '?' in the place of each control character: words of a user are quoted in it. */
void text_make_printable(char *s);

/* What an errno means. A static string; any thread. */
const char *text_errno(int err);

#endif
