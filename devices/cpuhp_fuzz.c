/* Any steps of guest and host, in any order: what must hold holds after each, and a twin
 * that is saved and loaded anew before each step does the same. An input is as in
 * fuzz_fixture.h, and its first byte says by its lowest bit whether the guest's own
 * ejects are accepted. */
#include "devices/cpuhp.h"

#include "acpi/layout.h"
#include "devices/fuzz_fixture.h"

#define NCPUS 12 /* 2 sockets x 3 cores x 2 threads: APIC ids with holes */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct rig {
	struct topology topo;
	struct ged ged;
	struct cpuhp hp;
	unsigned flags;
	bool line;
	bool loading; /* the line is set again */
	unsigned wakes;
	uint64_t read;                    /* what was read last */
	struct acpihp_slot before[NCPUS]; /* the slots before this step */
	uint32_t selector;                /* and the selector */
	uint64_t ignored;
};

/* A state that was saved. The records are behind cpuhp's; the ring has 64 and 4 a CPU. */
struct saved {
	struct ged_state ged;
	size_t len;
	union {
		struct cpuhp_state hp;
		unsigned char bytes[8192];
	} u;
};

static void set_line(void *ctx, bool level)
{
	struct rig *r = ctx;

	MUST(r->loading || r->line != level);
	r->line = level;
}

static void wake(void *ctx)
{
	((struct rig *)ctx)->wakes++;
}

static bool is_enabled(const struct acpihp_slot *s)
{
	return s->state != SLOT_ABSENT && s->state != SLOT_EJECTED;
}

/* --- what the guest can do ------------------------------------------------ */

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

	r->read = v;
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

	r->read = v;
	MUST(v == 0 || (a[0] == 0 && v == r->ged.s.pending));
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

/* --- what the host does: what the contracts of cpuhp.h allow -------------- */

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
		const struct acpihp_slot *s = &r->before[index[i]];

		unseen =
			unseen && s->state == SLOT_PLUGGED &&
			!(s->facts & (ACPIHP_DID(ACPIHP_SEEN) | ACPIHP_DID(ACPIHP_ACKED) |
				      ACPIHP_DID(ACPIHP_STARTED) | ACPIHP_IN_TABLES));
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

static void do_reset(struct rig *r, const uint8_t *a)
{
	uint32_t index;

	(void)a;
	while (cpuhp_next_ejected(&r->hp, &index))
		cpuhp_park(&r->hp, index);
	cpuhp_reset(&r->hp);
	ged_reset(&r->ged);
}

static void do_power(struct rig *r, const uint8_t *a)
{
	ged_set(&r->ged, GED_POWER, a[0] & 1);
}

/* --- states: what is saved and loaded again makes no difference, and what comes from
 * elsewhere is refused or is one that can be --- */

static void save(struct rig *r, struct saved *s)
{
	ged_save(&r->ged, &s->ged);
	MUST(cpuhp_state_max(&r->hp) <= sizeof(s->u));
	s->len = cpuhp_save(&r->hp, &s->u.hp);
	MUST(s->len <= cpuhp_state_max(&r->hp));
}

static bool is_same(const struct saved *a, const struct saved *b)
{
	return memcmp(&a->ged, &b->ged, sizeof(a->ged)) == 0 && a->len == b->len &&
	       memcmp(&a->u, &b->u, a->len) == 0;
}

static void make(struct rig *r)
{
	ged_init(&r->ged, set_line, NULL, r);
	MUST(cpuhp_init(&r->hp, &r->topo, &r->ged, r->flags, wake, r) == 0);
}

/* As a machine that goes on elsewhere: all is made anew there. */
static void move(struct rig *r)
{
	unsigned wakes = r->wakes;
	struct saved s;

	save(r, &s);
	cpuhp_destroy(&r->hp);
	r->line = false;
	make(r);
	r->loading = true;
	MUST(ged_load(&r->ged, &s.ged) == 0);
	MUST(cpuhp_load(&r->hp, &s.u.hp, s.len) == 0);
	r->loading = false;
	r->wakes = wakes;
}

/* Of what was saved one byte is another, or the end is missing. */
static void do_foreign(struct rig *r, const uint8_t *a)
{
	struct saved was, s, is;
	size_t at = byte(a);

	save(r, &was);
	s = was;
	if (a[3] == 0)
		s.len = at % was.len;
	else
		s.u.bytes[at % was.len] ^= byte(a + 2);
	if (cpuhp_load(&r->hp, &s.u.hp, s.len) < 0)
		s = was;
	save(r, &is);
	MUST(is.len == s.len && memcmp(&is.u, &s.u, s.len) == 0);
	r->ignored = r->hp.acpi.ignored;
}

