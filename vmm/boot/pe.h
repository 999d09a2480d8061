#ifndef VMM_BOOT_PE_H
#define VMM_BOOT_PE_H
/* pe: as much of the header of a PE file (Microsoft's "PE Format") as says for which
 * machine it is and how long it must be: kernels with an EFI stub are one. Pure. Believes
 * nothing that the file says. */

#include <stddef.h>
#include <stdint.h>

#define PE_MACHINE_I386  0x014c
#define PE_MACHINE_AMD64 0x8664
#define PE_MACHINE_ARM64 0xaa64

struct pe {
	uint16_t machine;
	uint64_t end; /* the file has no fewer bytes than these, as far as they tell */
};

/* Reads the first len bytes of a file. 0; or -EINVAL when they are no PE file's, or only
 * the begin of its header. Where they begin as one (MZ), end is right in both cases. */
int pe_parse(const unsigned char *head, size_t len, struct pe *out);

#endif
