/* hotsocketctl: resizes a running VM and shows what the guest makes of it. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/ctl/commands.h"

/* clang-format off */
static const char help[] =
	"usage: hotsocketctl [-s SOCKET] [--json] COMMAND\n"
	"\n"
	"  get                    the VM in one line: CURRENT are the sockets that the guest\n"
	"                         has, CHANGE how the last change goes or ended\n"
	"      -o, --output yaml|json\n"
	"                         all of it, in the shape of a VirtualMachineInstance\n"
	"  status                 the VM, its sockets, and the state of each vCPU\n"
	"  resize N               asks for N sockets, and follows the guest until it runs\n"
	"                         them (or has let them go)\n"
	"      --no-wait          returns when the VM has accepted\n"
	"      --trace            and shows where the time of an add went: each step, when the\n"
	"                         last of its CPUs was there, and how long after the one before\n"
	"      --timeout SECONDS  gives up after this long (default: 120)\n"
	"  patch -p, --patch PATCH\n"
	"                         changes the VM's spec as kubectl would: spec.template.spec.domain\n"
	"                         (or spec.domain) .cpu.sockets as resize does, with its options;\n"
	"                         cores, threads and maxSockets are stored for the next start\n"
	"      --type merge|json  PATCH is an object (default), or a list of operations\n"
	"  cancel                 takes the running resize back, where the guest is not too far\n"
	"  stop                   pauses the VM\n"
	"  cont                   lets it run again\n"
	"  events                 what happened to the VM; the same again is counted\n"
	"      -o yaml|json       with the first time and the last\n"
	"      -w, --watch        instead: one line for each QMP event from now on, until ^C\n"
	"                         or the VM ends\n"
	"  metrics                counters and times, as Prometheus reads them\n"
	"  qmp REQUEST            sends one QMP request (JSON), prints the reply\n"
	"  reset                  starts the guest again, with the sockets it has\n"
	"  powerdown              asks the guest to power off, and waits until the VM ends\n"
	"      --timeout SECONDS  at most this long; the VM goes on\n"
	"  quit                   ends the VM\n"
	"\n"
	"  -s, --socket SOCKET    the VM's --qmp socket (default: $HOTSOCKET_SOCKET)\n"
	"  --json                 for programs: one JSON document, on one line; resize: the\n"
	"                         job, then its events, one a line; patch: what came of it, then\n"
	"                         the same; events --watch: the events. What is refused or\n"
	"                         failed is on stderr, and not JSON\n"
	"  -h, --help, --version\n"
	"\n"
	"exit status: 0 done, 1 refused or failed, 2 usage, 3 timed out\n";
/* clang-format on */

