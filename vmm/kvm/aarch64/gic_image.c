#include "vmm/kvm/aarch64/gic_image.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SGI_FRAME    0x10000 /* of a redistributor */
#define LINE_LEVEL   (VGIC_LEVEL_INFO_LINE_LEVEL << KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT)

/* Registers of the distributor (Arm IHI 0069, 12.9); those of interrupts stand at the
 * same offsets in the SGI frame. */
enum {
	GICD_CTLR = 0,
	GICD_IIDR = 8,
	IGROUPR = 0x80,
	ISENABLER = 0x100,
	ICENABLER = 0x180,
	ISPENDR = 0x200, /* for us it sets the bits as they are */
	ISACTIVER = 0x300,
	ICACTIVER = 0x380,
	IPRIORITYR = 0x400,
	ICFGR = 0xc00,
	IROUTER = 0x6000, /* 64 bits each, and the upper half is 0 */
	LEVELS = 0xffff,  /* no register: attributes of their own */
};

/* What there is of each interrupt, in the order of loading: what lets one come is last.
 */
static const struct {
	uint32_t reg, bits;
} kinds[] = {
	{ IGROUPR, 1 }, { ICFGR, 2 },   { IPRIORITYR, 8 }, { ISENABLER, 1 },
	{ LEVELS, 1 },  { ISPENDR, 1 }, { ISACTIVER, 1 },
};

/* As KVM wants a system register's name: op0, op1, CRn, CRm, op2. */
#define SYS_REG(op0, op1, n, m, op2)                                                     \
	((op0) << 14 | (op1) << 11 | (n) << 7 | (m) << 3 | (op2))

/* In the order of loading: CTLR says how BPR1 is taken. A host with few priorities lacks
 * the last. */
static const struct {
	uint32_t name;
	bool optional;
} icc[GIC_ICC_REGS] = {
	{ SYS_REG(3, 0, 12, 12, 5), false }, /* ICC_SRE_EL1 */
	{ SYS_REG(3, 0, 12, 12, 4), false }, /* ICC_CTLR_EL1 */
	{ SYS_REG(3, 0, 12, 12, 6), false }, /* ICC_IGRPEN0_EL1 */
	{ SYS_REG(3, 0, 12, 12, 7), false }, /* ICC_IGRPEN1_EL1 */
	{ SYS_REG(3, 0, 4, 6, 0), false },   /* ICC_PMR_EL1 */
	{ SYS_REG(3, 0, 12, 8, 3), false },  /* ICC_BPR0_EL1 */
	{ SYS_REG(3, 0, 12, 12, 3), false }, /* ICC_BPR1_EL1 */
	{ SYS_REG(3, 0, 12, 8, 4), false },  /* ICC_AP0R0_EL1 */
	{ SYS_REG(3, 0, 12, 9, 0), false },  /* ICC_AP1R0_EL1 */
	{ SYS_REG(3, 0, 12, 8, 5), true },   /* ICC_AP0R1_EL1 to AP0R3 */
	{ SYS_REG(3, 0, 12, 8, 6), true },   { SYS_REG(3, 0, 12, 8, 7), true },
	{ SYS_REG(3, 0, 12, 9, 1), true }, /* ICC_AP1R1_EL1 to AP1R3 */
	{ SYS_REG(3, 0, 12, 9, 2), true },   { SYS_REG(3, 0, 12, 9, 3), true },
};

/* Where the registers of some interrupts are. */
struct bank {
	int fd;
	uint32_t group;
	uint64_t mpidr, frame; /* as they stand in an attribute */
	uint32_t first, n;
};

static int access_attr(int fd, bool load, uint32_t group, uint64_t attr,
		       const void *value)
{
	struct kvm_device_attr a = { .group = group,
				     .attr = attr,
				     .addr = (uintptr_t)value };

	return ioctl(fd, load ? KVM_SET_DEVICE_ATTR : KVM_GET_DEVICE_ATTR, &a) < 0
		       ? -errno
		       : 0;
}

static int access_word(const struct bank *b, bool load, uint64_t reg,
		       const uint32_t *word)
{
	return access_attr(b->fd, load, b->group, b->mpidr | b->frame | reg, word);
}

static int access_level(const struct bank *b, bool load, uint64_t intr,
			const uint32_t *word)
{
	return access_attr(b->fd, load, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO,
			   b->mpidr | LINE_LEVEL | intr, word);
}

