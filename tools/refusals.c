/* refusals: prints the catalogue of config/refusals.def as a Markdown table. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct refusal {
	const char *condition, *text, *remedy;
} refusals[] = {
#define REFUSAL(name, condition, text, remedy)       { condition, text, remedy },
#define REFUSAL_SHORT(name, condition, text, remedy) { condition, text, remedy },
#include "vmm/config/refusals.def"
};

/* Prints what stands for a conversion, or for several without a gap, and returns what
 * follows. */
static const char *print_conversion(const char *p)
{
	char kind = 'N';

	for (; *p == '%'; p += *p != '\0') {
		p += 1 + strcspn(p + 1, "diouxXcs");
		kind = *p == 's' || *p == 'c' ? 'X' : 'N';
	}
	putchar(kind);
	return p;
}

/* A cell: a bar would end it. */
static void print_format(const char *p)
{
	while (*p != '\0') {
		if (*p == '%') {
			p = print_conversion(p);
			continue;
		}
		if (*p == '|')
			putchar('\\');
		putchar(*p++);
	}
}

int main(void)
{
	puts("| condition | text | what to do |\n|---|---|---|");
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		printf("| %s | `", refusals[i].condition);
		print_format(refusals[i].text);
		printf("` | ");
		print_format(refusals[i].remedy);
		puts(" |");
	}
	return ferror(stdout) != 0;
}
