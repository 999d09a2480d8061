#include "vmm/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#include "vmm/base/log.h"
#include "vmm/boot/arch_boot.h"
#include "vmm/config/host_config.h"
#include "vmm/config/manifest.h"
#include "vmm/config/option.h"
#include "vmm/config/origin.h"
#include "vmm/config/refusal.h"
#include "vmm/config/spec_file.h"

/* What the command line says beside the spec. */
struct order {
	const char *spec, *manifest, *config; /* files, or NULL */
	enum options_action action;
};

/* Whether the rest of the line is left unread. */
static bool obey(struct order *o, enum option_id id, const char *value)
{
	switch (id) {
	case OPTION_spec:
		o->spec = value;
		return false;
	case OPTION_manifest:
		o->manifest = value;
		return false;
	case OPTION_config:
		o->config = value;
		return false;
	case OPTION_check:
		o->action = OPTIONS_CHECK;
		return false;
	case OPTION_verbose:
		log_set_level(LOG_INFO);
		return false;
	case OPTION_help:
		o->action = OPTIONS_HELP;
		return true;
	case OPTION_version:
		o->action = OPTIONS_VERSION;
		return true;
	default:
		return false;
	}
}

static void fill_longs(struct option longs[OPTION_COUNT + 1])
{
	for (int i = 0; i < OPTION_COUNT; i++)
		longs[i] = (struct option){
			.name = option_rows[i].name,
			.has_arg = option_rows[i].argument != NULL ? required_argument
								   : no_argument,
			.val = i,
		};
	longs[OPTION_COUNT] = (struct option){ 0 };
}

/* As getopt() says it. One dash will do, as QEMU's users write it. */
static int next_option(int argc, char **argv, const struct option *longs)
{
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread yet */
	return getopt_long_only(argc, argv, ":", longs, NULL);
}

static int read_options(int argc, char **argv, struct spec *s, struct order *o,
			struct text *why)
{
	struct option longs[OPTION_COUNT + 1];
	bool done = false;
	int c, err = 0;

	fill_longs(longs);
	opterr = 0;
	optind = 0; /* from the start, also when it has been there */
	while (!done && err == 0 && (c = next_option(argc, argv, longs)) != -1) {
		if (c == ':')
			return text_set(why, -EINVAL, refuse_option_no_value,
					argv[optind - 1]);
		if (c == '?')
			return text_set(why, -EINVAL, refuse_option_unknown,
					argv[optind - 1]);
		if (option_rows[c].of_spec)
			err = option_set((enum option_id)c, optarg, false, s, why);
		else
			done = obey(o, (enum option_id)c, optarg);
	}
	if (err == 0 && !done && optind < argc)
		return text_set(why, -EINVAL, refuse_option_unknown, argv[optind]);
	return err;
}

static int read_file(const struct order *o, struct spec *s, struct text *why)
{
	if (o->spec != NULL && o->manifest != NULL)
		return text_set(why, -EINVAL, refuse_spec_and_manifest);
	if (o->manifest != NULL)
		return manifest_open(o->manifest, s, why);
	return spec_file_open(o->spec, s, why);
}

static int check(const struct spec *s, struct text *why)
{
	enum option_id which;

	if (s->kernel == NULL)
		return origin_blame_kernel(s, text_set(why, -EINVAL, refuse_no_kernel),
					   why);
	if (arch_check(s, &which, why) < 0)
		return origin_blame(s, which, -EINVAL, why);
	return 0;
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
	const struct spec defaults = {
		.memory = UINT64_C(512) << 20,
		.cpus = { .sockets = 1, .cores = 1, .threads = 1 },
		.serial = "stdio",
	};
	struct order o = { .action = OPTIONS_RUN };
	int err;

	*s = defaults;
	err = read_options(argc, argv, s, &o, why);
	*action = o.action;
	if (err < 0 || o.action == OPTIONS_HELP || o.action == OPTIONS_VERSION)
		return err;
	if (o.spec != NULL || o.manifest != NULL) {
		*s = defaults;
		err = read_file(&o, s, why);
		if (err == 0)
			err = read_options(argc, argv, s, &o, why);
	}
	if (err == 0)
		err = host_config_read(o.config, &s->policy, why);
	if (err == 0)
		err = check(s, why);
	if (err < 0)
		options_close(s);
	else
		tell_ignored(s->from.manifest);
	return err;
}
