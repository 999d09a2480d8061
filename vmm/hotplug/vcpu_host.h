#ifndef VMM_HOTPLUG_VCPU_HOST_H
#define VMM_HOTPLUG_VCPU_HOST_H
/* vcpu_host: the host that hotplug works with: KVM's vCPUs and their threads, libevent's
 * timer, the clock. Main only. */

#include <event2/event.h>

#include "vmm/hotplug/hotplug.h"
#include "vmm/kvm/vcpu.h"

struct vcpu_host {
	struct vcpu_env *env;
	struct vcpu **vcpu;
	struct event *timer;
	void (*look)(void *ctx);
	void *ctx;
};

/* vcpu has an entry for each possible vCPU, NULL where there is no fd yet; they are
 * filled in. When the timer is up look(ctx) is called, which calls hotplug_look(). All
 * that is given outlives it. 0 or -ENOMEM. */
int vcpu_host_init(struct vcpu_host *v, struct event_base *base, struct vcpu_env *env,
		   struct vcpu **vcpu, void (*look)(void *ctx), void *ctx);

/* Takes one that is all zero, too. */
void vcpu_host_destroy(struct vcpu_host *v);

/* What hotplug_new() takes; lives as long as *v. */
struct hotplug_host vcpu_host_calls(struct vcpu_host *v);

#endif
