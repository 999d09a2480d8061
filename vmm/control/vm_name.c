#include "vmm/control/vm_name.h"

#include <string.h>

#define CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"

/* Its length without the ending. */
static size_t socket_name(const struct spec *s, const char **name)
{
	const char *path = s->qmp != NULL ? s->qmp : "hotsocket";
	const char *slash = strrchr(path, '/'), *dot;

	*name = slash != NULL ? slash + 1 : path;
	dot = strrchr(*name, '.');
	return dot != NULL && dot > *name ? (size_t)(dot - *name) : strlen(*name);
}

void vm_name(const struct spec *s, char out[VM_NAME_LEN])
{
	const char *name = s->name;
	size_t len = name != NULL ? strlen(name) : socket_name(s, &name);

	if (len > VM_NAME_LEN - 1)
		len = VM_NAME_LEN - 1;
	for (size_t i = 0; i < len; i++)
		out[i] = (char)(strchr(CHARS, name[i]) != NULL ? name[i] : '-');
	out[len] = '\0';
}
