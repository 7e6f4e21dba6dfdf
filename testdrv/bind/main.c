// SPDX-License-Identifier: MIT
/* pinwatch-bind: bind stock modules to pinwatch, or say which call the interval notifier */
#include <getopt.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "audit.h"
#include "file.h"
#include "libpinwatch.h"
#include "output.h"
#include "set.h"

/* Exit statuses, as in the manual page */
enum status {
	STATUS_OK = 0,
	STATUS_BAD = 1,		/* refused, or a file could not be read or written */
	STATUS_USAGE = 2,	/* the command line is wrong */
};

struct arguments {
	bool audit, json, force;
	const char *release;
	const char *modules;	/* directory */
	const char *pinwatch;	/* file */
	const char *output;	/* directory */
	char **names;
	int nr_names;
};

static const char usage[] =
	"Usage: pinwatch-bind --output DIRECTORY [OPTION...] MODULE...\n"
	"       pinwatch-bind --audit [OPTION...] [MODULE...]\n\n"
	"Write copies of modules of the kernel that use pinwatch's interval notifier instead\n"
	"of the kernel's. MODULE is a name, or a file that ends in .ko or .ko.xz.\n\n"
	"  --output DIRECTORY  write the copies there\n"
	"  --audit             print which modules call which functions of the interval\n"
	"                      notifier, and which must be bound together (all modules)\n"
	"  --json              print JSON (with --audit)\n"
	"  --force             bind a part of a group, or without the other modules\n"
	"  --kernel RELEASE    modules of this kernel (that of uname -r)\n"
	"  --modules DIRECTORY find modules there (/lib/modules/RELEASE/kernel)\n"
	"  --pinwatch FILE     pinwatch's module (/lib/modules/RELEASE/updates/dkms/pinwatch.ko)\n"
	"  --help, --version\n";

static int usage_error(const char *text)
{
	if (text)
		fprintf(stderr, "pinwatch-bind: %s\n", text);
	fputs("Try 'pinwatch-bind --help'.\n", stderr);
	return STATUS_USAGE;
}

static int refuse(const char *what, const struct reason *why)
{
	fprintf(stderr, "pinwatch-bind: %s: %s\n", what, why->text);
	return STATUS_BAD;
}

static bool is_file(const char *name)
{
	return strchr(name, '/') || file_is_module(name);
}

static bool all_files(const struct arguments *arguments)
{
	int i;

	for (i = 0; i < arguments->nr_names; i++)
		if (!is_file(arguments->names[i]))
			return false;
	return arguments->nr_names;
}

static int choose_all(const struct arguments *arguments, struct set *set)
{
	struct reason why;
	int i, status = STATUS_OK;
	const char *name;

	for (i = 0; i < arguments->nr_names; i++) {
		name = arguments->names[i];
		if (is_file(name) ? set_choose_file(set, name, &why) :
		    set_choose_name(set, name, &why))
			status = refuse(name, &why);
	}
	return status;
}

/* The directory is not needed for files, if --force makes up for the missing groups. */
static int scan(const struct arguments *arguments, struct set *set)
{
	bool optional = arguments->force && all_files(arguments);
	struct reason why;
	char *path;
	int ret;

	if (optional && !arguments->modules)
		return STATUS_OK;
	if (asprintf(&path, "/lib/modules/%s/kernel", arguments->release) < 0)
		return STATUS_BAD;
	ret = set_scan(set, arguments->modules ?: path, &why);
	if (ret < 0)
		refuse(arguments->modules ?: path, &why);
	free(path);
	return ret && !arguments->force ? STATUS_BAD : STATUS_OK;
}

/* Return the path of the installed pinwatch.ko, or NULL. */
static char *pinwatch_find(const char *release)
{
	char *pattern, *path = NULL;
	glob_t found;

	if (asprintf(&pattern, "/lib/modules/%s/{updates/dkms,updates,extra}/pinwatch.ko{,.xz}",
		     release) < 0)
		return NULL;
	if (!glob(pattern, GLOB_BRACE, NULL, &found)) {
		path = strdup(found.gl_pathv[0]);
		globfree(&found);
	}
	free(pattern);
	return path;
}

