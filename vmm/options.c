#include "vmm/options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <string.h>

#include "vmm/base/log.h"
#include "vmm/boot/arch_boot.h"
#include "vmm/config/host_config.h"
#include "vmm/config/manifest.h"
#include "vmm/config/origin.h"
#include "vmm/config/refusal.h"
#include "vmm/config/serial.h"
#include "vmm/config/spec_file.h"
#include "vmm/config/spec_parse.h"

/* clang-format off */
const char options_help[] =
	"usage: hotsocket --kernel FILE [options]\n"
	"       hotsocket --spec FILE [options]\n"
	"       hotsocket --manifest FILE [options]\n"
	"\n"
	"Runs one KVM virtual machine whose CPUs can be added and taken away while it runs.\n"
	"\n"
	"  --spec FILE      a JSON file with these options, spelt without --, as\n"
	"                   {\"kernel\": \"vmlinuz\", \"memory\": \"2G\",\n"
	"                    \"cpus\": {\"sockets\": 2, \"maxSockets\": 8}}.\n"
	"                   The command line overrides it. The number of sockets that the VM\n"
	"                   has, and what is patched, are written back, so that it starts\n"
	"                   with them the next time.\n"
	"  --manifest FILE  a KubeVirt VirtualMachine or VirtualMachineInstance, YAML or JSON:\n"
	"                   its domain's CPUs and memory, and kernelPath, initrdPath and\n"
	"                   kernelArgs of its firmware.kernelBoot, as paths of this host. The\n"
	"                   command line overrides it. What has no meaning here is named and\n"
	"                   ignored.\n"
	"guest:\n"
	"  --kernel FILE    x86_64: a Linux bzImage, or an ELF file with a PVH entry note;\n"
	"                   aarch64: a Linux Image, not compressed\n"
	"  --initrd FILE    initial ramdisk\n"
	"  --append TEXT    kernel command line\n"
	"  --memory SIZE    guest memory: MiB, or with a suffix K, M, G, T (default 512M)\n"
	"  --cpus LIST      sockets=N,cores=N,threads=N,maxSockets=N, each optional\n"
	"                   (default 1 each, and maxSockets as the host configuration says).\n"
	"                   vCPUs = sockets x cores x threads; the unit of hotplug is a socket.\n"
	"  --boot WHAT      what describes the hardware to the guest: acpi (default), or dt, a\n"
	"                   device tree (aarch64 only): CPUs that are added or taken away are\n"
	"                   not announced then, the guest has to turn them on and off itself\n"
	"host:\n"
	"  --config FILE    the host configuration (default " HOST_CONFIG_DEFAULT ", if there\n"
	"                   is one): {\"maxCpuSockets\": 16} is the maxSockets of VMs that do\n"
	"                   not set it; else that is maxHotplugRatio (default 4) x sockets, with\n"
	"                   not more than maxVcpus (default 512) vCPUs.\n"
	"  --qmp PATH       control socket for hotsocketctl or any QMP client (mode 0600)\n"
	"  --serial WHERE   the guest's console: stdio (default), none, file:PATH[,size=N], or\n"
	"                   socket:PATH. On a terminal Ctrl-A x ends the VM, and Ctrl-A\n"
	"                   Ctrl-A sends one Ctrl-A.\n"
	"  --metrics-file F keeps F for node exporter's textfile collector: written within a\n"
	"                   second of a change, at most once a second; removed at the end\n"
	"  --guest-eject P  what to do when the guest ejects a CPU that nobody asked for:\n"
	"                   accept (default), or refuse\n"
	"  --on-reset WHAT  what a reset or a triple fault does: restart the guest in place,\n"
	"                   with the sockets it has (default), or exit\n"
	"  --verbose        tell on stderr what happens (twice: more)\n"
	"  --help, --version\n"
	"\n"
	"exit status:\n"
	"  0  the guest powered off, or quit, Ctrl-A x or a signal ended it\n"
	"  1  it could not start, or the host failed\n"
	"  2  the command line or the configuration is refused; nothing was started\n"
	"  3  a reset, with --on-reset exit\n"
	"  4  a triple fault, with --on-reset exit; without, more than 5 within 10 s\n"
	"  5  KVM cannot run the guest (internal error, failed entry)\n";
/* clang-format on */

static int check(const struct spec *s, int argc, char **argv, struct text *why)
{
	struct serial serial;
	int err;

	if (optind < argc)
		return text_set(why, -EINVAL, refuse_option_unknown, argv[optind]);
	if (s->kernel == NULL)
		return origin_blame_kernel(s, text_set(why, -EINVAL, refuse_no_kernel),
					   why);
	err = arch_check(s, why);
	if (err < 0)
		return err;
	return serial_parse(s->serial, &serial, why);
}

/* The files that the command line names, or NULL. */
struct files {
	const char *spec, *manifest, *config;
};

