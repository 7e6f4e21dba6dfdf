// SPDX-License-Identifier: MIT
/* The verb mr: run a program, and report registrations whose pages are exchanged. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mr_watch.h"
#include "verb.h"

#define PRELOAD	"libpinwatch-mr.so"

#ifndef MULTIARCH	/* the Makefile asks the compiler */
#define MULTIARCH "."
#endif

struct options {
	bool json;
	int exit_code;		/* with findings; -1: of the program */
	const char *output;
	char **command;
};

/* Where the preload may be, from the directory of the tool: built, installed */
static const char *const places[] = {
	"../fabric/" PRELOAD,
	"../lib/" MULTIARCH "/pinwatch/" PRELOAD,
	"../lib/pinwatch/" PRELOAD,
};

/* Write the absolute path of the preload to @path. */
static bool preload_find(char path[PATH_MAX])
{
	char directory[PATH_MAX], place[PATH_MAX + 64];
	ssize_t length = readlink("/proc/self/exe", directory, sizeof(directory) - 1);
	size_t i;

	if (length <= 0)
		return false;
	directory[length] = '\0';
	*strrchr(directory, '/') = '\0';
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(place, sizeof(place), "%s/%s", directory, places[i]);
		if (realpath(place, path))
			return true;
	}
	return false;
}

/* In the child. */
static void environment_set(const struct mr_watch *watch, const char *preload)
{
	const char *others = getenv("LD_PRELOAD");
	char *value = NULL;

	if (others && others[0] && asprintf(&value, "%s:%s", preload, others) < 0)
		_exit(126);
	setenv("LD_PRELOAD", value ? value : preload, 1);
	setenv(MR_ENVIRONMENT, watch->path, 1);
}

/* @set: the signals that the caller has blocked. */
static pid_t program_start(const struct mr_watch *watch, const struct options *options,
			   const char *preload, const sigset_t *set)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	sigprocmask(SIG_UNBLOCK, set, NULL);
	environment_set(watch, preload);
	execvp(options->command[0], options->command);
	fprintf(stderr, "pinwatch: %s: %s\n", options->command[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/*
 * SIGINT and SIGQUIT of the terminal reach the program, too: the tool waits for its end.
 * SIGTERM is passed on.
 */
static int signals_open(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGQUIT);
	sigaddset(set, SIGTERM);
	sigprocmask(SIG_BLOCK, set, NULL);
	return signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void signals_handle(int fd, pid_t pid)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo == SIGTERM)
			kill(pid, SIGTERM);
}

/* Watch until the program ends. Returns 0 and sets @status, or returns -errno. */
static int program_watch(struct mr_watch *watch, int signals, pid_t pid, int *status)
{
	int ret = 0;

	/* A SIGCHLD between waitpid() and poll() leaves @signals readable. */
	while (!ret && waitpid(pid, status, WNOHANG) != pid) {
		ret = mr_watch_wait(watch, signals);
		signals_handle(signals, pid);
	}
	/* Its last events were queued before it ended. */
	mr_watch_handle(watch);
	return ret;
}

static int exit_status(const struct mr_watch *watch, const struct options *options, int status)
{
	if (watch->nr_findings && options->exit_code >= 0)
		return options->exit_code;
	if (watch->error)
		return STATUS_BAD;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int program_run(struct mr_watch *watch, const struct options *options,
		       const char *preload)
{
	sigset_t set;
	int ret, status = 0, signals = signals_open(&set);
	pid_t pid = signals < 0 ? -1 : program_start(watch, options, preload, &set);

	if (pid < 0) {
		fprintf(stderr, "pinwatch: %s\n", strerror(errno));
		return STATUS_BAD;
	}
	ret = program_watch(watch, signals, pid, &status);
	close(signals);
	if (ret)
		watch->error = ret;
	mr_print_summary(watch, status);
	if (watch->error)
		fprintf(stderr, "pinwatch: findings may be missing: %s\n",
			strerror(-watch->error));
	return exit_status(watch, options, status);
}

static int output_open(struct mr_watch *watch, const char *path)
{
	watch->output = path ? fopen(path, "we") : stderr;
	if (watch->output)
		return STATUS_OK;
	fprintf(stderr, "pinwatch: %s: %s\n", path, strerror(errno));
	return STATUS_BAD;
}

static int output_close(struct mr_watch *watch, int status)
{
	bool failed = ferror(watch->output);

	if (watch->output != stderr && fclose(watch->output))
		failed = true;
	if (!failed)
		return status;
	fprintf(stderr, "pinwatch: the output could not be written\n");
	return STATUS_BAD;
}

static int mr_start(const struct options *options)
{
	struct mr_watch watch = { .json = options->json };
	char preload[PATH_MAX];
	int ret;

	if (!preload_find(preload)) {
		fprintf(stderr, "pinwatch: " PRELOAD " is not installed beside the tool\n");
		return STATUS_DEVICE;
	}
	ret = verb_check_device(NULL);
	if (ret)
		return ret;
	ret = output_open(&watch, options->output);
	if (ret)
		return ret;
	ret = mr_watch_open(&watch);
	if (ret) {
		fprintf(stderr, "pinwatch: %s: %s\n", watch.path, strerror(-ret));
		return output_close(&watch, STATUS_BAD);
	}
	ret = program_run(&watch, options, preload);
	mr_watch_close(&watch);
	return output_close(&watch, ret);
}

static bool status_parse(const char *text, int *status)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || *text == '-' || value > 255)
		return false;
	*status = value ? (int)value : -1;
	return true;
}

static int mr_main(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "exit-code", required_argument, NULL, 'e' },
		{ "json", no_argument, NULL, 'j' },
		{ "output", required_argument, NULL, 'o' },
		{ 0 },
	};
	struct options options = { .exit_code = STATUS_BAD };
	bool valid = true;
	int opt;

	/* Options behind PROGRAM are those of PROGRAM. */
	while (valid && (opt = getopt_long(argc, argv, "+", longopts, NULL)) != -1) {
		if (opt == 'e')
			valid = status_parse(optarg, &options.exit_code);
		else if (opt == 'j')
			options.json = true;
		else if (opt == 'o')
			options.output = optarg;
		else
			valid = false;
	}
	if (!valid || optind == argc)
		return verb_usage_error(&verb_mr);
	options.command = argv + optind;
	return mr_start(&options);
}

const struct verb verb_mr = {
	.name = "mr",
	.summary = "Run a program, and print RDMA registrations whose pages are exchanged",
	.usage = "[--json] [--output FILE] [--exit-code N] -- PROGRAM [ARGUMENTS]",
	.help =
		"Watches the memory of each ibv_reg_mr() until ibv_dereg_mr(). Prints where a buffer\n"
		"was registered whose pages were exchanged meanwhile, by which cause and thread, and\n"
		"where the buffer is posted afterwards. Calls that do not go through libibverbs.so,\n"
		"ibv_wr_*, mlx5dv, ibv_reg_dmabuf_mr() and ibv_reg_mr_ex() are not seen.\n\n"
		"  --exit-code N   status if there are findings (default 1); 0: of PROGRAM\n"
		"  --json          print one JSON value a line\n"
		"  --output FILE   print to FILE instead of standard error\n",
	.run = mr_main,
};
