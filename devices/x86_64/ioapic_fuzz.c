/* Any accesses of the guest, any lines and any ends, in any order (fuzz_fixture.h): a
 * twin that is saved and loaded anew before each step reads, sends and tells the same; a
 * state from elsewhere is refused or is one that can be. */
#include "devices/x86_64/ioapic.h"

#include "devices/fuzz_fixture.h"

#define WINDOW 0x10

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct rig {
	struct ioapic a;
	bool loading;
	unsigned sent;
	struct ioapic_message last, watched[IOAPIC_PINS];
	uint64_t read;
};

/* Some CPUs are not there, and stay so. What nobody took may be offered again by a
 * load. */
static bool take(void *ctx, const struct ioapic_message *msg)
{
	struct rig *r = ctx;
	bool there = (msg->address >> 12 & 7) != 7;

	MUST(!r->loading || !there);
	if (there) {
		r->sent++;
		r->last = *msg;
	}
	return there;
}

static void watch(void *ctx, const struct ioapic_message *msg)
{
	struct rig *r = ctx;

	memcpy(r->watched, msg, sizeof(r->watched));
}

static void do_select(struct rig *r, const uint8_t *a)
{
	put(ioapic_access, &r->a, 0, 1, byte(a));
}

static void select_entry(struct rig *r, unsigned arg, unsigned half)
{
	put(ioapic_access, &r->a, 0, 1, WINDOW + 2 * arg + half);
}

/* Low half: level and mask by the bits of one argument, one of 16 vectors. */
static void do_low(struct rig *r, const uint8_t *a)
{
	uint32_t low = (a[1] & 1 ? 0x8000u : 0) | (a[1] & 2 ? 0x10000u : 0) |
		       (a[1] & 4 ? 0x900u : 0) | (a[1] & 8 ? 0x5000u : 0);

	select_entry(r, a[0], 0);
	put(ioapic_access, &r->a, WINDOW, 4, low | 0x30u | a[2]);
}

static void do_high(struct rig *r, const uint8_t *a)
{
	select_entry(r, a[0], 1);
	put(ioapic_access, &r->a, WINDOW, 4, (uint32_t)a[1] << 24 | (uint32_t)a[2] << 17);
}

static void do_write(struct rig *r, const uint8_t *a)
{
	put(ioapic_access, &r->a, a[0] & 1 ? WINDOW : a[0], width(a[1]),
	    UINT64_C(0x0101010101010101) * byte(a + 2));
}

static void do_read(struct rig *r, const uint8_t *a)
{
	r->read = get(ioapic_access, &r->a, a[0] & 1 ? WINDOW : a[0], width(a[1]));
}

static void do_line(struct rig *r, const uint8_t *a)
{
	ioapic_set_line(&r->a, a[0], a[1] & 1);
}

static void do_eoi(struct rig *r, const uint8_t *a)
{
	ioapic_eoi(&r->a, (uint8_t)(0x30 | a[0]));
}

static void do_reset(struct rig *r, const uint8_t *a)
{
	(void)a;
	ioapic_reset(&r->a);
}

/* Of what was saved one byte is another. */
static void do_foreign(struct rig *r, const uint8_t *a)
{
	struct ioapic_state was, s, is;

	ioapic_save(&r->a, &was);
	s = was;
	((unsigned char *)&s)[byte(a) % sizeof(s)] ^= byte(a + 2);
	if (ioapic_load(&r->a, &s) < 0)
		s = was;
	ioapic_save(&r->a, &is);
	for (unsigned i = 0; i < IOAPIC_PINS; i++) /* what was due was sent */
		MUST((is.entry[i] & ~s.entry[i] & ~UINT64_C(0x4000)) == 0 &&
		     (s.entry[i] & ~is.entry[i]) == 0);
	MUST(memcmp(&is.id, &s.id, sizeof(s) - offsetof(struct ioapic_state, id)) == 0);
}

static const struct step {
	char letter;
	unsigned char args;
	void (*fn)(struct rig *r, const uint8_t *a);
} steps[] = {
	{ 's', 2, do_select }, { 'l', 3, do_low },   { 'h', 3, do_high },
	{ 'w', 4, do_write },  { 'r', 2, do_read },  { 'L', 2, do_line },
	{ 'e', 1, do_eoi },    { 'z', 0, do_reset }, { 'x', 4, do_foreign },
};
#define NSTEPS (sizeof(steps) / sizeof(steps[0]))

static void make(struct rig *r)
{
	const struct ioapic_out out = { take, watch, r };

	memset(r->watched, 0, sizeof(r->watched));
	ioapic_init(&r->a, &out);
}

static void move(struct rig *r)
{
	struct ioapic_state s;

	ioapic_save(&r->a, &s);
	make(r);
	r->loading = true;
	MUST(ioapic_load(&r->a, &s) == 0);
	r->loading = false;
}

static bool is_same_list(const struct rig *r, const struct rig *twin)
{
	for (unsigned i = 0; i < IOAPIC_PINS; i++)
		if (r->watched[i].data != twin->watched[i].data ||
		    (r->watched[i].data != 0 &&
		     r->watched[i].address != twin->watched[i].address))
			return false;
	return true;
}

static void check(struct rig *r, struct rig *twin)
{
	struct ioapic_state a, b;

	ioapic_save(&r->a, &a);
	ioapic_save(&twin->a, &b);
	MUST(memcmp(&a, &b, sizeof(a)) == 0);
	MUST(r->sent == twin->sent && r->read == twin->read);
	MUST(r->last.address == twin->last.address && r->last.data == twin->last.data);
	MUST(is_same_list(r, twin));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rig r, twin;
	uint8_t a[STEP_ARGS];

	memset(&r, 0, sizeof(r));
	memset(&twin, 0, sizeof(twin));
	make(&r);
	make(&twin);
	for (const uint8_t *p = data, *end = data + size; p < end;) {
		const struct step *step = steps;

		while (step < steps + NSTEPS && step->letter != (char)*p)
			step++;
		p++;
		if (step == steps + NSTEPS)
			continue;
		if (end - p < step->args)
			break;
		take_args(a, p, step->args);
		step->fn(&r, a);
		move(&twin);
		step->fn(&twin, a);
		check(&r, &twin);
		p += step->args;
	}
	return 0;
}