/* The state of a bank's interrupts, word by word; words are written to where not load. */
static int access_intrs(const struct bank *b, bool load, const uint32_t *word)
{
	int err = 0;

	for (size_t i = 0; i < COUNT(kinds); i++) {
		uint32_t per_word = 32 / kinds[i].bits;

		for (uint32_t at = b->first; at < b->first + b->n && err == 0;
		     at += per_word, word++)
			err = kinds[i].reg == LEVELS
				      ? access_level(b, load, at, word)
				      : access_word(b, load,
						    kinds[i].reg + at / per_word * 4,
						    word);
	}
	return err;
}

/* These interrupts are neither enabled, pending nor active: writes of ones set what they
 * are to be, and clear nothing. */
static int silence(const struct bank *b)
{
	static const uint32_t zero, ones = UINT32_MAX;
	int err = 0;

	for (uint64_t at = b->first / 8; err == 0 && at < (b->first + b->n) / 8;
	     at += 4) {
		err = access_word(b, true, ICENABLER + at, &ones);
		if (err == 0)
			err = access_word(b, true, ISPENDR + at, &zero);
		if (err == 0)
			err = access_word(b, true, ICACTIVER + at, &ones);
	}
	return err;
}

static int load_intrs(const struct bank *b, const uint32_t *word)
{
	int err = silence(b);

	return err < 0 ? err : access_intrs(b, true, word);
}

static struct bank distributor(int gic_fd)
{
	return (struct bank){
		gic_fd, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0, 0, GIC_FIRST_SPI, GIC_SPIS
	};
}

static struct bank redistributor(int gic_fd, uint64_t mpidr)
{
	return (struct bank){ gic_fd,      KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
			      mpidr << 32, SGI_FRAME,
			      0,           GIC_FIRST_SPI };
}

static int access_routes(const struct bank *b, bool load, const uint32_t *route)
{
	int err = 0;

	for (uint32_t i = 0; i < b->n && err == 0; i++)
		err = access_word(b, load, IROUTER + (b->first + i) * 8, &route[i]);
	return err;
}

int gic_save(int gic_fd, struct gic_image *image)
{
	struct bank b = distributor(gic_fd);
	int err = access_word(&b, false, GICD_IIDR, &image->iidr);

	if (err == 0)
		err = access_word(&b, false, GICD_CTLR, &image->ctlr);
	if (err == 0)
		err = access_intrs(&b, false, image->intr);
	return err < 0 ? err : access_routes(&b, false, image->route);
}

/* The IIDR says to KVM what the rest means; off until all is in its place. */
int gic_load(int gic_fd, const struct gic_image *image)
{
	static const uint32_t off;
	struct bank b = distributor(gic_fd);
	int err = access_word(&b, true, GICD_IIDR, &image->iidr);

	if (err == 0)
		err = access_word(&b, true, GICD_CTLR, &off);
	if (err == 0)
		err = access_routes(&b, true, image->route);
	if (err == 0)
		err = load_intrs(&b, image->intr);
	return err < 0 ? err : access_word(&b, true, GICD_CTLR, &image->ctlr);
}

static int access_icc(const struct bank *b, bool load, unsigned i, const uint64_t *value)
{
	return access_attr(b->fd, load, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
			   b->mpidr | icc[i].name, value);
}

int gic_save_vcpu(int gic_fd, uint64_t mpidr, struct gic_vcpu_image *image)
{
	struct bank b = redistributor(gic_fd, mpidr);
	int err = access_intrs(&b, false, image->intr);

	image->has = 0;
	for (unsigned i = 0; i < GIC_ICC_REGS && err == 0; i++) {
		err = access_icc(&b, false, i, &image->icc[i]);
		if (err == 0)
			image->has |= 1u << i;
		else if (icc[i].optional && (err == -EINVAL || err == -ENXIO))
			err = 0;
	}
	return err;
}

int gic_load_vcpu(int gic_fd, uint64_t mpidr, const struct gic_vcpu_image *image)
{
	struct bank b = redistributor(gic_fd, mpidr);
	int err = load_intrs(&b, image->intr);

	for (unsigned i = 0; i < GIC_ICC_REGS && err == 0; i++)
		if (image->has & 1u << i)
			err = access_icc(&b, true, i, &image->icc[i]);
	return err;
}
