#include "vmm/kvm/x86_64/vm.h"

#include <cpuid.h>
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "devices/power.h"
#include "devices/uart.h"
#include "acpi/layout.h"
#include "vmm/config/refusal.h"
#include "vmm/config/spec.h"
#include "vmm/kvm/arch.h"
#include "vmm/kvm/x86_64/cpuid.h"
#include "vmm/kvm/x86_64/power_on.h"

/* Pages that Intel hosts need, at the end of the hole. */
#define IDENTITY_MAP UINT64_C(0xfffbc000)
#define TSS          0xfffbd000

#define CPUID_FIRST_TRY 64
#define CPUID_LIMIT     1024
#define ID_8BIT_MAX     254
#define X2APIC_FLAGS                                                                     \
	(KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)

#define MSR_PV_FIRST 0x4b564d00
#define MSR_PV_COUNT 8

static bool has(const struct vm *vm, int cap)
{
	return ioctl(vm->vm_fd, KVM_CHECK_EXTENSION, cap) > 0;
}

static int enable(const struct vm *vm, uint32_t cap, uint64_t arg)
{
	struct kvm_enable_cap c = { .cap = cap, .args = { arg } };

	return ioctl(vm->vm_fd, KVM_ENABLE_CAP, &c) < 0 ? -errno : 0;
}

/* Some hosts keep a table by id: no longer than this VM can need. */
static void limit_ids(const struct vm *vm)
{
	uint32_t last = topology_vcpu_id(vm->topo, vm->topo->max_vcpus - 1);

	(void)enable(vm, KVM_CAP_MAX_VCPU_ID, (uint64_t)last + 1);
}

static int read_cpuid(struct vm *vm)
{
	for (uint32_t n = CPUID_FIRST_TRY; n <= CPUID_LIMIT; n *= 2) {
		struct kvm_cpuid2 *c =
			calloc(1, sizeof(*c) + (n + CPUID_EXTRA) * sizeof(c->entries[0]));

		if (c == NULL)
			return -ENOMEM;
		c->nent = n;
		if (ioctl(vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, c) == 0) {
			vm->arch->cpuid = c;
			return 0;
		}
		free(c);
		if (errno != E2BIG)
			return -errno;
	}
	return -E2BIG;
}

/* Writes of MSR_PV_EOI leave KVM. A host that cannot do it costs only precision. */
static void set_msr_filter(const struct vm *vm)
{
	/* KVM reads whole longs of it. */
	uint64_t allowed = ~(UINT64_C(1) << (MSR_PV_EOI - MSR_PV_FIRST));
	struct kvm_msr_filter filter = {
		.flags = KVM_MSR_FILTER_DEFAULT_ALLOW,
		.ranges[0] = {
			.flags = KVM_MSR_FILTER_WRITE,
			.base = MSR_PV_FIRST,
			.nmsrs = MSR_PV_COUNT,
			.bitmap = (uint8_t *)&allowed,
		},
	};

	if (enable(vm, KVM_CAP_X86_USER_SPACE_MSR, KVM_MSR_EXIT_REASON_FILTER) == 0)
		(void)ioctl(vm->vm_fd, KVM_X86_SET_MSR_FILTER, &filter);
}

static bool send_message(void *ctx, const struct ioapic_message *msg)
{
	const struct vm *vm = ctx;
	struct kvm_msi msi = { .address_lo = (uint32_t)msg->address,
			       .address_hi = (uint32_t)(msg->address >> 32),
			       .data = msg->data };

	return ioctl(vm->vm_fd, KVM_SIGNAL_MSI, &msi) > 0;
}

/* KVM looks at a pin's route only to know whose end of interrupt leaves it. A host that
 * has no memory for them keeps those that it had. */
static void watch_messages(void *ctx, const struct ioapic_message *msg)
{
	_Alignas(struct kvm_irq_routing) unsigned char
		buf[sizeof(struct kvm_irq_routing) +
		    IOAPIC_PINS * sizeof(struct kvm_irq_routing_entry)] = { 0 };
	struct kvm_irq_routing *routes = (void *)buf;
	const struct vm *vm = ctx;

	for (uint32_t i = 0; i < IOAPIC_PINS; i++) {
		struct kvm_irq_routing_entry *e = &routes->entries[routes->nr];

		if (msg[i].data == 0)
			continue;
		e->gsi = i;
		e->type = KVM_IRQ_ROUTING_MSI;
		e->u.msi.address_lo = (uint32_t)msg[i].address;
		e->u.msi.address_hi = (uint32_t)(msg[i].address >> 32);
		e->u.msi.data = msg[i].data;
		routes->nr++;
	}
	(void)ioctl(vm->vm_fd, KVM_SET_GSI_ROUTING, routes);
}

/* The host CPU's name, EAX to EDX of the leaves that hold it. */
static void read_model(uint32_t name[12])
{
	for (size_t i = 0; i < 3; i++)
		(void)__get_cpuid(0x80000002 + (unsigned)i, &name[4 * i],
				  &name[4 * i + 1], &name[4 * i + 2], &name[4 * i + 3]);
}

