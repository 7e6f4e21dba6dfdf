// SPDX-License-Identifier: MIT
/*
 * A fuzzer of /dev/pinwatch: random programs of calls, made from the tables of abi.h
 *
 * Needs root. Lets all users open the device, and runs the programs as nobody. Prints
 * KTAP: a test for each kind of defect, one for the module's counters and one for the
 * kernel's memory. `fuzz --seed S --only W.I` repeats one program.
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

#include "device_setup.h"
#include "leftover.h"
#include "worker.h"

#define MAX_WORKERS	16
#define WARM_SHARE	10	/* of the time, before the memory is first read */
#define SETTLE_SECONDS	10
#define SELF_TEST_SECONDS 4	/* for each kind of defect */

static uint64_t seconds = 60, processes = 2, seed, root, self_test, print, errors, show_help;
static uint64_t after_exec;	/* a descriptor: call_exec() started the program */

static const struct parameter {
	const char *name;
	const char *argument;	/* NULL: a flag */
	uint64_t *value;
	const char *help;
} parameters[] = {
	{ "seconds", "N", &seconds, "how long (60)" },
	{ "processes", "N", &processes, "how many at a time (2)" },
	{ "seed", "N", &seed, "repeat the programs of an earlier call" },
	{ "only", "W.I", NULL, "program I of process W alone, printed" },
	{ "root", NULL, &root, "do not become nobody" },
	{ "self-test", NULL, &self_test, "make each check wrong in turn: the fuzzer must find it" },
	{ "print", "N", &print, "print N programs, execute none" },
	{ "errors", NULL, &errors, "print the documented errors of each call" },
	{ "help", NULL, &show_help, "print this text" },
	{ "after-exec", "FD", &after_exec, "for the fuzzer itself" },
};

#define NR_PARAMETERS	((int)(sizeof(parameters) / sizeof(parameters[0])))

static int nr_tests, nr_failed;

static void test(bool passed, const char *name)
{
	printf("%sok %d %s\n", passed ? "" : "not ", ++nr_tests, name);
	nr_failed += !passed;
	fflush(stdout);
}

static void help(FILE *file)
{
	int i;

	fprintf(file, "usage: %s [OPTION...]\n", program_invocation_short_name);
	for (i = 0; i < NR_PARAMETERS; i++)
		fprintf(file, "  --%-10s %-4s %s\n", parameters[i].name,
			parameters[i].argument ?: "", parameters[i].help);
	exit(file == stdout ? 0 : 2);
}

static void only_parse(struct worker *worker, const char *text)
{
	unsigned long long first;

	if (sscanf(text, "%u.%llu", &worker->number, &first) != 2)
		help(stderr);
	worker->first = first;
	worker->count = 1;
	worker->trace = true;
	processes = 1;
}

