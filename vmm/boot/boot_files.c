#include "vmm/boot/boot_files.h"

#include "vmm/boot/arch_boot.h"
#include "vmm/config/spec.h"

int boot_files_open(struct boot_files *f, const struct spec *spec, struct text *why)
{
	int err;

	*f = BOOT_FILES_NONE;
	err = payload_open(&f->kernel, "kernel", spec->kernel, why);
	if (err == 0 && spec->initrd != NULL)
		err = payload_open(&f->initrd, "initrd", spec->initrd, why);
	if (err < 0)
		boot_files_close(f);
	return err;
}

int boot_files_check(const struct boot_files *f, struct text *why)
{
	return arch_check_kernel(&f->kernel, why);
}

void boot_files_close(struct boot_files *f)
{
	payload_close(&f->kernel);
	payload_close(&f->initrd);
}