static int pinwatch_read(const struct arguments *arguments, struct ko *pinwatch)
{
	char *found = arguments->pinwatch ? NULL : pinwatch_find(arguments->release);
	const char *path = arguments->pinwatch ?: found;
	struct reason why;
	int status = STATUS_OK;

	if (!path) {
		fprintf(stderr, "pinwatch-bind: pinwatch.ko is not installed for %s (--pinwatch)\n",
			arguments->release);
		return STATUS_BAD;
	}
	if (ko_read(pinwatch, path, &why))
		status = refuse(path, &why);
	free(found);
	return status;
}

static int bind_modules(const struct arguments *arguments, struct set *set)
{
	struct ko pinwatch = { 0 };
	int status = STATUS_BAD;

	if (!arguments->force && output_check_groups(set))
		return STATUS_BAD;
	if (!pinwatch_read(arguments, &pinwatch) &&
	    !output_write(set, &pinwatch, arguments->output))
		status = STATUS_OK;
	ko_free(&pinwatch);
	return status;
}

static int audit(const struct arguments *arguments, const struct set *set)
{
	bool ok = arguments->json ? audit_print_json(set) : audit_print(set);

	if (!ok)
		fputs("pinwatch-bind: standard output: write error\n", stderr);
	return ok ? STATUS_OK : STATUS_BAD;
}

/* An audit prints what could be read; a copy is not made without the whole picture. */
static int run_on(const struct arguments *arguments, struct set *set)
{
	int chosen, scanned = scan(arguments, set);

	chosen = choose_all(arguments, set);
	set_sort(set);
	group_find(set);
	if (arguments->audit)
		return audit(arguments, set) ?: scanned ?: chosen;
	return scanned ?: chosen ?: bind_modules(arguments, set);
}

static int run(const struct arguments *arguments)
{
	struct set set = { 0 };
	int status = run_on(arguments, &set);

	set_free(&set);
	return status;
}

static int check_arguments(const struct arguments *arguments)
{
	if (arguments->audit && arguments->output)
		return usage_error("--audit writes no copies: --output has no use");
	if (arguments->json && !arguments->audit)
		return usage_error("--json is for --audit");
	if (!arguments->audit && (!arguments->output || !arguments->nr_names))
		return usage_error("--output DIRECTORY and a MODULE are needed, or --audit");
	return STATUS_OK;
}

/* Returns false for an option that ends the program, or is unknown. */
static bool set_option(struct arguments *arguments, int opt)
{
	switch (opt) {
	case 'a':
		arguments->audit = true;
		return true;
	case 'j':
		arguments->json = true;
		return true;
	case 'f':
		arguments->force = true;
		return true;
	case 'k':
		arguments->release = optarg;
		return true;
	case 'm':
		arguments->modules = optarg;
		return true;
	case 'p':
		arguments->pinwatch = optarg;
		return true;
	case 'o':
		arguments->output = optarg;
		return true;
	}
	return false;
}

static int print_text(const char *text)
{
	return fputs(text, stdout) < 0 || fflush(stdout) ? STATUS_BAD : STATUS_OK;
}

static const struct option longopts[] = {
	{ "audit", no_argument, NULL, 'a' },
	{ "json", no_argument, NULL, 'j' },
	{ "force", no_argument, NULL, 'f' },
	{ "kernel", required_argument, NULL, 'k' },
	{ "modules", required_argument, NULL, 'm' },
	{ "pinwatch", required_argument, NULL, 'p' },
	{ "output", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'v' },
	{ 0 },
};

int main(int argc, char **argv)
{
	struct arguments arguments = { 0 };
	struct utsname name;
	int opt, status;

	uname(&name);
	arguments.release = name.release;
	while ((opt = getopt_long(argc, argv, "h", longopts, NULL)) != -1) {
		if (opt == 'h')
			return print_text(usage);
		if (opt == 'v')
			return print_text("pinwatch-bind " LIBPINWATCH_VERSION "\n");
		if (!set_option(&arguments, opt))
			return usage_error(NULL);
	}
	arguments.names = argv + optind;
	arguments.nr_names = argc - optind;
	status = check_arguments(&arguments);
	return status ?: run(&arguments);
}
