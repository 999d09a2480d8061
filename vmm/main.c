#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "vmm/base/log.h"
#include "vmm/config/origin.h"
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

static int tell(const char *text)
{
	if (fputs(text, stdout) >= 0 && fflush(stdout) == 0)
		return 0;
	log_err("cannot write the output");
	return MACHINE_HOST_ERROR;
}

/* What is wrong by itself is refused where there is no KVM, too. 0, with the open fd of
 * KVM in *kvm_fd; or an exit status. */
static int resolve(struct spec *spec, struct topology *topo, int *kvm_fd)
{
	struct host_limits limits;
	struct text why, no_kvm;
	int err = vm_open_kvm(kvm_fd, &limits, &no_kvm);

	if (spec_resolve(spec, err < 0 ? NULL : &limits, topo, &why) == 0)
		return err < 0 ? refuse(MACHINE_HOST_ERROR, &no_kvm) : 0;
	if (err == 0)
		close(*kvm_fd);
	origin_blame_cpus(spec, -EINVAL, &why);
	return refuse(MACHINE_USAGE, &why);
}

static int run(const struct spec *given)
{
	struct spec spec = *given;
	struct topology topo;
	int kvm_fd, how;

	how = resolve(&spec, &topo, &kvm_fd);
	if (how != 0)
		return how;
	return (int)program_run(&spec, &topo, kvm_fd);
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
	int how;

	if (fill_standard_files() < 0)
		return MACHINE_HOST_ERROR;
	(void)signal(SIGPIPE, SIG_IGN); /* a reader of the console or the log may go */
	(void)signal(SIGXFSZ,
		     SIG_IGN); /* what a guest writes may reach a limit of ours */
	log_to(tty_output(STDERR_FILENO));
	if (options_parse(argc, argv, &spec, &action, &why) < 0)
		return refuse(MACHINE_USAGE, &why);
	if (action == OPTIONS_HELP)
		return tell(options_help);
	if (action == OPTIONS_VERSION)
		return tell("hotsocket " VERSION "\n");
	allow_all_files();
	how = run(&spec);
	options_close(&spec);
	return how;
}
