/* Any steps of guest and host, in any order: what must hold holds after each. An input is
 * a text, so that it can be read and written by hand. Its first byte says by its lowest
 * bit whether the guest's own ejects are accepted; then come letters, each with as many
 * bytes of arguments as steps[] says. A byte that is no step's letter is skipped. Of an
 * argument the low four bits count: '0' to '9' are 0 to 9, ':' to '?' are 10 to 15. */
#include "devices/cpuhp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acpi/layout.h"
#include "devices/bus.h"

#define NCPUS 12 /* 2 sockets x 3 cores x 2 threads: APIC ids with holes */

#define MUST(holds)                                                                      \
	do {                                                                             \
		if (!(holds)) {                                                          \
			(void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, \
				      #holds);                                           \
			abort();                                                         \
		}                                                                        \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct rig {
	struct topology topo;
	struct ged ged;
	struct cpuhp hp;
	bool line;
	unsigned wakes;
	struct cpuhp_slot before[NCPUS]; /* the slots before this step */
	uint32_t selector;               /* and the selector */
	uint64_t ignored;
};

static void set_line(void *ctx, bool level)
{
	struct rig *r = ctx;

	MUST(r->line != level);
	r->line = level;
}

static void wake(void *ctx)
{
	((struct rig *)ctx)->wakes++;
}

static bool is_enabled(const struct cpuhp_slot *s)
{
	return s->state != SLOT_ABSENT && s->state != SLOT_EJECTED;
}

/* --- what the guest can do
 * ---------------------------------------------------------------- */

static uint32_t width(unsigned arg)
{
	return 1u << (arg & 3);
}

static uint64_t get(bus_fn fn, void *dev, uint64_t offset, uint32_t len)
{
	uint8_t data[9];

	memset(data, 0xaa, sizeof(data));
	fn(dev, offset, data, len, false);
	MUST(data[len] == 0xaa);
	return bus_get(data, len);
}

static void put(bus_fn fn, void *dev, uint64_t offset, uint32_t len, uint64_t v)
{
	uint8_t data[8];

	bus_put(data, len, v);
	fn(dev, offset, data, len, true);
}

/* Values that mean something somewhere, and some that do not. */
static uint32_t value(unsigned arg)
{
	static const uint32_t values[16] = {
		0,    1,    2,     3,    4,    8,    15,         OST_GUEST_EJECT,
		0x80, 0x81, NCPUS, 0x83, 0x84, 0xff, 0x12345678, 0xffffffff,
	};

	return values[arg];
}

static void do_select(struct rig *r, const uint8_t *a)
{
	put(cpuhp_access, &r->hp, CPUHP_SELECTOR, 4, a[0] < 14 ? a[0] : value(a[0]));
}

static void do_command(struct rig *r, const uint8_t *a)
{
	put(cpuhp_access, &r->hp, CPUHP_COMMAND, 1, a[0]);
}

static void do_control(struct rig *r, const uint8_t *a)
{
	put(cpuhp_access, &r->hp, CPUHP_CONTROL, 1, a[0]);
}

static void do_data(struct rig *r, const uint8_t *a)
{
	put(cpuhp_access, &r->hp, CPUHP_DATA, 4, value(a[0]));
}

static void do_ost(struct rig *r, const uint8_t *a)
{
	put(cpuhp_access, &r->hp, CPUHP_OST, 8,
	    (uint64_t)value(a[1]) << 32 | value(a[0]));
}

static void do_write(struct rig *r, const uint8_t *a)
{
	put(cpuhp_access, &r->hp, a[0], width(a[1]),
	    (uint64_t)value(a[2]) << 32 | value(a[3]));
}

static void do_read(struct rig *r, const uint8_t *a)
{
	uint64_t v = get(cpuhp_access, &r->hp, a[0], width(a[1]));

	MUST(v >> 31 >> 1 == 0);
	MUST(r->hp.selector < NCPUS || v == 0);
}

static void do_ged_write(struct rig *r, const uint8_t *a)
{
	put(ged_access, &r->ged, a[0], width(a[1]), value(a[2]));
}

static void do_ged_read(struct rig *r, const uint8_t *a)
{
	uint64_t v = get(ged_access, &r->ged, a[0], width(a[1]));

	MUST(v == 0 || (a[0] == 0 && v == r->ged.pending));
}

/* A guest that takes the interrupt over and over. */
static void do_storm(struct rig *r, const uint8_t *a)
{
	for (int i = 0; i < a[0] * 100; i++)
		(void)get(ged_access, &r->ged, 0, 4);
}

static void do_run(struct rig *r, const uint8_t *a)
{
	cpuhp_runs(&r->hp, a[0] % NCPUS, true);
}

static void do_stop(struct rig *r, const uint8_t *a)
{
	cpuhp_runs(&r->hp, a[0] % NCPUS, false);
}

/* --- what the host does: what the contracts of cpuhp.h allow
 * ------------------------------- */

/* One CPU, or two where the arguments differ. */
static size_t pair(const uint8_t *a, uint32_t index[2])
{
	index[0] = a[0] % NCPUS;
	index[1] = a[1] % NCPUS;
	return index[0] == index[1] ? 1 : 2;
}

static void do_plug(struct rig *r, const uint8_t *a)
{
	uint32_t index[2];
	size_t n = pair(a, index);

	for (size_t i = 0; i < n; i++) {
		struct cpuhp_slot s = cpuhp_get(&r->hp, index[i]);

		if (s.state != SLOT_ABSENT || s.ost_due)
			return;
	}
	cpuhp_plug(&r->hp, index, n);
}

/* Never of the boot CPU. */
static void do_unplug(struct rig *r, const uint8_t *a)
{
	uint32_t index[2];
	size_t n = pair(a, index);
	bool unseen = true;

	if (index[0] == 0 || index[1] == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		const struct cpuhp_slot *s = &r->before[index[i]];

		unseen = unseen && s->state == SLOT_PLUGGED && s->seen_ns == 0 &&
			 s->acked_ns == 0;
	}
	MUST((cpuhp_unplug(&r->hp, index, n) == 0) == unseen);
}

static void do_ask(struct rig *r, const uint8_t *a)
{
	uint32_t index[2];
	size_t n = pair(a, index);

	cpuhp_ask_removal(&r->hp, index, n);
}

static void do_withdraw(struct rig *r, const uint8_t *a)
{
	uint32_t index[2];
	size_t n = pair(a, index);

	cpuhp_withdraw_removal(&r->hp, index, n);
}

static void do_remind(struct rig *r, const uint8_t *a)
{
	uint32_t index[2];
	size_t n = pair(a, index);

	cpuhp_remind(&r->hp, index, n);
}

static void do_park(struct rig *r, const uint8_t *a)
{
	uint32_t index;

	(void)a;
	if (!cpuhp_next_ejected(&r->hp, &index))
		return;
	MUST(r->before[index].state == SLOT_EJECTED);
	cpuhp_park(&r->hp, index);
}

static void do_forgive(struct rig *r, const uint8_t *a)
{
	cpuhp_forgive_ost(&r->hp, a[0] % NCPUS);
}

static void do_take_ost(struct rig *r, const uint8_t *a)
{
	struct ost ost;

	(void)a;
	if (cpuhp_next_ost(&r->hp, &ost))
		MUST(ost.index < NCPUS && ost.ns != 0);
}

static void do_power(struct rig *r, const uint8_t *a)
{
	ged_set(&r->ged, GED_POWER, a[0] & 1);
}

static const struct step {
	char letter;
	unsigned char args;
	bool guest;
	void (*fn)(struct rig *r, const uint8_t *a);
} steps[] = {
	{ 'S', 1, true, do_select },   { 'C', 1, true, do_command },
	{ 'K', 1, true, do_control },  { 'D', 1, true, do_data },
	{ 'O', 2, true, do_ost },      { 'W', 4, true, do_write },
	{ 'R', 2, true, do_read },     { 'G', 3, true, do_ged_write },
	{ 'E', 2, true, do_ged_read }, { 'T', 1, true, do_storm },
	{ 'n', 1, true, do_run },      { 's', 1, true, do_stop },
	{ 'p', 2, false, do_plug },    { 'u', 2, false, do_unplug },
	{ 'a', 2, false, do_ask },     { 'w', 2, false, do_withdraw },
	{ 'r', 2, false, do_remind },  { 'k', 0, false, do_park },
	{ 'f', 1, false, do_forgive }, { 'o', 0, false, do_take_ost },
	{ 'b', 1, false, do_power },
};
#define NSTEPS (sizeof(steps) / sizeof(steps[0]))

/* --- what must hold
 * ----------------------------------------------------------------------- */

static void check_ged(const struct rig *r)
{
	const struct ged *g = &r->ged;

	MUST((g->pending & ~(uint32_t)(GED_CPU | GED_POWER)) == 0);
	MUST(((g->pending & GED_CPU) != 0) == (r->hp.pending > 0));
	MUST(r->line == (g->pending != 0 && !g->muted));
	MUST(!g->muted || (g->pending != 0 && g->storms > 0));
	MUST(g->muted || g->unacked < GED_STORM);
}

/* Through the registers, without a step of the real selector. */
static uint64_t status_of(const struct rig *r, uint32_t index)
{
	struct cpuhp look = r->hp;

	put(cpuhp_access, &look, CPUHP_SELECTOR, 4, index);
	return get(cpuhp_access, &look, CPUHP_STATUS, 1);
}

static void check_slot(const struct rig *r, uint32_t index)
{
	const struct cpuhp_slot *s = &r->hp.slot[index];

	MUST(s->state < SLOT_NSTATES);
	MUST(status_of(r, index) == (uint64_t)((is_enabled(s) ? CPUHP_ENABLED : 0) |
					       (s->insert_pending ? CPUHP_INSERT : 0) |
					       (s->remove_pending ? CPUHP_REMOVE : 0)));
	if (is_enabled(s)) {
		MUST(!s->ost_due);
		MUST(!s->remove_pending || s->remove_requested);
	} else {
		MUST(!s->insert_pending && !s->remove_pending && !s->remove_requested);
	}
	MUST(s->gone_ns == 0 || (s->state == SLOT_ABSENT && !s->ost_due));
	MUST(s->state != SLOT_EJECTED || s->ejected_ns != 0);
	MUST(s->state != SLOT_ONLINE || (s->online_ns != 0 && s->registered_ns != 0));
}

/* What the guest has done to one CPU. */
static void check_guest_step(const struct rig *r, uint32_t index)
{
	const struct cpuhp_slot *was = &r->before[index], *is = &r->hp.slot[index];

	MUST(is->insert_pending <= was->insert_pending);
	MUST(is->remove_pending <= was->remove_pending);
	MUST(is->remove_requested <= was->remove_requested);
	MUST(is_enabled(is) <= is_enabled(was));
	if (is->state == was->state || is->state != SLOT_EJECTED)
		return;
	MUST(index == r->selector && index != 0);
	MUST(was->remove_requested || was->underway ||
	     (r->hp.flags & CPUHP_ACCEPT_EJECTS));
	MUST(is->by_guest == !(was->remove_requested || was->underway) && is->ost_due);
}

static void check(const struct rig *r, const struct step *step)
{
	const struct cpuhp *hp = &r->hp;
	uint32_t pending = 0, ejected = 0;

	for (uint32_t i = 0; i < NCPUS; i++) {
		check_slot(r, i);
		if (step->guest)
			check_guest_step(r, i);
		pending += hp->slot[i].insert_pending || hp->slot[i].remove_pending;
		ejected += hp->slot[i].state == SLOT_EJECTED;
	}
	MUST(hp->pending == pending && hp->ejected == ejected);
	MUST(is_enabled(&hp->slot[0]));
	MUST(hp->ring_count <= hp->ring_len && hp->ring_head < hp->ring_len);
	MUST(hp->command <= CPUHP_CMD_ARCH_ID);
	MUST(hp->selector < NCPUS || hp->selector != r->selector ||
	     r->ignored == hp->ignored);
	MUST(hp->ignored - r->ignored <= 1);
	MUST(status_of(r, NCPUS) == 0 && status_of(r, UINT32_MAX) == 0);
	check_ged(r);
}

/* --- the input
 * ---------------------------------------------------------------------------- */

static const struct step *find_step(uint8_t letter)
{
	for (size_t i = 0; i < NSTEPS; i++)
		if (steps[i].letter == (char)letter)
			return &steps[i];
	return NULL;
}

static void run_step(struct rig *r, const struct step *step, const uint8_t *args)
{
	uint8_t a[4] = { 0 };

	for (unsigned i = 0; i < step->args; i++)
		a[i] = args[i] & 15;
	memcpy(r->before, r->hp.slot, sizeof(r->before));
	r->selector = r->hp.selector;
	r->ignored = r->hp.ignored;
	step->fn(r, a);
	check(r, step);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rig r;
	const uint8_t *end = data + size;

	if (size == 0)
		return 0;
	r = (struct rig){ 0 };
	MUST(topology_init(&r.topo, 2, 3, 2) == 0);
	ged_init(&r.ged, set_line, NULL, &r);
	MUST(cpuhp_init(&r.hp, &r.topo, &r.ged, data[0] & CPUHP_ACCEPT_EJECTS, wake,
			&r) == 0);
	cpuhp_boot(&r.hp, 0);
	for (const uint8_t *p = data + 1; p < end;) {
		const struct step *step = find_step(*p++);

		if (step == NULL)
			continue;
		if (end - p < step->args)
			break;
		run_step(&r, step, p);
		p += step->args;
	}
	cpuhp_destroy(&r.hp);
	return 0;
}
