#ifndef DEVICES_MTX_H
#define DEVICES_MTX_H
/* mtx: a pthread mutex and condition whose rules clang checks (-Wthread-safety, and
 * -Wthread-safety-beta for the order). Empty words under gcc.
 *
 * Each lock under which another is taken has a rank, below, which is taken and let go of
 * with it. One without is a leaf: nothing is taken under it. A function that takes a
 * ranked lock says NOT_HOLDING(FROM_...), which names that rank and all behind it, so
 * that clang sees the order across functions; through a pointer to a function it sees
 * nothing. */

#include <assert.h>
#include <pthread.h>

#if defined(__clang__)
#define TSA(x) __attribute__((x))
#else
#define TSA(x)
#endif

struct TSA(capability("mutex")) mtx {
	pthread_mutex_t m;
};

#define MTX_INIT                                                                         \
	{                                                                                \
		PTHREAD_MUTEX_INITIALIZER                                                \
	}
#define HOLDS(...)       TSA(requires_capability(__VA_ARGS__))
#define NOT_HOLDING(...) TSA(locks_excluded(__VA_ARGS__))

struct TSA(capability("rank")) rank {
	char nothing;
};

/* The order of the program's locks, from the last one that is taken to the first. */
#define RANK(name, ...)                                                                  \
	static const struct rank name __VA_ARGS__ __attribute__((unused)) = { 0 }
#define BEFORE(rank) TSA(acquired_before(rank))
RANK(RANK_LEAF);
RANK(RANK_IOAPIC, BEFORE(RANK_LEAF));           /* ioapic.lock */
RANK(RANK_IOAPIC_TELLING, BEFORE(RANK_IOAPIC)); /* ioapic.telling */
RANK(RANK_UART, BEFORE(RANK_IOAPIC));           /* uart.lock: its interrupt line */
RANK(RANK_GED, BEFORE(RANK_IOAPIC));            /* ged.lock: the same */
RANK(RANK_SLOTS, BEFORE(RANK_GED));             /* acpihp.lock: a slot's event */
RANK(RANK_VCPU, BEFORE(RANK_SLOTS));            /* vcpu_env.lock: CPU_ON steps a slot */

/* A rank and all that are behind it. */
#define FROM_IOAPIC         RANK_IOAPIC, RANK_LEAF
#define FROM_IOAPIC_TELLING RANK_IOAPIC_TELLING, FROM_IOAPIC
#define FROM_UART           RANK_UART, FROM_IOAPIC
#define FROM_GED            RANK_GED, FROM_IOAPIC
#define FROM_SLOTS          RANK_SLOTS, FROM_GED
#define FROM_VCPU           RANK_VCPU, FROM_SLOTS

static inline void mtx_lock_at(struct mtx *l, const struct rank *r)
	TSA(acquire_capability(*l, *r)) TSA(no_thread_safety_analysis)
{
	int err = pthread_mutex_lock(&l->m);

	(void)r;

	assert(err == 0);
	(void)err;
}

static inline void mtx_unlock_at(struct mtx *l, const struct rank *r)
	TSA(release_capability(*l, *r)) TSA(no_thread_safety_analysis)
{
	int err = pthread_mutex_unlock(&l->m);

	(void)r;
	assert(err == 0);
	(void)err;
}

/* Of a leaf. */
static inline void mtx_lock(struct mtx *l) TSA(acquire_capability(*l, RANK_LEAF))
	TSA(no_thread_safety_analysis)
{
	mtx_lock_at(l, &RANK_LEAF);
}

static inline void mtx_unlock(struct mtx *l) TSA(release_capability(*l, RANK_LEAF))
	TSA(no_thread_safety_analysis)
{
	mtx_unlock_at(l, &RANK_LEAF);
}

/* What somebody waits for; all who wait look again. */
struct cnd {
	pthread_cond_t c;
};

#define CND_INIT                                                                         \
	{                                                                                \
		PTHREAD_COND_INITIALIZER                                                 \
	}

static inline void cnd_destroy(struct cnd *c)
{
	int err = pthread_cond_destroy(&c->c);

	assert(err == 0);
	(void)err;
}

/* Lets go of the lock while it waits; who waits holds no other. It may return for no
 * reason. */
static inline void cnd_wait(struct cnd *c, struct mtx *l) HOLDS(*l)
	NOT_HOLDING(RANK_SLOTS, RANK_GED, RANK_UART, RANK_IOAPIC_TELLING, RANK_IOAPIC)
{
	int err = pthread_cond_wait(&c->c, &l->m);

	assert(err == 0);
	(void)err;
}

static inline void cnd_wake_all(struct cnd *c)
{
	int err = pthread_cond_broadcast(&c->c);

	assert(err == 0);
	(void)err;
}

#endif
