#ifndef VMM_KVM_X86_64_VCPU_IMAGE_H
#define VMM_KVM_X86_64_VCPU_IMAGE_H
/* vcpu_image: what KVM holds of a vCPU, as plain data that could be written to a stream.
 * The vCPU is not in KVM_RUN. Not in it: its CPUID, which comes first, the TSC, and what
 * a guest in this guest holds. Whichever thread owns the vCPU. */

#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>

struct vcpu_image {
	uint32_t parts; /* which of these it has; bits, by the table in vcpu_image.c */
	struct kvm_sregs sregs;
	struct kvm_lapic_state lapic;
	struct kvm_vcpu_events events;
	struct kvm_regs regs;
	struct kvm_xcrs xcrs;
	struct kvm_debugregs debugregs;
	struct kvm_mp_state mp_state;
	uint32_t xsave[sizeof(struct kvm_xsave) / sizeof(uint32_t)];
	struct kvm_nested_state nested; /* the head only */
	struct kvm_msrs msrs;           /* the last: it is as long as it says */
};

/* An image with room for these registers and all parts, to be saved into. NULL: no
 * memory. The caller frees it. */
struct vcpu_image *vcpu_image_new(const struct kvm_msrs *which);

/* A copy. NULL: no memory. */
struct vcpu_image *vcpu_image_copy(const struct vcpu_image *image);

/* Saves what the image has room for; what this host cannot read is left out of it from
 * then on. 0; or -errno, -E2BIG where the vCPU has a guest of its own. */
int vcpu_image_save(int vcpu_fd, struct vcpu_image *image);

/* Puts an image back that was saved of this vCPU just now. What KVM gives and does not
 * take is left out of the image from then on. 0; or -errno: that part must not lack. */
int vcpu_image_try(int vcpu_fd, struct vcpu_image *image);

/* Gives the vCPU what the image holds. 0, with the index of the first MSR that KVM has
 * not taken in *refused, which is 0 where it took all; or -errno. */
int vcpu_image_load(int vcpu_fd, const struct vcpu_image *image, uint32_t *refused);

/* What the local APIC has for its id: where, depends on its mode. */
void vcpu_image_set_apic_id(struct vcpu_image *image, uint32_t id);

#endif
