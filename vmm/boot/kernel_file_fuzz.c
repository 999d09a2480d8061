/* Whatever the file is: it gets one printable line, on each architecture. */
#include "vmm/boot/kernel_file.h"
#include "vmm/boot/file_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct file_fuzz f = { .len = FILE_FUZZ_LEN };
	struct text why = { "" };
	size_t len;
	uint8_t *head;

	file_fuzz_change(&f, data, size);
	head = file_fuzz_head(&f, KERNEL_HEAD_LEN, &len);
	for (unsigned i = 0; i < KERNEL_ARCHS; i++) {
		must(kernel_refuse("k", (enum kernel_arch)i, head, len, f.len, &why) < 0);
		file_fuzz_refused(&why);
	}
	free(head);
	return 0;
}
