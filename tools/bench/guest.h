#ifndef TOOLS_BENCH_GUEST_H
#define TOOLS_BENCH_GUEST_H
/* bench_guest: one VM under hotsocket or QEMU, and its Linux guest
 * (guest-tests/images/init.c), which it talks to by the console. What fails ends this VM:
 * a line to stdout, and a longjmp to give_up. One thread. */

#include <setjmp.h>
#include <stdbool.h>
#include <sys/types.h>

#include "tools/bench/console.h"

#define MEMORY_MIB 512
#define SOCKETS    2 /* at start */
#define WAIT_MS    180000
#define QMP_PATH   "bench.qmp"
#define NVMMS      2

struct vmm {
	const char *name;
	void (*words)(const char **word, unsigned maxcpus);
	bool resizes; /* has a command for several at once */
};
extern const struct vmm vmms[NVMMS];

struct vm {
	const struct vmm *vmm;
	unsigned maxcpus;
	pid_t pid;
	int input;             /* of its console */
	double started, clock; /* ms: fork, and what its uptime must be added to */
	struct console *console;
};

extern jmp_buf give_up;
void fail(const struct vm *v, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));
void sample(const struct vm *v, const char *key, double value);

void guest_start(struct vm *v);
void guest_end(struct vm *v); /* also of one that failed */

/* The console's next line that begins so; the ones before it are forgotten. */
struct console_line await(struct vm *v, const char *begin);
void tell(const struct vm *v, const char *line);
double number_after(const struct console_line *line, const char *word); /* or 0 */

/* Ties the guest's clock to ours; then when it told of an event, by our clock. */
void set_clock(struct vm *v);
double event_ms(const struct vm *v, const struct console_line *line);

/* From now on Linux notes when it asks for its CPU hotplug lock, and when it has it and
 * takes a CPU in: between the two it waits for an RCU grace period, whatever the VMM.
 * lock_wait_ms() is that time of the first add since forget_lock(). */
void watch_lock(struct vm *v);
void forget_lock(struct vm *v);
double lock_wait_ms(struct vm *v);

#endif