/* The lines end at the IOAPIC alone. KVM's 8259s, which no table names, would have them
 * too, and a guest without an IOAPIC driver (nosmp) took vector 4 for an overflow. */
static int route_lines(struct vm *vm)
{
	_Alignas(struct kvm_irq_routing) unsigned char
		buf[sizeof(struct kvm_irq_routing) +
		    IOAPIC_PINS * sizeof(struct kvm_irq_routing_entry)] = { 0 };
	struct kvm_irq_routing *routes = (void *)buf;

	routes->nr = IOAPIC_PINS;
	for (uint32_t i = 0; i < IOAPIC_PINS; i++) {
		struct kvm_irq_routing_entry *e = &routes->entries[i];

		e->gsi = i;
		e->type = KVM_IRQ_ROUTING_IRQCHIP;
		e->u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		e->u.irqchip.pin = i;
	}
	return ioctl(vm->vm_fd, KVM_SET_GSI_ROUTING, routes) < 0 ? -errno : 0;
}

/* KVM's own IOAPIC; or for ids above 254 ours. */
static int make_irqchip(struct vm *vm)
{
	const struct ioapic_out out = { send_message, watch_messages, vm };
	uint64_t map = IDENTITY_MAP;

	if (ioctl(vm->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &map) < 0 ||
	    ioctl(vm->vm_fd, KVM_SET_TSS_ADDR, TSS) < 0)
		return -errno;
	if (!vm->arch->x2apic)
		return ioctl(vm->vm_fd, KVM_CREATE_IRQCHIP, 0) < 0 ? -errno
								   : route_lines(vm);
	ioapic_init(&vm->arch->ioapic, &out);
	return enable(vm, KVM_CAP_SPLIT_IRQCHIP, IOAPIC_PINS);
}

void arch_host_limits(int kvm_fd, struct host_limits *limits)
{
	(void)kvm_fd;
	limits->boot_only = false;
}

unsigned long arch_vm_type(int kvm_fd)
{
	(void)kvm_fd;
	return 0;
}

int arch_vm_init(struct vm *vm, struct text *why)
{
	int err;

	vm->arch = calloc(1, sizeof(*vm->arch));
	if (vm->arch == NULL)
		return text_set(why, -ENOMEM, "no memory for the VM");
	vm->arch->choice.nested = vm->nested;
	vm->arch->choice.tsc_deadline = has(vm, KVM_CAP_TSC_DEADLINE_TIMER);
	read_model(vm->arch->choice.model);
	limit_ids(vm);
	vm->arch->x2apic = topology_max_apic_id(vm->topo) > ID_8BIT_MAX;
	err = vm->arch->x2apic ? enable(vm, KVM_CAP_X2APIC_API, X2APIC_FLAGS) : 0;
	if (err < 0)
		return text_set(
			why, err,
			"KVM on this host cannot have APIC ids above %d (x2APIC API); "
			"ask for a lower maxSockets",
			ID_8BIT_MAX);
	err = make_irqchip(vm);
	if (err < 0)
		return text_set(why, err, "KVM cannot make the interrupt controllers: %s",
				text_errno(-err));
	set_msr_filter(vm);
	err = read_cpuid(vm);
	if (err < 0)
		return text_set(why, err, "KVM does not tell its CPUID: %s",
				text_errno(-err));
	err = power_on_save_vm(vm);
	if (err < 0)
		return text_set(why, err, "KVM does not tell its state at power-on: %s",
				text_errno(-err));
	if (vm->nested && !cpuid_has_nested(vm->arch->cpuid))
		return text_set(why, -EOPNOTSUPP, refuse_nested_host);
	return 0;
}

uint32_t arch_first_vcpus(const struct topology *t, uint32_t boot)
{
	(void)t;
	return boot;
}

int arch_vm_complete(struct vm *vm, struct text *why)
{
	(void)vm;
	(void)why;
	return 0;
}

void arch_vm_destroy(struct vm *vm)
{
	if (vm->arch == NULL)
		return;
	free(vm->arch->cpuid);
	power_on_destroy(vm->arch->power_on);
	free(vm->arch);
	vm->arch = NULL;
}

int arch_add_devices(struct vm *vm, struct bus *pio, struct bus *mmio, struct uart *uart,
		     struct power *power)
{
	int err = bus_add(pio, UART_BASE, UART_LEN, uart_access, uart);

	if (err == 0 && vm->arch->x2apic)
		err = bus_add(mmio, IOAPIC_BASE, IOAPIC_LEN, ioapic_access,
			      &vm->arch->ioapic);
	if (err == 0)
		err = bus_add(pio, 0x64, 1, power_kbd_access, power);
	if (err == 0)
		err = bus_add(pio, 0xcf9, 1, power_cf9_access, power);
	return err;
}

int arch_set_irq(const struct vm *vm, uint32_t intr, bool level)
{
	struct kvm_irq_level irq = { .irq = intr, .level = level };

	if (vm->arch->x2apic) {
		ioapic_set_line(&vm->arch->ioapic, intr, level);
		return 0;
	}
	return ioctl(vm->vm_fd, KVM_IRQ_LINE, &irq) < 0 ? -errno : 0;
}