static void do_foreign_ged(struct rig *r, const uint8_t *a)
{
	struct saved was, is;
	struct ged_state s;

	save(r, &was);
	s = was.ged;
	((unsigned char *)&s)[a[0]] ^= byte(a + 1);
	r->loading = true;
	if (ged_load(&r->ged, &s) < 0)
		s = was.ged;
	save(r, &is);
	MUST(memcmp(&is.ged, &s, sizeof(s)) == 0);
	MUST(cpuhp_load(&r->hp, &was.u.hp, was.len) == 0);
	r->loading = false;
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
	{ 'b', 1, false, do_power },   { 'z', 0, false, do_reset },
	{ 'x', 4, false, do_foreign }, { 'y', 3, false, do_foreign_ged },
};
#define NSTEPS (sizeof(steps) / sizeof(steps[0]))

/* --- what must hold ------------------------------------------------------- */

static void check_ged(const struct rig *r)
{
	const struct ged_state *g = &r->ged.s;
	bool muted = g->unacked == GED_STORM;

	MUST((g->pending & ~(uint32_t)(GED_CPU | GED_POWER)) == 0);
	MUST(((g->pending & GED_CPU) != 0) == (r->hp.acpi.pending > 0));
	MUST(r->line == (g->pending != 0 && !muted));
	MUST(!muted || (g->pending != 0 && g->storms > 0));
	MUST(g->unacked <= GED_STORM);
}

/* Through the registers, without a step of the real selector. */
static uint64_t status_of(const struct rig *r, uint32_t index)
{
	struct acpihp_slot slot[NCPUS];
	struct acpihp_times times[NCPUS];
	struct cpuhp look = r->hp;

	memcpy(slot, r->hp.acpi.slot, sizeof(slot));
	memcpy(times, r->hp.acpi.times, sizeof(times));
	look.acpi.slot = slot;
	look.acpi.times = times;
	put(cpuhp_access, &look, CPUHP_SELECTOR, 4, index);
	return get(cpuhp_access, &look, CPUHP_STATUS, 1);
}

static bool has(const struct acpihp_slot *s, uint32_t fact)
{
	return s->facts & fact;
}

/* Times are beside the facts, and say no more than them. */
static void check_times(const struct rig *r, uint32_t index)
{
	const struct acpihp_slot *s = &r->hp.acpi.slot[index];
	const struct acpihp_times *t = &r->hp.acpi.times[index];

	for (unsigned step = 0; step < ACPIHP_NSTEPS; step++)
		MUST(has(s, ACPIHP_DID(step)) == (t->ns[step] != 0));
	MUST(has(s, ACPIHP_SAID) == (t->ost_ns != 0));
}

static void check_slot(const struct rig *r, uint32_t index)
{
	const struct acpihp_slot *s = &r->hp.acpi.slot[index];
	const uint32_t going = ACPIHP_REMOVE_PENDING | ACPIHP_REMOVE_REQUESTED;

	MUST(s->state < SLOT_NSTATES);
	MUST(status_of(r, index) ==
	     (uint64_t)((is_enabled(s) ? CPUHP_ENABLED : 0) |
			(has(s, ACPIHP_INSERT_PENDING) ? CPUHP_INSERT : 0) |
			(has(s, ACPIHP_REMOVE_PENDING) ? CPUHP_REMOVE : 0)));
	if (is_enabled(s)) {
		MUST(!has(s, ACPIHP_OST_DUE));
		MUST(!has(s, ACPIHP_REMOVE_PENDING) || has(s, ACPIHP_REMOVE_REQUESTED));
	} else {
		MUST(!has(s, going));
		MUST(!has(s, ACPIHP_INSERT_PENDING) || has(s, ACPIHP_MAY_KNOW));
	}
	MUST(!has(s, ACPIHP_DID(ACPIHP_GONE)) ||
	     (s->state == SLOT_ABSENT && !has(s, ACPIHP_OST_DUE)));
	MUST(s->state != SLOT_EJECTED || has(s, ACPIHP_DID(ACPIHP_EJECTED)));
	MUST(s->state != SLOT_ONLINE || (has(s, ACPIHP_DID(ACPIHP_ONLINE)) &&
					 has(s, ACPIHP_DID(ACPIHP_REGISTERED))));
	check_times(r, index);
}

