#include "vmm/kvm/x86_64/msrs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define BATCH     128u /* KVM takes fewer than 256 at a time */
#define BATCH_LEN (sizeof(struct kvm_msrs) + BATCH * sizeof(struct kvm_msr_entry))

struct range {
	uint32_t first, last;
};

/* On KVM's list, and left alone. */
static const struct range left_alone[] = {
	/* The TSC goes on: one by one the vCPUs' would come to differ. TSC_ADJUST says by
	 * how much the guest has moved it, so it goes with it. */
	{ 0x10, 0x10 },
	{ 0x3b, 0x3b },
	/* Hyper-V's, which no guest of ours is offered: for a look at one KVM would keep
	 * what it needs for them, for each vCPU. */
	{ 0x40000000, 0x400001ff },
};

/* A part of the state that KVM's list lacks. */
static const struct range besides[] = {
	{ 0x200, 0x20f },                                     /* MTRRs: ranges, */
	{ 0x250, 0x250 },                                     /* fixed ranges, */
	{ 0x258, 0x259 }, { 0x268, 0x26f }, { 0x2ff, 0x2ff }, /* and whether they count */
};

/* The same, where the host is not AMD's: there KVM has it on its list or has none, and
 * tells the host's log of each write. */
static const struct range besides_not_amd[] = {
	{ 0x1d9, 0x1d9 }, /* DEBUGCTL */
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BESIDES_MAX  32

size_t msrs_len(uint32_t n)
{
	return sizeof(struct kvm_msrs) + n * sizeof(struct kvm_msr_entry);
}

static bool within(uint32_t index, const struct range *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (index >= r[i].first && index <= r[i].last)
			return true;
	return false;
}

static bool has(const struct kvm_msrs *m, uint32_t index)
{
	for (uint32_t i = 0; i < m->nmsrs; i++)
		if (m->entries[i].index == index)
			return true;
	return false;
}

static void add_ranges(struct kvm_msrs *m, const struct range *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (uint32_t index = r[i].first; index <= r[i].last; index++)
			if (!has(m, index))
				m->entries[m->nmsrs++].index = index;
}

/* KVM's list, which the caller frees; NULL: *err says why. */
static struct kvm_msr_list *kvm_list(int kvm_fd, int *err)
{
	struct kvm_msr_list none = { 0 }, *list = NULL;

	if (ioctl(kvm_fd, KVM_GET_MSR_INDEX_LIST, &none) < 0 && errno != E2BIG) {
		*err = -errno;
		return NULL;
	}
	list = calloc(1, sizeof(*list) + none.nmsrs * sizeof(list->indices[0]));
	if (list == NULL) {
		*err = -ENOMEM;
		return NULL;
	}
	list->nmsrs = none.nmsrs;
	if (ioctl(kvm_fd, KVM_GET_MSR_INDEX_LIST, list) == 0)
		return list;
	*err = -errno;
	free(list);
	return NULL;
}

static void add_kvms(struct kvm_msrs *m, const struct kvm_msr_list *list)
{
	for (uint32_t i = 0; i < list->nmsrs; i++)
		if (!within(list->indices[i], left_alone, COUNT(left_alone)))
			m->entries[m->nmsrs++].index = list->indices[i];
}

int msrs_list(int kvm_fd, bool on_amd, struct kvm_msrs **out)
{
	int err = 0;
	struct kvm_msr_list *list = kvm_list(kvm_fd, &err);
	struct kvm_msrs *m;

	if (list == NULL)
		return err;
	m = calloc(1, msrs_len(list->nmsrs + BESIDES_MAX));
	if (m != NULL) {
		add_kvms(m, list);
		add_ranges(m, besides, COUNT(besides));
		if (!on_amd)
			add_ranges(m, besides_not_amd, COUNT(besides_not_amd));
	}
	free(list);
	*out = m;
	return m == NULL ? -ENOMEM : 0;
}

/* KVM stops at one that it refuses: it goes on behind it. */
static int each(int vcpu_fd, unsigned long request, struct kvm_msrs *m, uint32_t *refused)
{
	uint64_t buf[BATCH_LEN / sizeof(uint64_t)] = { 0 };
	struct kvm_msrs *some = (void *)buf;
	uint32_t kept = 0, at = 0, first = 0;

	while (at < m->nmsrs) {
		uint32_t count = m->nmsrs - at < BATCH ? m->nmsrs - at : BATCH;
		int n;

		some->nmsrs = count;
		memcpy(some->entries, m->entries + at, count * sizeof(some->entries[0]));
		n = ioctl(vcpu_fd, request, some);
		if (n < 0)
			return -errno;
		memcpy(m->entries + kept, some->entries,
		       (size_t)n * sizeof(some->entries[0]));
		kept += (uint32_t)n;
		at += (uint32_t)n;
		if ((uint32_t)n == count)
			continue;
		if (first == 0)
			first = m->entries[at].index;
		at++;
	}
	m->nmsrs = kept;
	if (first != 0)
		*refused = first;
	return 0;
}

int msrs_read(int vcpu_fd, struct kvm_msrs *m, uint32_t *refused)
{
	return each(vcpu_fd, KVM_GET_MSRS, m, refused);
}

int msrs_write(int vcpu_fd, struct kvm_msrs *m, uint32_t *refused)
{
	return each(vcpu_fd, KVM_SET_MSRS, m, refused);
}

/* Leaves in now, with what they are to be, those of its registers that do not hold what
 * wanted says; now's are wanted's in the same order, but for some that it lacks. */
static void keep_changed(struct kvm_msrs *now, const struct kvm_msr_entry *wanted,
			 uint32_t n)
{
	uint32_t at = 0, changed = 0;

	for (uint32_t i = 0; i < n && at < now->nmsrs; i++) {
		if (now->entries[at].index != wanted[i].index)
			continue;
		if (now->entries[at++].data != wanted[i].data)
			now->entries[changed++] = wanted[i];
	}
	now->nmsrs = changed;
}

static int restore_some(int vcpu_fd, const struct kvm_msr_entry *wanted, uint32_t n,
			uint32_t *refused)
{
	uint64_t buf[BATCH_LEN / sizeof(uint64_t)] = { 0 };
	struct kvm_msrs *now = (void *)buf;
	int err;

	now->nmsrs = n;
	memcpy(now->entries, wanted, n * sizeof(*wanted));
	err = msrs_read(vcpu_fd, now, refused);
	if (err < 0)
		return err;
	keep_changed(now, wanted, n);
	return msrs_write(vcpu_fd, now, refused);
}

int msrs_restore(int vcpu_fd, const struct kvm_msrs *m, uint32_t *refused)
{
	int err = 0;

	for (uint32_t at = 0; at < m->nmsrs && err == 0; at += BATCH) {
		uint32_t n = m->nmsrs - at < BATCH ? m->nmsrs - at : BATCH;

		err = restore_some(vcpu_fd, m->entries + at, n, refused);
	}
	return err;
}

static int one(int vcpu_fd, unsigned long request, uint32_t index, uint64_t *value)
{
	_Alignas(struct kvm_msrs) unsigned char
		buf[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)] = { 0 };
	struct kvm_msrs *m = (void *)buf;
	int n;

	m->nmsrs = 1;
	m->entries[0].index = index;
	m->entries[0].data = *value;
	n = ioctl(vcpu_fd, request, m);
	if (n < 1)
		return n < 0 ? -errno : -EIO;
	*value = m->entries[0].data;
	return 0;
}

int msr_get(int vcpu_fd, uint32_t index, uint64_t *value)
{
	*value = 0;
	return one(vcpu_fd, KVM_GET_MSRS, index, value);
}

int msr_set(int vcpu_fd, uint32_t index, uint64_t value)
{
	return one(vcpu_fd, KVM_SET_MSRS, index, &value);
}
