#include "devices/x86_64/ioapic.h"

#include <errno.h>

#include "devices/bus.h"

#define SELECT 0x00
#define WINDOW 0x10

#define REG_ID       0
#define REG_VERSION  1
#define REG_ARB      2
#define REG_ENTRIES  0x10
#define CHIP_VERSION (0x11 | (IOAPIC_PINS - 1) << 16)
#define ID_MASK      UINT32_C(0x0f000000)

#define VECTOR(entry)   ((uint8_t)(entry))
#define DELIVERY(entry) ((uint32_t)(entry)&0x700)
#define LOGICAL         UINT64_C(0x800)
#define PENDING         UINT64_C(0x1000) /* read only; a message is delivered at once */
#define REMOTE_IRR                                                                       \
	UINT64_C(0x4000) /* read only: a level one was sent and has not ended */
#define LEVEL  UINT64_C(0x8000)
#define MASKED UINT64_C(0x10000)

#define MSI_ADDRESS UINT64_C(0xfee00000)
#define MSI_LOGICAL UINT64_C(0x4)
#define MSI_LEVEL   UINT32_C(0xc000) /* and asserted */

static uint32_t destination(uint64_t entry)
{
	return (uint32_t)(entry >> 56) | (uint32_t)(entry >> 49 & 0x7f) << 8;
}

static struct ioapic_message message(uint64_t entry)
{
	uint64_t to = destination(entry);

	return (struct ioapic_message){
		.address = MSI_ADDRESS | (to & 0xff) << 12 | to >> 8 << 40 |
			   ((entry & LOGICAL) ? MSI_LOGICAL : 0),
		.data = VECTOR(entry) | DELIVERY(entry) |
			((entry & LEVEL) ? MSI_LEVEL : 0),
	};
}

static void send_locked(struct ioapic *a, uint64_t *entry) HOLDS(a->lock, RANK_IOAPIC)
{
	struct ioapic_message msg = message(*entry);

	if (a->out.send(a->out.ctx, &msg) && (*entry & LEVEL))
		*entry |= REMOTE_IRR;
}

/* A level pin whose line is high interrupts, once until that has ended; and not before it
 * is known that its end comes to us. */
static void serve_locked(struct ioapic *a, uint32_t pin) HOLDS(a->lock, RANK_IOAPIC)
{
	if (a->untold == 0 && (a->s.lines >> pin & 1) &&
	    (a->s.entry[pin] & (LEVEL | MASKED | REMOTE_IRR)) == LEVEL)
		send_locked(a, &a->s.entry[pin]);
}

/* What of an entry says which interrupts' ends matter; 0: none does. */
static uint64_t to_watch(uint64_t entry)
{
	return (entry & LEVEL) && VECTOR(entry) != 0
		       ? entry & ~(PENDING | REMOTE_IRR | MASKED)
		       : 0;
}

/* Whether msg is another list than was told last. */
static bool list_locked(struct ioapic *a, struct ioapic_message msg[IOAPIC_PINS])
	HOLDS(a->lock, RANK_IOAPIC)
{
	bool changed = false;

	for (uint32_t i = 0; i < IOAPIC_PINS; i++) {
		uint64_t now = to_watch(a->s.entry[i]);

		changed = changed || now != a->watched[i];
		a->watched[i] = now;
		msg[i] = message(now);
	}
	return changed;
}

/* Tells of a change that was counted as untold. Those who set lines do not wait for
 * it. */
static void tell(struct ioapic *a) NOT_HOLDING(FROM_IOAPIC_TELLING)
{
	struct ioapic_message msg[IOAPIC_PINS];
	bool changed;

	mtx_lock_at(&a->telling, &RANK_IOAPIC_TELLING);
	mtx_lock_at(&a->lock, &RANK_IOAPIC);
	changed = list_locked(a, msg);
	mtx_unlock_at(&a->lock, &RANK_IOAPIC);
	if (changed)
		a->out.watch(a->out.ctx, msg);
	mtx_lock_at(&a->lock, &RANK_IOAPIC);
	a->untold--;
	for (uint32_t i = 0; i < IOAPIC_PINS; i++)
		serve_locked(a, i);
	mtx_unlock_at(&a->lock, &RANK_IOAPIC);
	mtx_unlock_at(&a->telling, &RANK_IOAPIC_TELLING);
}

static void power_on_locked(struct ioapic *a) HOLDS(a->lock, RANK_IOAPIC)
{
	a->s.selected = 0;
	a->s.id = 0;
	a->s.lines = 0;
	for (uint32_t i = 0; i < IOAPIC_PINS; i++)
		a->s.entry[i] = MASKED;
}

void ioapic_init(struct ioapic *a, const struct ioapic_out *out)
{
	*a = (struct ioapic){ .out = *out, .telling = MTX_INIT, .lock = MTX_INIT };
	mtx_lock_at(&a->lock, &RANK_IOAPIC);
	power_on_locked(a);
	mtx_unlock_at(&a->lock, &RANK_IOAPIC);
}

