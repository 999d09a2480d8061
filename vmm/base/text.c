#include "vmm/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int text_set(struct text *t, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(t->s, sizeof(t->s), fmt, ap);
	va_end(ap);
	text_make_printable(t->s);
	return err;
}

void text_make_printable(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
}

const char *text_errno(int err)
{
	const char *s = strerrordesc_np(err);

	return s != NULL ? s : "unknown error";
}
