#include "vmm/kvm/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vmm/config/spec.h"
#include "vmm/kvm/arch.h"

#define HUGE_PAGE (UINT64_C(2) << 20)

static uint32_t cap(int kvm_fd, int which, int otherwise)
{
	int n = ioctl(kvm_fd, KVM_CHECK_EXTENSION, which);

	return (uint32_t)(n > 0 ? n : otherwise);
}

int vm_open_kvm(int *kvm_fd, struct host_limits *limits, struct text *why)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC), version;

	if (fd < 0)
		return text_set(why, -errno, "/dev/kvm: %s%s", text_errno(errno),
				errno == EACCES
					? "; add yourself to the group that owns it"
					: "; this needs a host with KVM");
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION) {
		close(fd);
		return text_set(why, -EPROTO, "/dev/kvm speaks API version %d, not %d",
				version, KVM_API_VERSION);
	}
	limits->max_vcpus = cap(fd, KVM_CAP_MAX_VCPUS, (int)cap(fd, KVM_CAP_NR_VCPUS, 4));
	limits->max_vcpu_id = cap(fd, KVM_CAP_MAX_VCPU_ID, (int)limits->max_vcpus);
	arch_host_limits(fd, limits);
	*kvm_fd = fd;
	return 0;
}

/* Private and aligned, so that the host may back it with huge pages. */
static unsigned char *map_ram(uint64_t len)
{
	uint64_t room = len + HUGE_PAGE;
	unsigned char *p = mmap(NULL, room, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t skip;

	if (p == MAP_FAILED)
		return NULL;
	skip = (HUGE_PAGE - (uintptr_t)p % HUGE_PAGE) % HUGE_PAGE;
	if (skip > 0)
		munmap(p, skip);
	if (room - skip > len)
		munmap(p + skip + len, room - skip - len);
	(void)madvise(p + skip, len,
		      MADV_DONTDUMP); /* a core of ours has no secrets of it */
	madvise(p + skip, len,
		MADV_HUGEPAGE); /* only faster: hosts without it work, too */
	return p + skip;
}

static int add_ram(struct vm *vm, uint64_t memory)
{
	uint64_t offset = 0;

	vm->ram = map_ram(memory);
	if (vm->ram == NULL)
		return -errno;
	vm->ram_len = memory;
	vm->nranges = arch_ram_layout(memory, vm->range);
	for (unsigned i = 0; i < vm->nranges; i++) {
		struct kvm_userspace_memory_region r = {
			.slot = i,
			.guest_phys_addr = vm->range[i].gpa,
			.memory_size = vm->range[i].len,
			.userspace_addr = (uintptr_t)vm->ram + offset,
		};

		if (ioctl(vm->vm_fd, KVM_SET_USER_MEMORY_REGION, &r) < 0)
			return -errno;
		offset += vm->range[i].len;
	}
	return 0;
}

static int add_vcpu_fds(struct vm *vm)
{
	vm->vcpu_fd = malloc(vm->topo->max_vcpus * sizeof(*vm->vcpu_fd));
	if (vm->vcpu_fd == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < vm->topo->max_vcpus; i++)
		vm->vcpu_fd[i] = -1;
	return 0;
}

static void close_vcpu_fds(const struct vm *vm)
{
	for (uint32_t i = 0; vm->vcpu_fd != NULL && i < vm->topo->max_vcpus; i++)
		if (vm->vcpu_fd[i] >= 0)
			close(vm->vcpu_fd[i]);
}

int vm_vcpu_fd(struct vm *vm, uint32_t index)
{
	int *fd = &vm->vcpu_fd[index];

	if (*fd < 0)
		*fd = ioctl(vm->vm_fd, KVM_CREATE_VCPU,
			    (unsigned long)topology_vcpu_id(vm->topo, index));
	return *fd < 0 ? -errno : *fd;
}

int vm_create(int kvm_fd, const struct spec *spec, const struct topology *topo,
	      struct vm **out, struct text *why)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	int err, n;

	if (vm == NULL) {
		close(kvm_fd);
		return text_set(why, -ENOMEM, "no memory for the VM");
	}
	*vm = (struct vm){
		.kvm_fd = kvm_fd, .vm_fd = -1, .topo = topo, .nested = spec->nested
	};
	vm->vm_fd = ioctl(kvm_fd, KVM_CREATE_VM, arch_vm_type(kvm_fd));
	n = vm->vm_fd < 0 ? -1 : ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (n < 0) {
		err = text_set(why, -errno, "KVM cannot create a VM: %s",
			       text_errno(errno));
		goto fail;
	}
	vm->run_len = (size_t)n;
	err = add_vcpu_fds(vm);
	if (err < 0) {
		text_set(why, err, "no memory for the VM");
		goto fail;
	}
	err = add_ram(vm, spec->memory);
	if (err < 0) {
		text_set(why, err, "no guest memory of %llu MiB: %s",
			 (unsigned long long)(spec->memory >> 20), text_errno(-err));
		goto fail;
	}
	err = arch_vm_init(vm, why);
	if (err < 0)
		goto fail;
	*out = vm;
	return 0;
fail:
	vm_destroy(vm);
	return err;
}

void vm_destroy(struct vm *vm)
{
	if (vm == NULL)
		return;
	arch_vm_destroy(vm);
	close_vcpu_fds(vm);
	free(vm->vcpu_fd);
	if (vm->vm_fd >= 0)
		close(vm->vm_fd);
	if (vm->ram != NULL)
		munmap(vm->ram, vm->ram_len);
	close(vm->kvm_fd);
	free(vm);
}

void *vm_ram(const struct vm *vm, uint64_t gpa, uint64_t len)
{
	uint64_t offset = 0;

	for (unsigned i = 0; i < vm->nranges; i++) {
		const struct ram_range *r = &vm->range[i];

		if (gpa >= r->gpa && gpa - r->gpa <= r->len &&
		    len <= r->len - (gpa - r->gpa))
			return vm->ram + offset + (gpa - r->gpa);
		offset += r->len;
	}
	return NULL;
}

int vm_read_file(const struct vm *vm, uint64_t gpa, int fd, uint64_t offset, uint64_t len)
{
	unsigned char *to = vm_ram(vm, gpa, len);

	if (to == NULL)
		return -EFAULT;
	while (len > 0) {
		ssize_t n = pread(fd, to, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		to += n;
		offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

int vm_clear_ram(const struct vm *vm)
{
	return madvise(vm->ram, vm->ram_len, MADV_DONTNEED) < 0 ? -errno : 0;
}
