#include "vmm/hotplug/vcpu_host.h"

#include <errno.h>

#include "devices/clock.h"

/* An fd that was made stays, parked: KVM gives an id once, and the next request uses
 * it. */
static int start(void *ctx, uint32_t cpu)
{
	struct vcpu_host *v = ctx;
	int err = 0;

	if (v->vcpu[cpu] == NULL)
		err = vcpu_create(v->env, cpu, &v->vcpu[cpu]);
	return err < 0 ? err : vcpu_start(v->vcpu[cpu]);
}

static void stop(void *ctx, uint32_t cpu)
{
	const struct vcpu_host *v = ctx;

	if (v->vcpu[cpu] != NULL)
		vcpu_stop(v->vcpu[cpu]);
}

static void set_timer(void *ctx, uint64_t at_ns)
{
	const struct vcpu_host *v = ctx;
	uint64_t now = now_ns(), ns = at_ns > now ? at_ns - now : 0;
	struct timeval tv = { (time_t)(ns / NS_PER_S),
			      (suseconds_t)(ns % NS_PER_S / 1000 + 1) };

	if (at_ns == UINT64_MAX)
		event_del(v->timer);
	else
		event_add(v->timer, &tv);
}

static uint64_t get_now_ns(void *ctx)
{
	(void)ctx;
	return now_ns();
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	const struct vcpu_host *v = arg;

	(void)fd;
	(void)what;
	v->look(v->ctx);
}

int vcpu_host_init(struct vcpu_host *v, struct event_base *base, struct vcpu_env *env,
		   struct vcpu **vcpu, void (*look)(void *ctx), void *ctx)
{
	*v = (struct vcpu_host){ .env = env, .vcpu = vcpu, .look = look, .ctx = ctx };
	v->timer = evtimer_new(base, on_timer, v);
	return v->timer != NULL ? 0 : -ENOMEM;
}

void vcpu_host_destroy(struct vcpu_host *v)
{
	if (v->timer != NULL)
		event_free(v->timer);
	v->timer = NULL;
}

struct hotplug_host vcpu_host_calls(struct vcpu_host *v)
{
	return (struct hotplug_host){ start, stop, set_timer, get_now_ns, v };
}
