#include "vmm/kvm/x86_64/vcpu_image.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmm/kvm/arch.h"
#include "vmm/kvm/vcpu.h"
#include "vmm/kvm/x86_64/vm.h"

#define NCHIPS          3 /* PIC, PIC, IOAPIC */
#define LAPIC_ID        0x20
#define XSTATE_BV       128 /* in an XSAVE area, in 32-bit words */
#define XSTATE_LEGACY   3   /* x87 and SSE */
#define PAT_AT_POWER_ON UINT64_C(0x0007040600070406)

struct vcpu_state {
	bool saved;
	unsigned parts; /* bits, by index in parts[] */
	struct kvm_sregs sregs;
	struct kvm_lapic_state lapic;
	struct kvm_vcpu_events events;
	struct kvm_regs regs;
	struct kvm_xcrs xcrs;
	struct kvm_debugregs debugregs;
	uint32_t xsave[sizeof(struct kvm_xsave) / sizeof(uint32_t)];
	struct kvm_nested_state nested; /* the head: a new vCPU has no more */
};

struct power_on {
	struct vcpu_state vcpu[2]; /* the first, which boots; and any other */
	struct kvm_irqchip chip[NCHIPS];
};

/* In the order in which KVM wants them back: what runs inside a nested guest leaves it,
 * and the APIC's mode, which is in sregs, comes before its registers. */
static const struct part {
	unsigned long get, set;
	size_t offset;
	bool optional; /* not every host has it */
} parts[] = {
#define PART(name, member, optional)                                                     \
	{                                                                                \
		KVM_GET_##name, KVM_SET_##name, offsetof(struct vcpu_state, member),     \
			optional                                                         \
	}
	PART(NESTED_STATE, nested, true), PART(SREGS, sregs, false),
	PART(LAPIC, lapic, false),        PART(VCPU_EVENTS, events, false),
	PART(REGS, regs, false),          PART(XSAVE, xsave, false),
	PART(XCRS, xcrs, true),           PART(DEBUGREGS, debugregs, false),
};
#define NPARTS (sizeof(parts) / sizeof(parts[0]))

/* What is in none of the parts, and what it is at power-on. A stale one of KVM's own is
 * the worst: the host would write into the new guest's memory. The TSC goes on, and
 * TSC_ADJUST with it: set to 0 one by one they would differ between vCPUs. */
static const struct kvm_msr_entry msrs[] = {
	{ .index = 0x4b564d00 }, /* KVM: wall clock */
	{ .index = 0x4b564d01 }, /* system time */
	{ .index = 0x4b564d02 }, /* asynchronous page faults */
	{ .index = 0x4b564d03 }, /* steal time */
	{ .index = MSR_PV_EOI },
	{ .index = 0x4b564d05, .data = 1 }, /* halt-polling on the host */
	{ .index = 0x4b564d06 },            /* the page faults' interrupt */
	{ .index = 0x11 },                  /* the clocks by their old numbers */
	{ .index = 0x12 },
	{ .index = 0x6e0 }, /* TSC deadline */
	{ .index = 0x174 }, /* SYSENTER: CS, ESP, EIP */
	{ .index = 0x175 },
	{ .index = 0x176 },
	{ .index = 0xc0000081 }, /* SYSCALL: STAR, LSTAR, CSTAR, SFMASK */
	{ .index = 0xc0000082 },
	{ .index = 0xc0000083 },
	{ .index = 0xc0000084 },
	{ .index = 0xc0000102 }, /* the kernel's GS */
	{ .index = 0xc0000103 }, /* TSC_AUX */
	{ .index = 0x277, .data = PAT_AT_POWER_ON },
	{ .index = 0x2ff }, /* MTRRs: off */
	{ .index = 0x48 },  /* SPEC_CTRL */
	{ .index = 0xda0 }, /* XSS */
	{ .index = 0x1d9 }, /* DEBUGCTL */
	{ .index = 0x38f }, /* performance counters: global and fixed control */
	{ .index = 0x38d },
	{ .index = 0x3f1 }, /* where they write to: PEBS, DS area */
	{ .index = 0x600 },
	{ .index = 0xc0010200 }, /* those of AMD: event selects */
	{ .index = 0xc0010202 },
	{ .index = 0xc0010204 },
	{ .index = 0xc0010206 },
	{ .index = 0xc0010208 },
	{ .index = 0xc001020a },
};
#define NMSRS (sizeof(msrs) / sizeof(msrs[0]))

