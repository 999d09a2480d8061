#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "vmm/base/log.h"
#include "vmm/boot/boot_files.h"
#include "vmm/config/origin.h"
#include "vmm/help.h"
#include "vmm/kvm/vm.h"
#include "vmm/machine/ending.h"
#include "vmm/machine/tty.h"
#include "vmm/options.h"
#include "vmm/program.h"

static int refuse(enum machine_exit how, const struct text *why)
{
	log_err("%s", why->s);
	return (int)how;
}

/* What was printed on stdout is there. 0, or an exit status. */
static int told(void)
{
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return 0;
	log_err("cannot write the output");
	return MACHINE_HOST_ERROR;
}

/* What is wrong by itself is refused where KVM cannot be opened, too. 0, and *kvm_fd is
 * open, or -1 and *no_kvm says why; or an exit status. */
static int resolve(struct spec *spec, struct topology *topo, int *kvm_fd,
		   struct text *no_kvm)
{
	struct host_limits limits;
	struct text why;
	bool has_kvm = vm_open_kvm(kvm_fd, &limits, no_kvm) == 0;

	if (!has_kvm)
		*kvm_fd = -1;
	if (spec_resolve(spec, has_kvm ? &limits : NULL, topo, &why) == 0)
		return 0;
	if (has_kvm)
		close(*kvm_fd);
	origin_blame_cpus(spec, -EINVAL, &why);
	return refuse(MACHINE_USAGE, &why);
}

static int check_boot_files(const struct spec *spec, struct text *why)
{
	struct boot_files files;
	int err = boot_files_open(&files, spec, why);

	if (err == 0) {
		err = boot_files_check(&files, why);
		boot_files_close(&files);
	}
	return err;
}

/* Says in one line what would be started, and makes nothing. */
static int check(struct spec *spec)
{
	struct text why, no_kvm, line;
	struct topology topo;
	int kvm_fd, how = resolve(spec, &topo, &kvm_fd, &no_kvm);

	if (how != 0)
		return how;
	if (kvm_fd >= 0)
		close(kvm_fd);
	if (check_boot_files(spec, &why) < 0)
		return refuse(MACHINE_HOST_ERROR, &why);
	text_set(&line, 0,
		 "would start sockets %" PRIu32 ", maxSockets %" PRIu32
		 " (%s), cores %" PRIu32 ", threads %" PRIu32 ": %" PRIu32 " of %" PRIu32
		 " vCPUs, memory %" PRIu64 "M",
		 spec->cpus.sockets, topo.max_sockets, spec_limit_source(spec).s,
		 topo.cores, topo.threads, spec->cpus.sockets * topo.per_socket,
		 topo.max_vcpus, spec->memory >> 20);
	(void)fputs(line.s, stdout);
	if (kvm_fd < 0)
		(void)printf(", as far as can be told without KVM (%s)", no_kvm.s);
	(void)fputc('\n', stdout);
	return told();
}

#define FILES_PER_VCPU 2
#define FILES_BESIDE   100 /* the VM's, its files, clients */

/* Said at the start, where it can be mended: later it refuses a resize. */
static void warn_of_few_files(const struct topology *t)
{
	uint64_t takes = (uint64_t)t->max_vcpus * FILES_PER_VCPU + FILES_BESIDE;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < takes)
		log_warn("%" PRIu32 " vCPUs take up to %" PRIu64
			 " descriptors, and the limit "
			 "is %" PRIu64 " (ulimit -Hn): the VM cannot have all of them",
			 t->max_vcpus, takes, (uint64_t)files.rlim_cur);
}

static int run(struct spec *spec)
{
	struct topology topo;
	struct text no_kvm;
	int kvm_fd, how = resolve(spec, &topo, &kvm_fd, &no_kvm);

	if (how != 0)
		return how;
	if (kvm_fd < 0)
		return refuse(MACHINE_HOST_ERROR, &no_kvm);
	warn_of_few_files(&topo);
	return (int)program_run(spec, &topo, kvm_fd);
}

/* A descriptor of ours that got the number of a closed standard file would be taken for
 * it. */
static int fill_standard_files(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	return fd < 0 ? -1 : close(fd);
}

/* Each vCPU has two descriptors. */
static void allow_all_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files); /* what there is may do */
	}
}

int main(int argc, char **argv)
{
	enum options_action action;
	struct spec spec;
	struct text why;
	int how = MACHINE_USAGE;

	if (fill_standard_files() < 0)
		return MACHINE_HOST_ERROR;
	(void)signal(SIGPIPE, SIG_IGN); /* a reader of the console or the log may go */
	(void)signal(SIGXFSZ,
		     SIG_IGN); /* what a guest writes may reach a limit of ours */
	log_to(tty_output(STDERR_FILENO));
	if (options_parse(argc, argv, &spec, &action, &why) < 0)
		return refuse(MACHINE_USAGE, &why);
	switch (action) {
	case OPTIONS_HELP:
		help_print(stdout);
		return told();
	case OPTIONS_VERSION:
		(void)puts("hotsocket " VERSION);
		return told();
	case OPTIONS_CHECK:
		how = check(&spec);
		break;
	case OPTIONS_RUN:
		allow_all_files();
		how = run(&spec);
		break;
	}
	options_close(&spec);
	return how;
}
