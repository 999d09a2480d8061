#ifndef VMM_KVM_VCPU_STATS_H
#define VMM_KVM_VCPU_STATS_H
/* vcpu_stats: KVM's own counters of a vCPU (KVM_GET_STATS_FD, binary statistics), and the
 * CPU time of its threads. Reads beside a running vCPU without disturbing it. Main
 * only. */

#include <stdint.h>
#include <time.h>

struct vcpu;

/* The counters of a vCPU that does not run yet: asking for them later would wait for it
 * to leave KVM_RUN. The caller closes the fd; -1 on hosts before Linux 5.14. */
int vcpu_stats_open(int vcpu_fd);

/* How often the vCPU has left guest mode since it was created, in *exits. 0 or -errno;
 * -ENOTTY where there are no counters, -ENOENT when there is no such counter. */
int vcpu_stats_exits(struct vcpu *v, uint64_t *exits);

/* CPU time in nanoseconds that the vCPU's threads, one after the other, have used. */
uint64_t vcpu_stats_cpu_ns(struct vcpu *v);

/* What this clock says, in nanoseconds; 0 when there is no such clock (any more). Any
 * thread. */
uint64_t vcpu_stats_clock_ns(clockid_t clock);

#endif
