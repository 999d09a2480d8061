#include "vmm/kvm/x86_64/vcpu_image.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm/kvm/x86_64/msrs.h"
#include "vmm/kvm/x86_64/vm.h"

#define LAPIC_ID      0x20
#define XSTATE_BV     128 /* in an XSAVE area, in 32-bit words */
#define XSTATE_LEGACY 3u  /* x87 and SSE */

/* In the order in which KVM wants them back: what runs inside a nested guest leaves it;
 * the APIC's mode, which is in sregs, comes before its registers; those before the MSRs,
 * as the deadline is taken in the timer's mode for it; and REGS, which drops a pending
 * exception, before the events. */
static const struct part {
	unsigned long get, set;
	size_t offset;
	bool optional; /* a host may lack it, or give it and not take it: XCRS without
	                * XSAVE */
} parts[] = {
#define PART(name, member, optional)                                                     \
	{                                                                                \
		KVM_GET_##name, KVM_SET_##name, offsetof(struct vcpu_image, member),     \
			optional                                                         \
	}
	PART(NESTED_STATE, nested, true), PART(SREGS, sregs, false),
	PART(REGS, regs, false),          PART(XSAVE, xsave, false),
	PART(XCRS, xcrs, true),           PART(DEBUGREGS, debugregs, false),
	PART(LAPIC, lapic, false), /* then the MSRs */
	PART(VCPU_EVENTS, events, false), PART(MP_STATE, mp_state, false),
};
#define NPARTS      (sizeof(parts) / sizeof(parts[0]))
#define BEFORE_MSRS 7u /* parts before the MSRs */

static size_t image_len(uint32_t nmsrs)
{
	return offsetof(struct vcpu_image, msrs) + msrs_len(nmsrs);
}

struct vcpu_image *vcpu_image_new(const struct kvm_msrs *which)
{
	struct vcpu_image *image = calloc(1, image_len(which->nmsrs));

	if (image == NULL)
		return NULL;
	image->parts = (1u << NPARTS) - 1;
	memcpy(&image->msrs, which, msrs_len(which->nmsrs));
	return image;
}

struct vcpu_image *vcpu_image_copy(const struct vcpu_image *image)
{
	struct vcpu_image *copy = malloc(image_len(image->msrs.nmsrs));

	if (copy != NULL)
		memcpy(copy, image, image_len(image->msrs.nmsrs));
	return copy;
}

static int save_part(int vcpu_fd, struct vcpu_image *image, unsigned i)
{
	if (!(image->parts & 1u << i) ||
	    ioctl(vcpu_fd, parts[i].get, (char *)image + parts[i].offset) == 0)
		return 0;
	if (errno == E2BIG || !parts[i].optional)
		return -errno;
	image->parts &= ~(1u << i);
	return 0;
}

int vcpu_image_save(int vcpu_fd, struct vcpu_image *image)
{
	uint32_t refused;

	image->nested.size = sizeof(image->nested);
	for (unsigned i = 0; i < NPARTS; i++) {
		int err = save_part(vcpu_fd, image, i);

		if (err < 0)
			return err;
	}
	image->xsave[XSTATE_BV] |= XSTATE_LEGACY; /* else MXCSR may stay */
	return msrs_read(vcpu_fd, &image->msrs, &refused);
}

static int load_part(int vcpu_fd, const struct vcpu_image *image, unsigned i)
{
	if (image->parts & 1u << i &&
	    ioctl(vcpu_fd, parts[i].set, (const char *)image + parts[i].offset) < 0)
		return -errno;
	return 0;
}

int vcpu_image_try(int vcpu_fd, struct vcpu_image *image)
{
	uint32_t refused;

	for (unsigned i = 0; i < NPARTS; i++) {
		int err = load_part(vcpu_fd, image, i);

		if (err < 0 && !parts[i].optional)
			return err;
		if (err < 0)
			image->parts &= ~(1u << i);
	}
	return msrs_write(vcpu_fd, &image->msrs, &refused);
}

static int load_parts(int vcpu_fd, const struct vcpu_image *image, unsigned from,
		      unsigned to)
{
	int err = 0;

	for (unsigned i = from; i < to && err == 0; i++)
		err = load_part(vcpu_fd, image, i);
	return err;
}

int vcpu_image_load(int vcpu_fd, const struct vcpu_image *image, uint32_t *refused)
{
	int err = load_parts(vcpu_fd, image, 0, BEFORE_MSRS);

	*refused = 0;
	if (err == 0)
		err = msrs_restore(vcpu_fd, &image->msrs, refused);
	if (err == 0)
		err = load_parts(vcpu_fd, image, BEFORE_MSRS, NPARTS);
	return err;
}

void vcpu_image_set_apic_id(struct vcpu_image *image, uint32_t id)
{
	bool x2apic = (image->sregs.apic_base & X2APIC_ON) != 0;
	uint32_t value = x2apic ? id : id << 24;

	memcpy(image->lapic.regs + LAPIC_ID, &value, sizeof(value));
}
