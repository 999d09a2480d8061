#ifndef VMM_KVM_X86_64_MSRS_H
#define VMM_KVM_X86_64_MSRS_H
/* msrs: the model-specific registers of a vCPU that is not in KVM_RUN, or of one's own;
 * as many at a time as there are. */

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Those that KVM's list (KVM_GET_MSR_INDEX_LIST) names of a vCPU's state, less what is
 * left alone, and those that it lacks; data is 0. on_amd: the host's vendor. The caller
 * frees *out. 0 or -errno. */
int msrs_list(int kvm_fd, bool on_amd, struct kvm_msrs **out);

/* Bytes of a list of n. */
size_t msrs_len(uint32_t n);

/* Reads or writes all of them. What KVM refuses is taken out of the list, and the first
 * of these is *refused, which else stays as it is. 0; or -errno, and what the list holds
 * then is undefined. */
int msrs_read(int vcpu_fd, struct kvm_msrs *m, uint32_t *refused);
int msrs_write(int vcpu_fd, struct kvm_msrs *m, uint32_t *refused);

/* Writes those that hold something else, so that none is touched for nothing: KVM tells
 * its log of some writes. 0 or -errno. */
int msrs_restore(int vcpu_fd, const struct kvm_msrs *m, uint32_t *refused);

/* One of them. 0; or -errno, -EIO where KVM refuses it. */
int msr_get(int vcpu_fd, uint32_t index, uint64_t *value);
int msr_set(int vcpu_fd, uint32_t index, uint64_t value);

#endif
