// SPDX-License-Identifier: MIT
/* Find and run the verb; main() of pinwatch and of pinwatch-demo. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libpinwatch.h"
#include "verb.h"

const struct verb *verb_find(const char *name)
{
	const struct verb *const *verb;

	if (!strcmp(name, "--help") || !strcmp(name, "-h"))
		return &verb_help;
	if (!strcmp(name, "--version"))
		return &verb_version;
	for (verb = program.verbs; *verb; verb++)
		if (!strcmp((*verb)->name, name))
			return *verb;
	return NULL;
}

void verb_print_help(const struct verb *verb)
{
	printf("Usage: %s %s%s%s\n\n%s.\n", program.name, verb->name,
	       verb->usage[0] ? " " : "", verb->usage, verb->summary);
	if (verb->help[0])
		printf("\n%s", verb->help);
}

int verb_usage_error(const struct verb *verb)
{
	fprintf(stderr, "Try '%s %s --help'.\n", program.name, verb->name);
	return STATUS_USAGE;
}

static const char *error_hint(int error)
{
	switch (-error) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		return " (is the module loaded?)";
	case EACCES:
	case EPERM:
		return " (it needs root)";
	case EPROTO:
		return " (module and tool have different versions)";
	}
	return "";
}

int verb_device_error(const char *what, int error)
{
	fprintf(stderr, "%s: %s: %s%s\n", program.name, what, strerror(-error),
		error_hint(error));
	return STATUS_DEVICE;
}

int verb_check_device(const char *path)
{
	struct pinwatch *dev;
	int ret = pinwatch_open(&dev, path, 0);

	if (ret)
		return verb_device_error(path ? path : PINWATCH_DEVICE, ret);
	pinwatch_close(dev);
	return STATUS_OK;
}

int verb_finish_output(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	fprintf(stderr, "%s: standard output: %s\n", program.name, strerror(errno));
	return STATUS_BAD;
}

int main(int argc, char **argv)
{
	const struct verb *verb;

	if (argc < 2) {
		fprintf(stderr, "%s: no verb given\n", program.name);
		return verb_usage_error(&verb_help);
	}
	verb = verb_find(argv[1]);
	if (!verb) {
		fprintf(stderr, "%s: unknown verb '%s'\n", program.name, argv[1]);
		return verb_usage_error(&verb_help);
	}
	if (argc > 2 && (!strcmp(argv[2], "--help") || !strcmp(argv[2], "-h"))) {
		verb_print_help(verb);
		return verb_finish_output(STATUS_OK);
	}
	return verb_finish_output(verb->run(argc - 1, argv + 1));
}