static void options_parse(struct worker *worker, int argc, char **argv)
{
	struct option options[NR_PARAMETERS + 1] = { { 0 } };
	int i;

	for (i = 0; i < NR_PARAMETERS; i++)
		options[i] = (struct option){ .name = parameters[i].name,
					      .has_arg = !!parameters[i].argument, .val = i };
	while ((i = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (i >= NR_PARAMETERS)
			help(stderr);
		else if (!parameters[i].value)
			only_parse(worker, optarg);
		else
			*parameters[i].value = optarg ? strtoull(optarg, NULL, 0) : 1;
	}
	if (optind != argc || !processes || processes > MAX_WORKERS)
		help(stderr);
	if (show_help)
		help(stdout);
	worker->seed = seed;
	worker->privileged = root;
}

static void programs_print(const struct worker *worker)
{
	static struct prog prog;
	uint64_t i;

	for (i = 0; i < print; i++) {
		worker_generate(worker, i, &prog);
		prog_print(&prog, stdout);
	}
}

/* A line for each call of the module: "NAME ERRNO..." */
static void errors_print(void)
{
	unsigned int i, j;

	for (i = 0; i < abi_nr_calls; i++) {
		if (!abi_calls[i].errors[0])
			continue;
		printf("%s", abi_calls[i].name);
		for (j = 0; j < ABI_ERRORS && abi_calls[i].errors[j]; j++)
			printf(" %s", strerrorname_np(abi_calls[i].errors[j]));
		printf("\n");
	}
}

/* Run all workers for @duration seconds, and keep the worst figures of memory. */
static void workers_run(struct worker worker, uint64_t duration, struct memory *worst)
{
	unsigned int i, left = 0;

	worker.seconds = (unsigned int)duration;
	for (i = 0; i < processes; i++, worker.number++)
		left += worker_start(&worker) > 0;
	while (left) {
		struct memory now = memory_read();

		memory_worst(worst, &now);
		while (left && waitpid(-1, NULL, WNOHANG) > 0)
			left--;
		usleep(200000);
	}
}

/* RCU and kernel workers free memory a little later. */
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

/* Each call succeeded at least once, or failed for want of a capability. */
static bool covered(const struct tally *tally)
{
	bool all = true;
	unsigned int i;

	for (i = 0; i < abi_nr_calls; i++) {
		const struct abi_call *call = &abi_calls[i];

		/* exit() does not return. */
		if (tally->calls[i][0] || !strcmp(call->name, "exit") ||
		    (call->privileged && !root && tally->calls[i][EPERM]))
			continue;
		printf("# %s: no success\n", call->name);
		all = false;
	}
	return all;
}

static int fuzz(struct worker *worker)
{
	struct tally *tally = worker->tally;
	uint64_t warm = worker->count ? 0 : seconds / WARM_SHARE;
	struct memory start, worst, end;
	struct pinwatch_stats stats;

	printf("KTAP version 1\n1..8\n# seed %llu, %llu processes, %llu s\n",
	       (unsigned long long)seed, (unsigned long long)processes,
	       (unsigned long long)seconds);
	if (!device_prepare() || !device_stats(&stats))
		return 1;
	/* Memory that the kernel allocates once and keeps is no leak. */
	start = memory_read();
	if (warm)
		workers_run(*worker, warm, &start);
	start = memory_settled();
	worst = start;
	worker->first += worker->count ? 0 : 1ULL << 32;
	workers_run(*worker, seconds - warm, &worst);

	tally_print(tally);
	processes_print();
	test(!tally->failed[DEFECT_ERRNO], "fuzz_errnos_are_documented");
	test(!tally->failed[DEFECT_ACCEPTED], "fuzz_bad_input_is_refused");
	test(!tally->failed[DEFECT_GENERATION], "fuzz_generations_grow");
	test(!tally->failed[DEFECT_TOLD], "fuzz_secrets_are_kept");
	test(!tally->failed[DEFECT_DIED], "fuzz_processes_end");
	test(worker->count || covered(tally), "fuzz_reaches_every_call");
	test(device_is_back(&stats), "fuzz_counters_are_back");
	test(memory_is_back(&start, &end), "fuzz_memory_is_bounded");
	memory_print(&start, &worst, &end);
	device_restore();
	return nr_failed != 0;
}

/* Make each check wrong in turn. The tally must have the defect. */
static int checks_test(struct worker *worker)
{
	static const char *const names[TALLY_DEFECTS] = {
		"fuzz_finds_errnos", "fuzz_finds_accepted", "fuzz_finds_generations",
		"fuzz_finds_told", "fuzz_finds_dead",
	};
	struct memory worst = memory_read();
	struct pinwatch_stats stats;

	printf("KTAP version 1\n1..%d\n", TALLY_DEFECTS + 1);
	if (!device_prepare() || !device_stats(&stats))
		return 1;
	worker->tally->quiet = true;
	for (worker->inject = 0; worker->inject < TALLY_DEFECTS; worker->inject++) {
		workers_run(*worker, SELF_TEST_SECONDS, &worst);
		test(worker->tally->failed[worker->inject], names[worker->inject]);
	}
	/* The kernel collects descriptors in flight later. */
	test(device_is_back(&stats), "fuzz_counters_are_back");
	device_restore();
	return nr_failed != 0;
}

int main(int argc, char **argv)
{
	struct worker worker = { .inject = TALLY_DEFECTS };

	seed = (uint64_t)time(NULL) << 16 ^ (uint64_t)getpid();
	options_parse(&worker, argc, argv);
	if (after_exec)
		execution_after_exec((int)after_exec);
	else if (errors)
		errors_print();
	else if (print)
		programs_print(&worker);
	if (after_exec || errors || print)
		return 0;
	worker.tally = tally_make();
	if (!worker.tally)
		return 1;
	return self_test ? checks_test(&worker) : fuzz(&worker);
}
