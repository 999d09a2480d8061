#ifndef VMM_CONFIG_SPEC_H
#define VMM_CONFIG_SPEC_H
/* spec: what the user asked for, and its limits. spec_parse.h reads the words of it,
 * spec_file.h and manifest.h whole files. Pure. */

#include <stdbool.h>
#include <stdint.h>

#include "acpi/topology.h"
#include "vmm/base/text.h"
#include "vmm/config/policy.h"

/* The numbers of CPUs, as people name them. */
enum spec_cpu { SPEC_SOCKETS, SPEC_CORES, SPEC_THREADS, SPEC_MAX_SOCKETS, SPEC_CPU_KEYS };

/* What the host's KVM can do. */
struct host_limits {
	uint32_t max_vcpus;   /* KVM_CAP_MAX_VCPUS */
	uint32_t max_vcpu_id; /* KVM_CAP_MAX_VCPU_ID: ids are below this */
	bool boot_only;  /* no SMCCC filter: CPU_ON cannot be denied, so no hotplug */
	char kernel[65]; /* the host's, where boot_only */
};

struct manifest;
struct spec_file;

/* Who said it. One file at most. */
struct spec_origin {
	struct spec_file *file;    /* of spec_file_open(), or NULL */
	struct manifest *manifest; /* of manifest_open(), or NULL */

	/* What the file says, and nobody after it: bits by enum spec_cpu, and of a spec
	 * file by enum option_id. */
	unsigned cpus, options;
};

/* What is made of it. */
struct spec_found {
	uint32_t max_sockets; /* 1 or more */
	enum policy_source limit_source;
	struct host_limits host; /* as far as they were known */
};

struct spec {
	/* What is asked for: by spec_file.c or manifest.c, and then by options.c. The
	 * strings are theirs, and may be NULL but for serial. */
	const char *name; /* of the VM */
	const char *kernel, *initrd, *append;
	const char *qmp;          /* path of the control socket */
	const char *serial;       /* as given to --serial */
	const char *metrics_file; /* kept for node exporter */
	uint64_t memory;          /* bytes */
	bool refuse_guest_ejects; /* ejects that nobody asked for are ignored */
	bool exit_on_reset;       /* a reset ends the VM */
	bool device_tree;         /* the guest gets no ACPI (aarch64) */
	bool nested;              /* the guest may be a host itself (x86_64) */
	struct cpu_counts cpus;   /* max_sockets 0: not given; the others are 1 or more */

	struct spec_origin from; /* by the same */
	struct policy policy;    /* by host_config_read() */
	struct spec_found found; /* by spec_resolve() */

	/* What a restart takes up, by enum spec_cpu; of sockets nothing, and maxSockets 0
	 * stands for its default. By spec_resolve(): what is asked for; then by
	 * spec_store() alone. */
	uint32_t stored[SPEC_CPU_KEYS];
};

/* Checks everything against itself and, unless that is NULL, against the host; and fills
 * s->found, s->stored and *topo. 0; or -EINVAL with *why, and nothing done. */
int spec_resolve(struct spec *s, const struct host_limits *host, struct topology *topo,
		 struct text *why);

/* Which number a refusal of spec_resolve() is about: SPEC_SOCKETS where they are more
 * than the maxSockets that was given; else SPEC_CPU_KEYS, all of them together. */
enum spec_cpu spec_refused(const struct spec *s);

/* --- of a resolved spec --- */

/* Where maxSockets comes from, for people. */
struct policy_text spec_limit_source(const struct spec *s);

/* Whether this host can add and take vCPUs at all. 0; or -EOPNOTSUPP with *why. */
int spec_check_hotplug(const struct spec *s, struct text *why);

/* Whether a running VM of this spec may have this number of sockets, and could be started
 * again with them. 0; or with *why -ERANGE for a number outside the limits, -EOPNOTSUPP
 * where the host cannot. */
int spec_check_sockets(const struct spec *s, int64_t sockets, struct text *why);

/* Whether what is stored could be started with this number of sockets. 0; or -ERANGE with
 * *why. */
int spec_check_stored(const struct spec *s, uint32_t sockets, struct text *why);

/* What the running VM was started with. */
uint32_t spec_running(const struct spec *s, enum spec_cpu k);

/* What a restart takes up from now on. */
void spec_store(struct spec *s, const uint32_t next[SPEC_CPU_KEYS]);

/* Names what is stored and not running: "maxSockets 8 to 16, cores 1 to 2". Whether there
 * is anything. */
bool spec_differs(const struct spec *s, struct text *what);

#endif
