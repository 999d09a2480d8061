#include "vmm/kvm/vcpu.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "vmm/kvm/arch.h"
#include "vmm/kvm/x86_64/cpuid.h"
#include "vmm/kvm/x86_64/power_on.h"
#include "vmm/kvm/x86_64/vm.h"

/* KVM puts a vCPU that is made while the VM runs into its map of APIC ids only when its
 * local APIC is set: without that, its INIT goes nowhere. */
static int enter_apic_map(const struct vcpu *v)
{
	struct kvm_lapic_state lapic;

	if (ioctl(v->fd, KVM_GET_LAPIC, &lapic) < 0 ||
	    ioctl(v->fd, KVM_SET_LAPIC, &lapic) < 0)
		return -errno;
	return 0;
}

/* Ids above 255 have no other mode: KVM would let such a vCPU answer to the low 8 bits of
 * its id, and take a start that is meant for the vCPU of that id. */
static int enter_x2apic(const struct vcpu *v)
{
	struct kvm_sregs s;

	if (ioctl(v->fd, KVM_GET_SREGS, &s) < 0)
		return -errno;
	s.apic_base |= X2APIC_ON;
	return ioctl(v->fd, KVM_SET_SREGS, &s) < 0 ? -errno : 0;
}

int arch_vcpu_init(struct vm *vm, struct vcpu *v)
{
	int err = 0;

	cpuid_make(vm->arch->cpuid, vm->topo, v->index, &vm->arch->choice);
	if (ioctl(v->fd, KVM_SET_CPUID2, vm->arch->cpuid) < 0)
		return -errno;
	if (vm->arch->x2apic)
		err = enter_x2apic(v);
	if (err == 0)
		err = enter_apic_map(v);
	return err < 0 ? err : power_on_save_vcpu(v);
}

/* As a CPU that is plugged: it comes out of power-on and waits for INIT. A guest may have
 * left it in a state in which KVM holds an INIT back, as in VMX operation. */
int arch_vcpu_rearm(struct vcpu *v)
{
	return arch_vcpu_reset(v);
}

/* KVM_RUN of a vCPU that waited for its INIT says EAGAIN when that came, or EINTR where a
 * signal came with it. On the vCPU's own thread this ioctl does not block. For a guest
 * that announces its CPUs the INIT is too early to say that one runs. */
bool arch_vcpu_woken(struct vcpu *v)
{
	struct kvm_mp_state mp;

	if (ioctl(v->fd, KVM_GET_MP_STATE, &mp) < 0 ||
	    mp.mp_state == KVM_MP_STATE_UNINITIALIZED)
		return false;
	cpuhp_started(v->env->cpuhp, v->index);
	if (!atomic_load(&v->env->vm->arch->announces))
		(void)cpuhp_runs(v->env->cpuhp, v->index, true);
	return true;
}

static void port_access(const struct vcpu *v)
{
	struct kvm_run *run = v->run;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;

	for (uint32_t i = 0; i < run->io.count; i++, data += run->io.size)
		bus_access(v->env->pio, run->io.port, data, run->io.size,
			   run->io.direction == KVM_EXIT_IO_OUT);
}

/* The guest's write, carried out for it. */
static bool write_msr(const struct vcpu *v, uint32_t index, uint64_t value)
{
	_Alignas(struct kvm_msrs) unsigned char
		buf[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)] = { 0 };
	struct kvm_msrs *msrs = (void *)buf;

	msrs->nmsrs = 1;
	msrs->entries[0].index = index;
	msrs->entries[0].data = value;
	return ioctl(v->fd, KVM_SET_MSRS, msrs) == 1;
}

static void msr_write(struct vcpu *v)
{
	struct kvm_run *run = v->run;
	bool on = run->msr.data & PV_EOI_ON;

	run->msr.error = !write_msr(v, run->msr.index, run->msr.data);
	if (run->msr.error || run->msr.index != MSR_PV_EOI)
		return;
	if (on)
		atomic_store(&v->env->vm->arch->announces, true);
	(void)cpuhp_runs(v->env->cpuhp, v->index, on);
}

int arch_vcpu_exit(struct vcpu *v)
{
	switch (v->run->exit_reason) {
	case KVM_EXIT_IO:
		port_access(v);
		return 0;
	case KVM_EXIT_X86_WRMSR:
		msr_write(v);
		return 0;
	case KVM_EXIT_IOAPIC_EOI:
		ioapic_eoi(&v->env->vm->arch->ioapic, v->run->eoi.vector);
		return 0;
	default:
		return -ENOSYS;
	}
}