/* How many of the chips are KVM's. */
static uint32_t nchips(const struct vm *vm)
{
	return vm->arch->x2apic ? 0 : NCHIPS;
}

int power_on_save_vm(struct vm *vm)
{
	struct power_on *p = calloc(1, sizeof(*p));

	vm->arch->power_on = p;
	if (p == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < nchips(vm); i++) {
		p->chip[i].chip_id = i;
		if (ioctl(vm->vm_fd, KVM_GET_IRQCHIP, &p->chip[i]) < 0)
			return -errno;
	}
	return 0;
}

static struct vcpu_state *state_of(const struct vcpu *v)
{
	return &v->env->vm->arch->power_on->vcpu[v->index > 0];
}

int power_on_save_vcpu(const struct vcpu *v)
{
	struct vcpu_state *s = state_of(v);

	if (s->saved)
		return 0;
	s->nested.size = sizeof(s->nested);
	for (unsigned i = 0; i < NPARTS; i++) {
		if (ioctl(v->fd, parts[i].get, (char *)s + parts[i].offset) == 0)
			s->parts |= 1u << i;
		else if (!parts[i].optional)
			return -errno;
	}
	s->xsave[XSTATE_BV] |= XSTATE_LEGACY; /* else MXCSR may stay as it is */
	s->saved = true;
	return 0;
}

/* A host refuses those that it does not have: nothing is lost by going on behind them. */
static int put_msrs(const struct vcpu *v)
{
	_Alignas(struct kvm_msrs) unsigned char
		buf[sizeof(struct kvm_msrs) + sizeof(msrs)] = { 0 };
	struct kvm_msrs *m = (void *)buf;

	for (size_t at = 0; at < NMSRS; at++) {
		int n;

		m->nmsrs = (uint32_t)(NMSRS - at);
		memcpy(m->entries, msrs + at, (NMSRS - at) * sizeof(msrs[0]));
		n = ioctl(v->fd, KVM_SET_MSRS, m);
		if (n < 0)
			return -errno;
		at += (size_t)n;
	}
	return 0;
}

/* Where an APIC has it depends on its mode at power-on. */
static void set_apic_id(struct vcpu_state *s, const struct vcpu *v)
{
	uint32_t id = topology_apic_id(v->env->vm->topo, v->index)
		      << (v->env->vm->arch->x2apic ? 0 : 24);

	memcpy(s->lapic.regs + LAPIC_ID, &id, sizeof(id));
}

int arch_vcpu_reset(struct vcpu *v)
{
	struct kvm_mp_state mp = { .mp_state = v->index == 0
						       ? KVM_MP_STATE_RUNNABLE
						       : KVM_MP_STATE_UNINITIALIZED };
	struct vcpu_state *s = state_of(v);
	int err;

	set_apic_id(s, v);
	for (unsigned i = 0; i < NPARTS; i++)
		if ((s->parts & 1u << i) &&
		    ioctl(v->fd, parts[i].set, (char *)s + parts[i].offset) < 0)
			return -errno;
	err = put_msrs(v);
	if (err == 0 && ioctl(v->fd, KVM_SET_MP_STATE, &mp) < 0)
		err = -errno;
	return err;
}

int arch_vm_reset(struct vm *vm)
{
	struct power_on *p = vm->arch->power_on;

	for (uint32_t i = 0; i < nchips(vm); i++)
		if (ioctl(vm->vm_fd, KVM_SET_IRQCHIP, &p->chip[i]) < 0)
			return -errno;
	if (vm->arch->x2apic)
		ioapic_reset(&vm->arch->ioapic);
	atomic_store(&vm->arch->announces, false);
	return 0;
}
