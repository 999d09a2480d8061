#ifndef DEVICES_X86_64_IOAPIC_H
#define DEVICES_X86_64_IOAPIC_H
/* ioapic: an I/O APIC (82093AA) whose entries name CPUs by 15 bits. KVM's own knows 8,
 * and would give what is meant for CPU 287 to CPU 31, or to nobody.
 *
 *   offset  register
 *   0x00    select: index of the register behind the window
 *   0x10    window: 0 id, 1 version, 2 arbitration, 0x10 + 2n and 0x11 + 2n the entry of
 *           pin n
 *
 * An entry's bits 55:49 are bits 14:8 of the destination, as KVM_FEATURE_MSI_EXT_DEST_ID
 * promises the guest. An interrupt leaves as a message, and a level one's end comes back
 * by ioapic_eoi(). */

#include <stdbool.h>
#include <stdint.h>

#include "devices/mtx.h"

#define IOAPIC_LEN  0x20
#define IOAPIC_PINS 24

/* As KVM takes it: the destination's bits 31:8 are the address's bits 63:40. */
struct ioapic_message {
	uint64_t address;
	uint32_t data; /* 0: no message */
};

/* What it needs. */
struct ioapic_out {
	/* Delivers a message; whether some CPU took it. Any thread, with the lock held:
	 * must not block, nor come back here. */
	bool (*send)(void *ctx, const struct ioapic_message *msg);
	/* The level pins' messages, all IOAPIC_PINS, differ from those told last: the end
	 * of such an interrupt is to come to ioapic_eoi(). The vCPU thread whose guest
	 * changed them, or whoever resets, without the lock: it may take its time, and
	 * until it returns no level interrupt leaves. */
	void (*watch)(void *ctx, const struct ioapic_message *msg);
	void *ctx;
};

/* What it is, as plain data that can be saved. */
struct ioapic_state {
	uint64_t entry[IOAPIC_PINS];
	uint32_t id;
	uint32_t lines; /* levels, by pin */
	uint32_t selected;
	uint32_t reserved;
};

struct ioapic {
	struct ioapic_out out; /* constant */
	struct mtx telling;    /* one watch() at a time; taken before the lock */

	struct mtx lock; /* guards the fields from here on */
	unsigned untold; /* changes that watch() has not returned from */
	struct ioapic_state s;
	uint64_t watched[IOAPIC_PINS]; /* entries as told last; 0: none */
};

/* Every pin masked, every line low. */
void ioapic_init(struct ioapic *a, const struct ioapic_out *out);
void ioapic_reset(struct ioapic *a) NOT_HOLDING(FROM_IOAPIC_TELLING); /* no vCPU runs */

/* Level of a pin below IOAPIC_PINS. Any thread. */
void ioapic_set_line(struct ioapic *a, uint32_t pin, bool level) NOT_HOLDING(FROM_IOAPIC);

/* Some CPU has ended a level interrupt of this vector. Any vCPU thread. */
void ioapic_eoi(struct ioapic *a, uint8_t vector) NOT_HOLDING(FROM_IOAPIC);

/* Bus access, a bus_fn; dev is the ioapic. */
void ioapic_access(void *dev, uint64_t offset, uint8_t *data, uint32_t len, bool write);

/* No vCPU runs. To load sends what is due, and tells the list where it differs; it comes
 * after the CPUs that are to take the messages, and before the devices whose lines it
 * has. 0; or -EINVAL, and nothing is changed, for what no I/O APIC can be. */
void ioapic_save(struct ioapic *a, struct ioapic_state *out) NOT_HOLDING(FROM_IOAPIC);
int ioapic_load(struct ioapic *a, const struct ioapic_state *in) NOT_HOLDING(FROM_IOAPIC);

#endif
