#include "vmm/kvm/aarch64/smccc.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <sys/ioctl.h>

#include "vmm/kvm/aarch64/psci.h"

/* The kernel headers of Debian 12 are older than these. */
#define SMCCC_CTRL   0 /* group of the VM's attributes */
#define SMCCC_FILTER 0
#define FWD_TO_USER  2

struct smccc_filter {
	uint32_t base, count;
	uint8_t action, pad[15];
};

static struct kvm_device_attr attribute(const struct smccc_filter *f)
{
	return (struct kvm_device_attr){ .group = SMCCC_CTRL,
					 .attr = SMCCC_FILTER,
					 .addr = (uintptr_t)f };
}

bool smccc_has_filter(int vm_fd)
{
	struct kvm_device_attr a = attribute(NULL);

	return ioctl(vm_fd, KVM_HAS_DEVICE_ATTR, &a) == 0;
}

int smccc_forward_cpu_calls(int vm_fd)
{
	static const struct smccc_filter filters[] = {
		{ .base = PSCI_CPU_OFF,
		  .count = 2,
		  .action = FWD_TO_USER }, /* and CPU_ON */
		{ .base = PSCI_CPU_ON_64, .count = 1, .action = FWD_TO_USER },
	};

	for (unsigned i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		struct kvm_device_attr a = attribute(&filters[i]);

		if (ioctl(vm_fd, KVM_SET_DEVICE_ATTR, &a) < 0)
			return -errno;
	}
	return 0;
}
