#ifndef VMM_CONFIG_SPEC_H
#define VMM_CONFIG_SPEC_H
/* spec: what the user asked for, its defaults and its limits. Pure. */

#include <stdbool.h>
#include <stdint.h>

#include "acpi/topology.h"
#include "vmm/config/policy.h"
#include "vmm/base/text.h"

/* The numbers of CPUs, as people name them. */
enum spec_cpu { SPEC_SOCKETS, SPEC_CORES, SPEC_THREADS, SPEC_MAX_SOCKETS, SPEC_CPU_KEYS };

#define SPEC_SOURCE_LEN 128 /* bytes of where a limit comes from, with the final 0 */

/* What the host's KVM can do. */
struct host_limits {
	uint32_t max_vcpus;   /* KVM_CAP_MAX_VCPUS */
	uint32_t max_vcpu_id; /* KVM_CAP_MAX_VCPU_ID: ids are below this */
	bool boot_only;  /* no SMCCC filter: CPU_ON cannot be denied, so no hotplug */
	char kernel[65]; /* the host's, where boot_only */
};

struct manifest;
struct spec_file;

struct spec {
	struct manifest *manifest;            /* that it was read from, or NULL */
	const char *name;                     /* of the VM, or NULL */
	struct spec_file *file;               /* that it was read from, or NULL */
	const char *kernel, *initrd, *append; /* initrd and append may be NULL */
	const char *qmp;                      /* path of the control socket, or NULL */
	const char *serial;                   /* as given to --serial */
	const char *metrics_file;             /* kept for node exporter, or NULL */
	uint64_t memory;                      /* bytes */
	bool refuse_guest_ejects; /* ejects that nobody asked for are ignored */
	bool exit_on_reset;       /* a reset ends the VM */
	bool device_tree;         /* the guest gets no ACPI (aarch64) */

	uint32_t sockets, cores, threads, max_sockets; /* max_sockets 0: not given */
	struct policy policy;                          /* of the host configuration */
	char limit_source[SPEC_SOURCE_LEN];            /* of max_sockets, once resolved */
	struct host_limits host;                       /* by spec_resolve() */

	/* What a restart takes up, by enum spec_cpu; of sockets nothing. Set by
	 * spec_resolve() to what it started with: then maxSockets 0 stands for its
	 * default. */
	uint32_t stored[SPEC_CPU_KEYS];
};

/* Reads "sockets=2,cores=1,threads=1,maxSockets=8" into *s; what is not named is left
 * alone. 0; or -EINVAL with *why. */
int spec_parse_cpus(const char *text, struct spec *s, struct text *why);

/* The same for one key: "sockets" and so on; *s is left alone when that is refused. 0; or
 * -ENOENT when there is no such key, or -EINVAL, with *why. */
int spec_set_cpus(const char *key, int64_t value, struct spec *s, struct text *why);

/* "maxSockets"; a static string. */
const char *spec_cpu_name(enum spec_cpu k);

/* The number of that name, or -ENOENT. */
int spec_find_cpu(const char *name);

/* Whether value may be such a number. 0 and *out; or -EINVAL with *why. */
int spec_check_count(const char *name, int64_t value, uint32_t *out, struct text *why);

/* Reads a size with an optional suffix K, M, G or T (powers of 1024; none means MiB) into
 * s->memory. 0; or -EINVAL with *why. */
int spec_parse_memory(const char *text, struct spec *s, struct text *why);

/* Makes it so many bytes, rounded up to MiB; shown is what the user wrote. 0; or -EINVAL
 * with *why. */
int spec_set_memory(const char *shown, uint64_t bytes, struct spec *s, struct text *why);

/* Reads "accept" or "refuse" into s->refuse_guest_ejects. 0; or -EINVAL with *why. */
int spec_parse_guest_eject(const char *text, struct spec *s, struct text *why);

/* Reads "acpi" or "dt" into s->device_tree. 0; or -EINVAL with *why. */
int spec_parse_boot(const char *text, struct spec *s, struct text *why);

/* Reads "restart" or "exit" into s->exit_on_reset. 0; or -EINVAL with *why. */
int spec_parse_on_reset(const char *text, struct spec *s, struct text *why);

/* Fills in maxSockets where it was not given (see policy.h), checks everything against
 * itself and against the host, and fills *topo. 0; or -EINVAL with *why, and nothing
 * done. */
int spec_resolve(struct spec *s, const struct host_limits *host, struct topology *topo,
		 struct text *why);

/* Which number a refusal of spec_resolve() is about: SPEC_SOCKETS where they are more
 * than the maxSockets that was given; else SPEC_CPU_KEYS, all of them together. */
enum spec_cpu spec_refused(const struct spec *s);

/* Where s->max_sockets comes from, for people; of a resolved spec. Lives as long as
 * *s. */
const char *spec_limit_source_name(const struct spec *s);

/* Whether this host can add and take vCPUs at all. 0; or -EOPNOTSUPP with *why. */
int spec_check_hotplug(const struct spec *s, struct text *why);

/* Whether a running VM of this spec may have this number of sockets, and could be started
 * again with them. 0; or with *why -ERANGE for a number outside the limits, -EOPNOTSUPP
 * where the host cannot. */
int spec_check_sockets(const struct spec *s, int64_t sockets, struct text *why);

/* Whether what is stored could be started with this number of sockets. 0; or -ERANGE with
 * *why. */
int spec_check_stored(const struct spec *s, uint32_t sockets, struct text *why);

/* What the running VM of this resolved spec has. */
uint32_t spec_running(const struct spec *s, enum spec_cpu k);

/* Names what is stored and not running: "maxSockets 8 to 16, cores 1 to 2". Whether there
 * is anything. */
bool spec_differs(const struct spec *s, struct text *what);

#endif
