#include "vmm/kvm/vcpu_stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "devices/clock.h"
#include "vmm/kvm/vcpu.h"

#define NAME_MAX_LEN 256 /* of a counter; KVM's is 48 */
#define COUNTERS_MAX 4096

static int read_at(int fd, void *to, size_t len, uint64_t offset)
{
	ssize_t n = pread(fd, to, len, (off_t)offset);

	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -ENODATA;
}

/* Offset of a counter's value in the file. */
static int find(int fd, const char *name, uint64_t *offset)
{
	union {
		struct kvm_stats_desc desc;
		char bytes[sizeof(struct kvm_stats_desc) + NAME_MAX_LEN];
	} d;
	struct kvm_stats_header h;
	int err = read_at(fd, &h, sizeof(h), 0);
	size_t len = sizeof(d.desc) + h.name_size;

	if (err < 0)
		return err;
	if (h.name_size > NAME_MAX_LEN || h.num_desc > COUNTERS_MAX)
		return -EPROTO;
	for (uint32_t i = 0; i < h.num_desc; i++) {
		err = read_at(fd, d.bytes, len, h.desc_offset + i * len);
		if (err < 0)
			return err;
		if (strncmp(d.bytes + sizeof(d.desc), name, h.name_size) == 0) {
			*offset = (uint64_t)h.data_offset + d.desc.offset;
			return 0;
		}
	}
	return -ENOENT;
}

int vcpu_stats_open(int vcpu_fd)
{
	return ioctl(vcpu_fd, KVM_GET_STATS_FD, NULL);
}

int vcpu_stats_exits(struct vcpu *v, uint64_t *exits)
{
	int err = v->stats_fd < 0 ? -ENOTTY : 0;

	if (err == 0 && v->exits_offset == 0)
		err = find(v->stats_fd, "exits", &v->exits_offset);
	return err < 0 ? err
		       : read_at(v->stats_fd, exits, sizeof(*exits), v->exits_offset);
}

uint64_t vcpu_stats_clock_ns(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) < 0)
		return 0;
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* A thread that has ended has no clock, but has left its time. */
static uint64_t thread_ns(struct vcpu *v)
{
	clockid_t clock;
	uint64_t ns = 0;

	if (vcpu_has_thread(v) && pthread_getcpuclockid(v->thread, &clock) == 0)
		ns = vcpu_stats_clock_ns(clock);
	return ns > 0 ? ns : atomic_load(&v->last_ns);
}

uint64_t vcpu_stats_cpu_ns(struct vcpu *v)
{
	return v->spent_ns + thread_ns(v);
}
