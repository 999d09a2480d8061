#ifndef IMAGES_CHILDREN_H
#define IMAGES_CHILDREN_H
/* children: the processes of the Linux guest. One keeper, which counts and must live as
 * long as the guest; at most one worker per CPU, busy there and nowhere else; at most one
 * job, a command whose output is passed on line by line. All calls come from init. */
#include <stdbool.h>

#define CPU_MAX  8192 /* Linux's own NR_CPUS on x86_64 */
#define LINE_LEN 4096

void keeper_start(void); /* first of all: makes the memory that the children count in */
void keeper_report(void);

void worker_start(unsigned cpu); /* nothing when there is one */
void worker_stop(unsigned cpu);
void worker_report(unsigned cpu); /* and whether it got on since the last report */

/* A process that reserves this much of one CPU's time (SCHED_DEADLINE). The kernel
 * refuses to offline a CPU when the others could not give what is reserved. 0 or
 * errno. */
int reserve(unsigned percent);
void release_all(void);

/* argv[0] is the whole path. 0, or errno and no job. Its end is reported as "@@end
 * STATUS". */
int job_start(const char *const argv[]);
bool job_runs(void);
int job_fd(void); /* to poll for output; -1 when there is no more */
void job_output(void);

void children_reap(void); /* after each SIGCHLD */
#endif
