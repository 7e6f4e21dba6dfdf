// SPDX-License-Identifier: MIT
/*
 * A random-ioctl fuzzer of /dev/pinwatch that works from a description in syzlang
 *
 * Needs root, opens the device's node to everybody, and fuzzes as nobody. Prints
 * KTAP: a test for each kind of thing that can be wrong, the counters and the kernel's
 * memory. `fuzz --seed S --only W.I` repeats one program.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "describe.h"
#include "leftover.h"
#include "leftover.h"
#include "text.h"
#include "worker.h"
#include "device_setup.h"

#define MAX_WORKERS	16
#define WARM_SHARE	10	/* of the time, before the memory is first looked at */
#define SETTLE_SECONDS	10
#define SELF_TEST_SECONDS	4	/* for each */

struct options {
	struct worker worker;
	unsigned int processes;
	unsigned int seconds;
	const char *description;
	bool busted;
	bool layout;
	bool errors;
	uint64_t print;		/* so many programs, instead of running them */
	int after_exec;
};

static struct lang lang;
static struct header header;
static int nr_tests, nr_failed;

static void test(bool passed, const char *name)
{
	printf("%sok %d %s\n", passed ? "" : "not ", ++nr_tests, name);
	nr_failed += !passed;
	fflush(stdout);
}

static void help(void)
{
	fprintf(stderr,
		"usage: %s [OPTION...]\n"
		"  --seconds N       how long (60)\n"
		"  --processes N     how many at a time (2)\n"
		"  --seed N          repeat a run's programs\n"
		"  --only W.I        program I of process W alone, printed\n"
		"  --root            do not become nobody\n"
		"  --busted          judge wrongly, in each way: that must be found\n"
		"  --print N         print N programs, run none\n"
		"  --layout          print the structures and constants of the description\n"
		"  --errors          print the errors that the header documents\n"
		"  --description F   another description than the one built in\n",
		program_invocation_short_name);
	exit(2);
}

static void option_only(struct options *options, const char *text)
{
	unsigned long long first;

	if (sscanf(text, "%u.%llu", &options->worker.number, &first) != 2)
		help();
	options->worker.first = first;
	options->worker.count = 1;
	options->worker.trace = true;
	options->processes = 1;
}

static const struct option long_options[] = {
	{ "seconds", required_argument, NULL, 's' },
	{ "processes", required_argument, NULL, 'p' },
	{ "seed", required_argument, NULL, 'S' },
	{ "only", required_argument, NULL, 'o' },
	{ "root", no_argument, NULL, 'r' },
	{ "busted", no_argument, NULL, 'b' },
	{ "print", required_argument, NULL, 'P' },
	{ "layout", no_argument, NULL, 'l' },
	{ "errors", no_argument, NULL, 'e' },
	{ "description", required_argument, NULL, 'd' },
	{ "after-exec", required_argument, NULL, 'x' },
	{ NULL, 0, NULL, 0 },
};

static void option_take(struct options *options, int option)
{
	switch (option) {
	case 's':
		options->seconds = (unsigned int)strtoul(optarg, NULL, 0);
		break;
	case 'p':
		options->processes = (unsigned int)strtoul(optarg, NULL, 0);
		break;
	case 'S':
		options->worker.seed = strtoull(optarg, NULL, 0);
		break;
	case 'o':
		option_only(options, optarg);
		break;
	case 'r':
		options->worker.privileged = true;
		break;
	case 'b':
		options->busted = true;
		break;
	case 'P':
		options->print = strtoull(optarg, NULL, 0);
		break;
	case 'l':
		options->layout = true;
		break;
	case 'e':
		options->errors = true;
		break;
	case 'd':
		options->description = optarg;
		break;
	case 'x':
		options->after_exec = atoi(optarg);
		break;
	default:
		help();
	}
}

static void options_parse(struct options *options, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) >= 0)
		option_take(options, option);
	if (optind != argc || !options->processes || options->processes > MAX_WORKERS)
		help();
}

static void programs_print(const struct options *options)
{
	static struct prog prog;
	uint64_t i;

	for (i = 0; i < options->print; i++) {
		worker_generate(&options->worker, i, &prog);
		prog_print(&prog, stdout);
	}
}

/* All workers for so long, with an eye on the memory. */
static void workers_run(const struct options *options, unsigned int seconds,
			struct memory *worst)
{
	struct worker worker = options->worker;
	unsigned int i, left = 0;

	worker.seconds = seconds;
	for (i = 0; i < options->processes; i++) {
		worker.number = options->worker.number + i;
		left += worker_start(&worker) > 0;
	}
	while (left) {
		struct memory now = memory_read();

		memory_worst(worst, &now);
		while (left && waitpid(-1, NULL, WNOHANG) > 0)
			left--;
		usleep(200000);
	}
}

