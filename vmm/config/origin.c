#include "vmm/config/origin.h"

#include <stddef.h>

#include "vmm/config/manifest.h"
#include "vmm/config/spec_file.h"

/* field is the path in either kind of file; "" is the file as such. */
static int blame(const struct spec *s, const char *key, const char *field, int err,
		 struct text *why)
{
	if (s->from.file != NULL)
		return spec_file_blame(s->from.file, key, err, why);
	if (s->from.manifest != NULL)
		return manifest_blame(s->from.manifest, field, err, why);
	return err;
}

int origin_blame_cpus(const struct spec *s, int err, struct text *why)
{
	unsigned sockets = s->from.cpus & 1u << SPEC_SOCKETS;

	if (s->from.cpus == 0)
		return err;
	if (spec_refused(s) == SPEC_SOCKETS && sockets != 0)
		return blame(s, "cpus.sockets", "domain.cpu.sockets", err, why);
	return blame(s, "cpus", "domain.cpu", err, why);
}

int origin_blame(const struct spec *s, enum option_id id, int err, struct text *why)
{
	if ((s->from.options & 1u << id) == 0)
		return err;
	return spec_file_blame(s->from.file, option_rows[id].name, err, why);
}

int origin_blame_kernel(const struct spec *s, int err, struct text *why)
{
	return blame(s, "", "domain.firmware.kernelBoot.container.kernelPath", err, why);
}

void origin_close(struct spec *s)
{
	spec_file_close(s->from.file);
	manifest_close(s->from.manifest);
	s->from = (struct spec_origin){ 0 };
}