/* What the guest has done to one CPU. */
static void check_guest_step(const struct rig *r, uint32_t index)
{
	const struct acpihp_slot *was = &r->before[index], *is = &r->hp.acpi.slot[index];
	const uint32_t hosts = ACPIHP_INSERT_PENDING | ACPIHP_REMOVE_PENDING |
			       ACPIHP_REMOVE_REQUESTED | ACPIHP_IN_TABLES |
			       ACPIHP_MAY_KNOW;
	bool asked = has(was, ACPIHP_REMOVE_REQUESTED | ACPIHP_UNDERWAY);

	MUST((is->facts & ~was->facts & hosts) == 0);
	MUST(is_enabled(is) <= is_enabled(was));
	if (is->state == was->state || is->state != SLOT_EJECTED)
		return;
	MUST(index == r->selector && index != 0);
	MUST(asked || (r->flags & CPUHP_ACCEPT_EJECTS));
	MUST(has(is, ACPIHP_BY_GUEST) == !asked && has(is, ACPIHP_OST_DUE));
}

static void check(const struct rig *r, const struct step *step)
{
	const struct acpihp *hp = &r->hp.acpi;
	uint32_t pending = 0, ejected = 0;

	for (uint32_t i = 0; i < NCPUS; i++) {
		check_slot(r, i);
		if (step->guest)
			check_guest_step(r, i);
		pending +=
			has(&hp->slot[i], ACPIHP_INSERT_PENDING | ACPIHP_REMOVE_PENDING);
		ejected += hp->slot[i].state == SLOT_EJECTED;
	}
	MUST(hp->pending == pending && hp->ejected == ejected);
	MUST(is_enabled(&hp->slot[0]));
	MUST(hp->ring_count <= hp->ring_len && hp->ring_head < hp->ring_len);
	MUST(r->hp.command <= CPUHP_CMD_ARCH_ID);
	MUST(r->hp.selector < NCPUS || r->hp.selector != r->selector ||
	     r->ignored == hp->ignored);
	MUST(hp->ignored - r->ignored <= 1);
	MUST(status_of(r, NCPUS) == 0 && status_of(r, UINT32_MAX) == 0);
	check_ged(r);
}

static void check_twin(struct rig *r, struct rig *twin)
{
	struct saved a, b;

	save(r, &a);
	save(twin, &b);
	MUST(is_same(&a, &b));
	MUST(r->line == twin->line && r->wakes == twin->wakes && r->read == twin->read);
}

/* --- the input ------------------------------------------------------------ */

static const struct step *find_step(uint8_t letter)
{
	for (size_t i = 0; i < NSTEPS; i++)
		if (steps[i].letter == (char)letter)
			return &steps[i];
	return NULL;
}

static void begin(struct rig *r, unsigned flags)
{
	*r = (struct rig){ .flags = flags };
	MUST(topology_init(&r->topo, 2, 3, 2) == 0);
	make(r);
	cpuhp_boot(&r->hp, 0);
}

static void run_step(struct rig *r, const struct step *step, const uint8_t *a)
{
	memcpy(r->before, r->hp.acpi.slot, sizeof(r->before));
	r->selector = r->hp.selector;
	r->ignored = r->hp.acpi.ignored;
	step->fn(r, a);
}

static void run_both(struct rig *r, struct rig *twin, const struct step *step,
		     const uint8_t *args)
{
	uint8_t a[STEP_ARGS];

	take_args(a, args, step->args);
	run_step(r, step, a);
	check(r, step);
	move(twin);
	run_step(twin, step, a);
	check_twin(r, twin);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rig r, twin;
	const uint8_t *end = data + size;

	if (size == 0)
		return 0;
	begin(&r, data[0] & CPUHP_ACCEPT_EJECTS);
	begin(&twin, data[0] & CPUHP_ACCEPT_EJECTS);
	for (const uint8_t *p = data + 1; p < end;) {
		const struct step *step = find_step(*p++);

		if (step == NULL)
			continue;
		if (end - p < step->args)
			break;
		run_both(&r, &twin, step, p);
		p += step->args;
	}
	cpuhp_destroy(&r.hp);
	cpuhp_destroy(&twin.hp);
	return 0;
}