void ioapic_reset(struct ioapic *a)
{
	mtx_lock_at(&a->lock, &RANK_IOAPIC);
	power_on_locked(a);
	a->untold++;
	mtx_unlock_at(&a->lock, &RANK_IOAPIC);
	tell(a);
}

void ioapic_set_line(struct ioapic *a, uint32_t pin, bool level)
{
	uint32_t bit = UINT32_C(1) << pin;
	bool rises;

	mtx_lock_at(&a->lock, &RANK_IOAPIC);
	rises = level && !(a->s.lines & bit);
	a->s.lines = level ? a->s.lines | bit : a->s.lines & ~bit;
	if (a->s.entry[pin] & LEVEL)
		serve_locked(a, pin);
	else if (rises && !(a->s.entry[pin] & MASKED))
		send_locked(a, &a->s.entry[pin]);
	mtx_unlock_at(&a->lock, &RANK_IOAPIC);
}

void ioapic_eoi(struct ioapic *a, uint8_t vector)
{
	mtx_lock_at(&a->lock, &RANK_IOAPIC);
	for (uint32_t i = 0; i < IOAPIC_PINS; i++)
		if ((a->s.entry[i] & REMOTE_IRR) && VECTOR(a->s.entry[i]) == vector) {
			a->s.entry[i] &= ~REMOTE_IRR;
			serve_locked(a, i);
		}
	mtx_unlock_at(&a->lock, &RANK_IOAPIC);
}

/* Index of the selected register's entry, or IOAPIC_PINS. */
static uint32_t selected_pin(const struct ioapic *a)
{
	uint32_t reg = a->s.selected;

	return reg >= REG_ENTRIES && (reg - REG_ENTRIES) / 2 < IOAPIC_PINS
		       ? (reg - REG_ENTRIES) / 2
		       : IOAPIC_PINS;
}

static uint32_t read_locked(const struct ioapic *a) HOLDS(a->lock, RANK_IOAPIC)
{
	uint32_t pin = selected_pin(a);

	if (pin < IOAPIC_PINS)
		return (uint32_t)(a->s.entry[pin] >> (a->s.selected % 2 * 32));
	if (a->s.selected == REG_VERSION)
		return CHIP_VERSION;
	return a->s.selected == REG_ID || a->s.selected == REG_ARB ? a->s.id : 0;
}

/* An edge entry has no interrupt to end: guests without an EOI register end one by a
 * change to edge and back. Returns whether there is something to tell. */
static bool write_locked(struct ioapic *a, uint32_t value) HOLDS(a->lock, RANK_IOAPIC)
{
	const uint64_t fixed = PENDING | REMOTE_IRR, low = UINT32_MAX;
	uint32_t pin = selected_pin(a);
	uint64_t *entry = &a->s.entry[pin < IOAPIC_PINS ? pin : 0];

	if (pin == IOAPIC_PINS) {
		if (a->s.selected == REG_ID)
			a->s.id = value & ID_MASK;
		return false;
	}
	if (a->s.selected % 2)
		*entry = (*entry & low) | (uint64_t)value << 32;
	else
		*entry = (*entry & (~low | fixed)) | (value & ~fixed);
	if (!(*entry & LEVEL))
		*entry &= ~REMOTE_IRR;
	if (to_watch(*entry) != a->watched[pin]) {
		a->untold++;
		return true;
	}
	serve_locked(a, pin);
	return false;
}

void ioapic_access(void *dev, uint64_t offset, uint8_t *data, uint32_t len, bool write)
{
	struct ioapic *a = dev;
	uint32_t value = 0;
	bool news = false;

	mtx_lock_at(&a->lock, &RANK_IOAPIC);
	if (offset == SELECT && write)
		a->s.selected = data[0];
	else if (offset == SELECT)
		value = a->s.selected;
	else if (offset == WINDOW && write)
		news = write_locked(a, (uint32_t)bus_get(data, len));
	else if (offset == WINDOW)
		value = read_locked(a);
	mtx_unlock_at(&a->lock, &RANK_IOAPIC);
	if (news)
		tell(a);
	if (!write)
		bus_put(data, len, value);
}

void ioapic_save(struct ioapic *a, struct ioapic_state *out)
{
	mtx_lock_at(&a->lock, &RANK_IOAPIC);
	*out = a->s;
	mtx_unlock_at(&a->lock, &RANK_IOAPIC);
}

static bool entry_can_be(uint64_t entry)
{
	return !(entry & PENDING) && (!(entry & REMOTE_IRR) || (entry & LEVEL));
}

static bool can_be(const struct ioapic_state *s)
{
	for (uint32_t i = 0; i < IOAPIC_PINS; i++)
		if (!entry_can_be(s->entry[i]))
			return false;
	return (s->id & ~ID_MASK) == 0 && s->lines >> IOAPIC_PINS == 0 &&
	       s->selected <= UINT8_MAX && s->reserved == 0;
}

int ioapic_load(struct ioapic *a, const struct ioapic_state *in)
{
	if (!can_be(in))
		return -EINVAL;
	mtx_lock_at(&a->lock, &RANK_IOAPIC);
	a->s = *in;
	a->untold++;
	mtx_unlock_at(&a->lock, &RANK_IOAPIC);
	tell(a);
	return 0;
}
