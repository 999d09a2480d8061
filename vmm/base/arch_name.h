#ifndef VMM_BASE_ARCH_NAME_H
#define VMM_BASE_ARCH_NAME_H
/* arch_name: the architecture of the VM, which is the host's, as uname and QEMU name
 * it. */

#if defined(__aarch64__)
#define ARCH_NAME "aarch64"
#else
#define ARCH_NAME "x86_64"
#endif

#endif
