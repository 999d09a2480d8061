#include "vmm/config/serial.h"

#include <errno.h>
#include <string.h>

#include "vmm/base/newest_file.h"
#include "vmm/base/size.h"
#include "vmm/config/refusal.h"

#define SIZE ",size="

/* The text behind this beginning, or NULL. */
static const char *after(const char *text, const char *beginning)
{
	size_t len = strlen(beginning);

	return strncmp(text, beginning, len) == 0 ? text + len : NULL;
}

/* "PATH[,size=N]" */
static int parse_file(const char *path, struct serial *out, struct text *why)
{
	const char *comma = strrchr(path, ',');
	const char *size = comma != NULL ? after(comma, SIZE) : NULL;

	*out = (struct serial){ SERIAL_FILE, path, strlen(path), 0 };
	if (size == NULL)
		return 0;
	out->path_len = (size_t)(comma - path);
	if (size_parse(size, 0, &out->size) < 0)
		return text_set(why, -EINVAL, refuse_serial_size, path, size);
	if (out->size < NEWEST_FILE_MIN)
		return text_set(why, -EINVAL, refuse_serial_size_low, path, size,
				NEWEST_FILE_MIN / 1024);
	return 0;
}

int serial_parse(const char *where, struct serial *out, struct text *why)
{
	const char *path = after(where, "file:");

	if (path != NULL)
		return parse_file(path, out, why);
	path = after(where, "socket:");
	if (path != NULL)
		*out = (struct serial){ SERIAL_SOCKET, path, strlen(path), 0 };
	else if (strcmp(where, "stdio") == 0)
		*out = (struct serial){ .kind = SERIAL_STDIO };
	else if (strcmp(where, "none") == 0)
		*out = (struct serial){ .kind = SERIAL_NONE };
	else
		return text_set(why, -EINVAL, refuse_serial, where);
	return 0;
}