/* What RCU and the workers free comes back a little later. */
static bool memory_is_back(const struct memory *start, struct memory *end)
{
	int i;

	for (i = 0; i < SETTLE_SECONDS; i++) {
		*end = memory_settled();
		if (memory_bounded(start, end))
			return true;
		sleep(1);
	}
	return false;
}

/* A fuzzer that gets nowhere finds nothing. */
static bool covered(const struct tally *tally, bool privileged)
{
	static const char *const refused[] = { "_GET_STATS", "_ATTACH", "_WATCH_STACK" };
	bool all = true;
	unsigned int i, j;

	for (i = 0; i < lang.nr_calls; i++) {
		const char *name = lang.calls[i].name;
		bool done = tally->calls[i][0];

		for (j = 0; j < 3 && !privileged; j++)
			done = done || (strstr(name, refused[j]) && tally->calls[i][EPERM]);
		/* Of that one nothing comes back. */
		done = done || !strcmp(name, "syz_pinwatch_exit");
		if (!done)
			printf("# %s: never as it should be\n", name);
		all = all && done;
	}
	return all;
}

static int fuzz(struct options *options)
{
	struct tally *tally = tally_make();
	struct memory start, worst, end;
	struct pinwatch_stats stats;
	unsigned int warm = options->seconds / WARM_SHARE;

	printf("KTAP version 1\n1..8\n# seed %llu, %u processes, %u s\n",
	       (unsigned long long)options->worker.seed, options->processes, options->seconds);
	if (!tally || !device_prepare() || !device_stats(&stats))
		return 1;
	options->worker.tally = tally;
	/* What the kernel allocates once and keeps is no leak. */
	start = memory_read();
	if (!options->worker.count)
		workers_run(options, warm, &start);
	start = memory_settled();
	worst = start;
	options->worker.first += options->worker.count ? 0 : 1ULL << 32;
	workers_run(options, options->seconds - warm, &worst);

	tally_print(tally, &lang);
	processes_print();
	test(!tally->failed[DEFECT_ERRNO], "fuzz_errnos_are_documented");
	test(!tally->failed[DEFECT_ACCEPTED], "fuzz_bad_input_is_refused");
	test(!tally->failed[DEFECT_GENERATION], "fuzz_generations_grow");
	test(!tally->failed[DEFECT_TOLD], "fuzz_secrets_are_kept");
	test(!tally->failed[DEFECT_DIED], "fuzz_processes_end");
	test(options->worker.count || covered(tally, options->worker.privileged),
	     "fuzz_reaches_every_call");
	test(device_is_back(&stats), "fuzz_counters_are_back");
	test(memory_is_back(&start, &end), "fuzz_memory_is_bounded");
	memory_print(&start, &worst, &end);
	device_restore();
	return nr_failed != 0;
}

/* A judge that says yes to everything would find nothing, either. */
static int self_test(struct options *options)
{
	static const char *const names[TALLY_DEFECTS] = {
		"fuzz_finds_errnos", "fuzz_finds_accepted", "fuzz_finds_generations",
		"fuzz_finds_told", "fuzz_finds_dead",
	};
	struct tally *tally = tally_make();
	struct memory worst = memory_read();
	struct pinwatch_stats stats;
	enum defect kind;

	printf("KTAP version 1\n1..%d\n", TALLY_DEFECTS + 1);
	if (!tally || !device_prepare() || !device_stats(&stats))
		return 1;
	tally->quiet = true;
	options->worker.tally = tally;
	for (kind = 0; kind < TALLY_DEFECTS; kind++) {
		options->worker.inject = kind;
		workers_run(options, SELF_TEST_SECONDS, &worst);
		test(tally->failed[kind], names[kind]);
	}
	/* What is in flight keeps the module, until the kernel collects it. */
	test(device_is_back(&stats), "fuzz_counters_are_back");
	device_restore();
	return nr_failed != 0;
}

int main(int argc, char **argv)
{
	static struct options options = { .processes = 2, .seconds = 60, .after_exec = -1 };

	options.worker.seed = (uint64_t)time(NULL) << 16 ^ (uint64_t)getpid();
	options.worker.lang = &lang;
	options.worker.inject = TALLY_DEFECTS;
	options.worker.header = &header;
	options_parse(&options, argc, argv);
	if (options.after_exec >= 0)
		return execution_after_exec(options.after_exec);
	describe_read(&lang, options.description);
	header_parse(&header, text_header);
	if (options.layout)
		describe_layout(&lang);
	else if (options.errors)
		describe_errors(&header);
	else if (options.print)
		programs_print(&options);
	else
		return options.busted ? self_test(&options) : fuzz(&options);
	return 0;
}