static const char *hint(int err, const char *path)
{
	struct stat st;

	if (err == -ECONNREFUSED && stat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return "; it is no socket. The VM's --qmp option names one";
	if (err == -ENOENT)
		return "; is the VM running? Its --qmp option names the socket";
	if (err == -ECONNREFUSED)
		return "; its VM has ended and left the socket behind";
	if (err == -EACCES)
		return "; it belongs to the user who runs the VM";
	return "";
}

static int dial(struct ctl *c, const struct ctl_options *o)
{
	json_t *refusal;
	int status, err = ctl_connect(c, o->socket);

	if (err < 0) {
		(void)fprintf(stderr, "hotsocketctl: cannot connect to %s: %s%s\n",
			      o->socket, strerrordesc_np(-err), hint(err, o->socket));
		return err == -ETIMEDOUT ? CTL_TIMED_OUT : CTL_FAILED;
	}
	err = ctl_negotiate(c, ctl_deadline(o), &refusal);
	if (err == 0)
		return CTL_DONE;
	if (err != -EPERM)
		return ctl_failed(err, "greeting us (only its user and root are served)");
	status = ctl_refused(refusal);
	json_decref(refusal);
	return status;
}

static int parse_seconds(const char *arg, long long *ms)
{
	char *end;
	double seconds = strtod(arg, &end);

	if (end == arg || *end != '\0' || !(seconds >= 0.001 && seconds <= 1e6))
		return ctl_usage("--timeout wants seconds, from 0.001 to 1e6, not ", arg);
	*ms = (long long)(seconds * 1000 + 0.5);
	return CTL_DONE;
}

static int parse_output(const char *arg, struct ctl_options *o)
{
	if (strcmp(arg, "yaml") != 0 && strcmp(arg, "json") != 0)
		return ctl_usage("-o wants yaml or json, not ", arg);
	o->output = *arg == 'y' ? OUTPUT_YAML : OUTPUT_JSON;
	return CTL_DONE;
}

static int parse_type(const char *arg, struct ctl_options *o)
{
	if (strcmp(arg, "merge") != 0 && strcmp(arg, "json") != 0)
		return ctl_usage("--type wants merge or json, not ", arg);
	o->type = arg;
	return CTL_DONE;
}

static int set_option(struct ctl_options *o, int letter)
{
	if (letter == 's')
		o->socket = optarg;
	else if (letter == 'j')
		o->json = true;
	else if (letter == 'n')
		o->no_wait = true;
	else if (letter == 'p')
		o->patch = optarg;
	else if (letter == 'T')
		return parse_type(optarg, o);
	else if (letter == 'r')
		o->trace = true;
	else if (letter == 'w')
		o->watch = true;
	else if (letter == 'o')
		return parse_output(optarg, o);
	else if (letter == 'h' || letter == 'V')
		o->text = letter == 'h' ? help : "hotsocketctl " VERSION "\n";
	else
		return letter == 't' ? parse_seconds(optarg, &o->timeout_ms) : CTL_USAGE;
	return CTL_DONE;
}

/* Whether this argument, which is being read, is a negative number with this digit. */
static bool letter_of(const char *arg, int letter)
{
	return arg[0] == '-' && arg[1] >= '0' && arg[1] <= '9' &&
	       strchr(arg, letter) != NULL;
}

/* Afterwards optind is the command. getopt_long() has said what is wrong, if it is. */
static int parse_options(int argc, char **argv, struct ctl_options *o)
{
	static const struct option longs[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "no-wait", no_argument, NULL, 'n' },
		{ "trace", no_argument, NULL, 'r' },
		{ "watch", no_argument, NULL, 'w' },
		{ "patch", required_argument, NULL, 'p' },
		{ "type", required_argument, NULL, 'T' },
		{ "output", required_argument, NULL, 'o' },
		{ "timeout", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int letter, status = CTL_DONE;
	const char *arg;

	/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
	while ((letter = getopt_long(argc, argv, "s:o:p:wh0123456789", longs, NULL)) >=
	       0) {
		arg = argv[optind < argc && letter_of(argv[optind], letter) ? optind
									    : optind - 1];
		if (letter >= '0' && letter <= '9')
			o->negative = arg;
		else
			status = set_option(o, letter);
		if (status != CTL_DONE)
			break;
	}
	return status;
}

static unsigned given(const struct ctl_options *o)
{
	return (o->no_wait ? CTL_NO_WAIT : 0u) | (o->trace ? CTL_TRACE : 0u) |
	       (o->patch || o->type ? CTL_PATCH : 0u) | (o->watch ? CTL_WATCH : 0u) |
	       (o->output != OUTPUT_TABLE ? CTL_OUTPUT : 0u);
}

static int check_options(const struct ctl_command *command, const struct ctl_options *o)
{
	static const struct {
		unsigned option;
		const char *text;
	} belongs[] = {
		{ CTL_NO_WAIT, "--no-wait belongs to resize and patch, not to " },
		{ CTL_TRACE, "--trace belongs to resize and patch, not to " },
		{ CTL_PATCH, "-p and --type belong to patch, not to " },
		{ CTL_WATCH, "--watch belongs to events, not to " },
		{ CTL_OUTPUT, "-o belongs to get and events, not to " },
	};

	for (size_t i = 0; i < sizeof(belongs) / sizeof(*belongs); i++)
		if (given(o) & ~command->takes & belongs[i].option)
			return ctl_usage(belongs[i].text, command->name);
	if (o->trace && o->no_wait)
		return ctl_usage("--trace does not go with --no-wait", "");
	if (o->json && o->output != OUTPUT_TABLE)
		return ctl_usage("-o does not go with --json", "");
	if (o->watch && o->output != OUTPUT_TABLE)
		return ctl_usage("-o does not go with --watch", "");
	return CTL_DONE;
}

static int run(const struct ctl_options *o, int nargs, char **args)
{
	static struct ctl ctl;
	const struct ctl_command *command = ctl_find(args[0]);
	json_t *request;
	int status;

	if (command == NULL)
		return ctl_usage("unknown command ", args[0]);
	if (nargs - 1 + (o->negative != NULL) != command->nargs)
		return ctl_usage("wrong number of arguments to ", args[0]);
	status = check_options(command, o);
	if (status != CTL_DONE)
		return status;
	if (o->socket == NULL || o->socket[0] == '\0')
		return ctl_usage("no socket: -s SOCKET, or $HOTSOCKET_SOCKET", "");
	request = ctl_request(command, o, o->negative != NULL ? o->negative : args[1]);
	if (request == NULL)
		return CTL_USAGE;
	status = dial(&ctl, o);
	if (status == CTL_DONE)
		return command->run(&ctl, o, request);
	json_decref(request);
	return status;
}

/* The VM's socket must not get the number of a closed standard file: what we print would
 * be sent to it. Nothing can be written to these. */
static int fill_standard_files(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	return fd < 0 ? -1 : close(fd);
}

int main(int argc, char **argv)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
	struct ctl_options o = { .socket = getenv("HOTSOCKET_SOCKET") };
	int status;

	if (fill_standard_files() < 0)
		return CTL_FAILED;
	status = parse_options(argc, argv, &o);
	(void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	if (status == CTL_DONE && o.text)
		(void)fputs(o.text, stdout);
	else if (status == CTL_DONE && optind == argc)
		status = ctl_usage("no command", "");
	else if (status == CTL_DONE)
		status = run(&o, argc - optind, argv + optind);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		(void)fprintf(stderr, "hotsocketctl: cannot write the output\n");
		return CTL_FAILED;
	}
	return status;
}