static int read_options(int argc, char **argv, struct spec *s, struct files *files,
			enum options_action *action, struct text *why)
{
	enum {
		SPEC,
		MANIFEST,
		CONFIG,
		KERNEL,
		INITRD,
		APPEND,
		MEMORY,
		CPUS,
		BOOT,
		QMP,
		SERIAL,
		METRICS_FILE,
		GUEST_EJECT,
		ON_RESET,
		VERBOSE,
		HELP,
		VERS
	};
	static const struct option longs[] = {
		{ "spec", required_argument, NULL, SPEC },
		{ "manifest", required_argument, NULL, MANIFEST },
		{ "config", required_argument, NULL, CONFIG },
		{ "kernel", required_argument, NULL, KERNEL },
		{ "initrd", required_argument, NULL, INITRD },
		{ "append", required_argument, NULL, APPEND },
		{ "memory", required_argument, NULL, MEMORY },
		{ "cpus", required_argument, NULL, CPUS },
		{ "boot", required_argument, NULL, BOOT },
		{ "qmp", required_argument, NULL, QMP },
		{ "serial", required_argument, NULL, SERIAL },
		{ "metrics-file", required_argument, NULL, METRICS_FILE },
		{ "guest-eject", required_argument, NULL, GUEST_EJECT },
		{ "on-reset", required_argument, NULL, ON_RESET },
		{ "verbose", no_argument, NULL, VERBOSE },
		{ "help", no_argument, NULL, HELP },
		{ "version", no_argument, NULL, VERS },
		{ NULL, 0, NULL, 0 },
	};
	int c, err = 0, verbose = 0;

	*action = OPTIONS_RUN;
	opterr = 0;
	optind = 0; /* from the start, also when it has been there */
	/* One dash will do, as QEMU's users write it.
	 * NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread yet */
	while (err == 0 && (c = getopt_long_only(argc, argv, ":", longs, NULL)) != -1) {
		switch (c) {
		case SPEC:
			files->spec = optarg;
			break;
		case MANIFEST:
			files->manifest = optarg;
			break;
		case CONFIG:
			files->config = optarg;
			break;
		case KERNEL:
			s->kernel = optarg;
			break;
		case INITRD:
			s->initrd = optarg;
			break;
		case APPEND:
			s->append = optarg;
			break;
		case MEMORY:
			err = spec_parse_memory(optarg, s, why);
			break;
		case CPUS:
			err = spec_parse_cpus(optarg, s, why);
			break;
		case BOOT:
			err = spec_parse_boot(optarg, s, why);
			break;
		case QMP:
			s->qmp = optarg;
			break;
		case SERIAL:
			s->serial = optarg;
			break;
		case METRICS_FILE:
			s->metrics_file = optarg;
			break;
		case GUEST_EJECT:
			err = spec_parse_guest_eject(optarg, s, why);
			break;
		case ON_RESET:
			err = spec_parse_on_reset(optarg, s, why);
			break;
		case VERBOSE:
			log_set_level(++verbose > 1 ? LOG_DEBUG : LOG_INFO);
			break;
		case HELP:
			*action = OPTIONS_HELP;
			return 0;
		case VERS:
			*action = OPTIONS_VERSION;
			return 0;
		case ':':
			return text_set(why, -EINVAL, refuse_option_no_value,
					argv[optind - 1]);
		default:
			return text_set(why, -EINVAL, refuse_option_unknown,
					argv[optind - 1]);
		}
	}
	return err;
}

static int read_spec_file(const char *path, struct spec *s, struct text *why)
{
	struct serial serial;
	int err = spec_file_open(path, s, why);

	if (err == 0 && serial_parse(s->serial, &serial, why) < 0)
		err = spec_file_blame(s->from.file, "serial", -EINVAL, why);
	return err;
}

static int read_files(const struct files *files, struct spec *s, struct text *why)
{
	if (files->spec != NULL && files->manifest != NULL)
		return text_set(why, -EINVAL, refuse_spec_and_manifest);
	if (files->manifest != NULL)
		return manifest_open(files->manifest, s, why);
	return read_spec_file(files->spec, s, why);
}

static void tell_ignored(const struct manifest *m)
{
	if (m != NULL && manifest_ignored(m)[0] != '\0')
		log_warn("%s: ignored, as it means nothing here: %s", manifest_name(m),
			 manifest_ignored(m));
}

void options_close(struct spec *s)
{
	origin_close(s);
}

/* The command line is read twice: what it says comes after what the file says. */
int options_parse(int argc, char **argv, struct spec *s, enum options_action *action,
		  struct text *why)
{
	const struct spec defaults = { .memory = UINT64_C(512) << 20,
				       .cpus = { .sockets = 1, .cores = 1, .threads = 1 },
				       .serial = "stdio" };
	struct files files = { NULL, NULL, NULL };
	int err;

	*s = defaults;
	err = read_options(argc, argv, s, &files, action, why);
	if (err < 0 || *action != OPTIONS_RUN)
		return err;
	if (files.spec != NULL || files.manifest != NULL) {
		*s = defaults;
		err = read_files(&files, s, why);
		if (err == 0)
			err = read_options(argc, argv, s, &files, action, why);
	}
	if (err == 0)
		err = host_config_read(files.config, &s->policy, why);
	if (err == 0)
		err = check(s, argc, argv, why);
	if (err < 0)
		options_close(s);
	else
		tell_ignored(s->from.manifest);
	return err;
}
