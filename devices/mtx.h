#ifndef DEVICES_MTX_H
#define DEVICES_MTX_H
/* mtx: a pthread mutex and condition whose rules clang checks (-Wthread-safety). Empty
 * words under gcc. */

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
#define HOLDS(l)       TSA(requires_capability(l))
#define NOT_HOLDING(l) TSA(locks_excluded(l))

static inline void mtx_lock(struct mtx *l) TSA(acquire_capability(*l))
	TSA(no_thread_safety_analysis)
{
	int err = pthread_mutex_lock(&l->m);

	assert(err == 0);
	(void)err;
}

static inline void mtx_unlock(struct mtx *l) TSA(release_capability(*l))
	TSA(no_thread_safety_analysis)
{
	int err = pthread_mutex_unlock(&l->m);

	assert(err == 0);
	(void)err;
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

/* Lets go of the lock while it waits. It may return for no reason. */
static inline void cnd_wait(struct cnd *c, struct mtx *l) HOLDS(*l)
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
