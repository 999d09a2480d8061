#ifndef VMM_KVM_AARCH64_GIC_IMAGE_H
#define VMM_KVM_AARCH64_GIC_IMAGE_H
/* gic_image: what KVM's GICv3 holds, as plain data that could be written to a stream
 * (Documentation/virt/kvm/devices/arm-vgic-v3.rst). Not in it: what was set when the GIC
 * was made, and what serves message-based interrupts, of which ours has none. No vCPU is
 * in KVM_RUN. Main only. */

#include <stdint.h>

#define GIC_INTRS     96 /* SGIs, PPIs, and 64 SPIs */
#define GIC_FIRST_SPI 32
#define GIC_SPIS      (GIC_INTRS - GIC_FIRST_SPI)

/* The state of n interrupts is 15 bits each, kind by kind, as gic_image.c lists them. */
#define GIC_WORDS(n) ((n)*15 / 32)
#define GIC_ICC_REGS 15

struct gic_image {
	uint32_t iidr, ctlr;
	uint32_t intr[GIC_WORDS(GIC_SPIS)];
	uint32_t route[GIC_SPIS]; /* Aff2 to Aff0; there is no Aff3 */
};

struct gic_vcpu_image {
	uint32_t intr[GIC_WORDS(GIC_FIRST_SPI)];
	uint32_t has;               /* of the next, which this host has; bits */
	uint64_t icc[GIC_ICC_REGS]; /* the CPU interface, as gic_image.c lists it */
};

/* 0 or -errno. */
int gic_save(int gic_fd, struct gic_image *image);
int gic_load(int gic_fd, const struct gic_image *image);

/* The same of one vCPU, by its affinity fields as topology_arch_id() has them. */
int gic_save_vcpu(int gic_fd, uint64_t mpidr, struct gic_vcpu_image *image);
int gic_load_vcpu(int gic_fd, uint64_t mpidr, const struct gic_vcpu_image *image);

#endif
