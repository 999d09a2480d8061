#include "vmm/config/blame.h"

#include <errno.h>

#include "vmm/config/refusal.h"

int blame_place(const char *place, int err, struct text *why)
{
	struct text said = *why;

	return text_set(why, err, "%.150s: %.350s", place, said.s);
}

int blame_errno(int err, struct text *why)
{
	if (err == -EINVAL)
		return text_set(why, err, refuse_file_irregular);
	return text_set(why, err, refuse_file_errno, text_errno(-err));
}
