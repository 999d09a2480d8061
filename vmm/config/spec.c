#include "vmm/config/spec.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "acpi/layout.h"
#include "vmm/config/refusal.h"
#include "vmm/config/spec_parse.h"

static const char by_kvm[] = "KVM on this host", by_tables[] = "this program's tables";

/* --- limits --------------------------------------------------------------- */

struct policy_text spec_limit_source(const struct spec *s)
{
	return policy_explain(&s->policy, s->found.limit_source);
}

int spec_check_hotplug(const struct spec *s, struct text *why)
{
	if (!s->found.host.boot_only)
		return 0;
	return text_set(why, -EOPNOTSUPP, refuse_host_unable, s->found.host.kernel);
}

static int check_sockets(const struct spec *s, int64_t sockets, struct text *why)
{
	uint32_t max = s->found.max_sockets;

	if (sockets < 1)
		return text_set(why, -ERANGE, refuse_sockets_low, sockets, max);
	if (sockets > max)
		return text_set(why, -ERANGE, refuse_sockets_high, sockets, max,
				spec_limit_source(s).s, max);
	return sockets == max ? 0 : spec_check_hotplug(s, why);
}

/* How many vCPUs there may be, and who says so. */
static uint32_t vcpu_limit(const struct host_limits *host, const char **who)
{
	*who = host != NULL && host->max_vcpus <= CPUS_MAX ? by_kvm : by_tables;
	return *who == by_kvm ? host->max_vcpus : CPUS_MAX;
}

static int check_vcpus(const struct spec *s, const struct host_limits *host,
		       struct topology *t, struct text *why)
{
	const struct cpu_counts *c = &s->cpus;
	uint32_t max = s->found.max_sockets, limit;
	const char *who;

	limit = vcpu_limit(host, &who);
	if (topology_init(t, max, c->cores, c->threads) < 0)
		return text_set(why, -EINVAL, refuse_vcpus_overflow, max,
				spec_limit_source(s).s, c->cores, c->threads, limit, who);
	if (t->max_vcpus > limit)
		return text_set(why, -EINVAL, refuse_vcpus_high, max,
				spec_limit_source(s).s, c->cores, c->threads,
				t->max_vcpus, limit, who, limit / t->per_socket);
	return 0;
}

static int check_ids(const struct spec *s, const struct host_limits *host,
		     const struct topology *t, struct text *why)
{
	uint32_t highest = topology_vcpu_id(t, t->max_vcpus - 1);

	if (host == NULL || highest < host->max_vcpu_id)
		return 0;
	return text_set(why, -EINVAL, refuse_apic_id_high, highest, s->found.max_sockets,
			spec_limit_source(s).s, host->max_vcpu_id - 1);
}

static struct spec_found find(const struct spec *s, const struct host_limits *host)
{
	struct spec_found f = { 0 };

	f.max_sockets = policy_max_sockets(&s->policy, &s->cpus, &f.limit_source);
	if (host != NULL)
		f.host = *host;
	return f;
}

int spec_resolve(struct spec *s, const struct host_limits *host, struct topology *topo,
		 struct text *why)
{
	struct spec new = *s;
	struct topology t;
	int err;

	new.found = find(s, host);
	for (int k = SPEC_CORES; k < SPEC_CPU_KEYS; k++)
		new.stored[k] = spec_count(&s->cpus, (enum spec_cpu)k);
	if (check_sockets(&new, new.cpus.sockets, why) < 0)
		return -EINVAL;
	err = check_vcpus(&new, host, &t, why);
	if (err == 0)
		err = check_ids(&new, host, &t, why);
	if (err < 0)
		return err;
	*s = new;
	*topo = t;
	return 0;
}

enum spec_cpu spec_refused(const struct spec *s)
{
	uint32_t max = s->cpus.max_sockets;

	return max != 0 && s->cpus.sockets > max ? SPEC_SOCKETS : SPEC_CPU_KEYS;
}

/* --- what a restart takes up ---------------------------------------------- */

uint32_t spec_running(const struct spec *s, enum spec_cpu k)
{
	return k == SPEC_MAX_SOCKETS ? s->found.max_sockets : spec_count(&s->cpus, k);
}

void spec_store(struct spec *s, const uint32_t next[SPEC_CPU_KEYS])
{
	memcpy(s->stored, next, sizeof(s->stored));
}

/* A maxSockets that nobody named is what its default makes of it. */
static bool differs(const struct spec *s, enum spec_cpu k)
{
	return s->stored[k] != 0 && s->stored[k] != spec_running(s, k);
}

bool spec_differs(const struct spec *s, struct text *what)
{
	size_t len = 0;

	what->s[0] = '\0';
	for (int i = SPEC_CPU_KEYS; i-- > SPEC_CORES;) {
		enum spec_cpu k = (enum spec_cpu)i;

		if (differs(s, k))
			len += (size_t)snprintf(what->s + len, sizeof(what->s) - len,
						"%s%s %" PRIu32 " to %" PRIu32,
						len > 0 ? ", " : "", spec_cpu_name(k),
						spec_running(s, k), s->stored[k]);
	}
	return len > 0;
}

int spec_check_stored(const struct spec *s, uint32_t sockets, struct text *why)
{
	struct spec next = *s;
	struct topology topo;
	struct text what;

	if (!spec_differs(s, &what))
		return 0;
	next.cpus = (struct cpu_counts){
		.sockets = sockets,
		.cores = s->stored[SPEC_CORES],
		.threads = s->stored[SPEC_THREADS],
		.max_sockets = s->stored[SPEC_MAX_SOCKETS],
	};
	if (spec_resolve(&next, &s->found.host, &topo, &what) == 0)
		return 0;
	return text_set(why, -ERANGE, refuse_stored, what.s);
}

int spec_check_sockets(const struct spec *s, int64_t sockets, struct text *why)
{
	int err = check_sockets(s, sockets, why);

	return err < 0 ? err : spec_check_stored(s, (uint32_t)sockets, why);
}
