// SPDX-License-Identifier: MIT
/*
 * bench-native: pinwatch beside the kernel's mmu_interval_notifier, in ticks of the real CPU
 *
 * The first process of a User-Mode Linux kernel, which scripts/vm/bench-native boots. Loads the
 * modules of testdrv/tests/module/native, lets each measure at each number of intervals in a new
 * process, since an interval leaves state in the mm, and turns the machine off. The engines take
 * turns, and the median of the runs is reported.
 *
 * usage: [--runs N] [--max N], --max: not with more intervals
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench_native.h"

#define NR_BATCHES	400
#define NR_ROUNDS	10
#define SEED		0x70696e77U

/**
 * struct module - how an engine is measured
 * @name: The module is native_NAME.
 * @cpu: The CPU that the engine believes to run on.
 * @nr_rows: Only the leading rows of enum native_row.
 * @max_nr: Not with more intervals.
 */
static const struct module {
	const char *name;
	unsigned int cpu;
	unsigned int nr_rows;
	unsigned int max_nr;
} modules[NR_ENGINES] = {
	[ENGINE_KERNEL] = { "kernel", 0, NATIVE_NR_ROWS, ~0U },
	[ENGINE_PINWATCH] = { "pinwatch", 0, NATIVE_NR_ROWS, ~0U },
	[ENGINE_CPU_0] = { "pinwatch_256", 0, NATIVE_HIT + 1, CPUS_MAX_NR },
	[ENGINE_CPU_200] = { "pinwatch_256", 200, NATIVE_HIT + 1, CPUS_MAX_NR },
};

/* Shared with the measuring processes */
static struct measured *measured;

static int compare_u32(const void *a, const void *b)
{
	__u32 x = *(const __u32 *)a, y = *(const __u32 *)b;

	return (x > y) - (x < y);
}

/* Return: ticks of a call, the median of the batches. */
static double time_row(int fd, enum native_row row, unsigned int seed)
{
	static __u32 ticks[NR_BATCHES];
	struct native_run arg = {
		.row = row,
		.nr = NR_BATCHES,
		.seed = seed,
		.ticks = (__u64)(unsigned long)ticks,
	};
	__u32 median;

	if (ioctl(fd, NATIVE_IOC_RUN, &arg))
		err(2, "RUN %d", row);
	qsort(ticks, NR_BATCHES, sizeof(*ticks), compare_u32);
	median = ticks[NR_BATCHES / 2];
	return (double)median / NATIVE_BATCH;
}

/*
 * The lowest count of each row. Other work on the machine, or on the same core, slows a row
 * down for longer than the row takes. The rounds are farther apart.
 */
static void time_rows(int fd, enum engine engine, unsigned int n, unsigned int run)
{
	unsigned int row, round;
	double ticks, *lowest;

	for (round = 0; round < NR_ROUNDS; round++)
		for (row = 0; row < modules[engine].nr_rows; row++) {
			ticks = time_row(fd, row, SEED + run * NR_ROUNDS + round);
			lowest = &measured->ticks[n][engine][row][run];
			if (!round || ticks < *lowest)
				*lowest = ticks;
		}
}

static void time_engine(enum engine engine, unsigned int n, unsigned int run)
{
	struct native_setup setup = {
		.nr = measured->ns[n],
		.seed = SEED + run,
		.cpu = modules[engine].cpu,
	};
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/native_%s", modules[engine].name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, NATIVE_IOC_SETUP, &setup))
		err(2, "%s, %u intervals", path, setup.nr);
	time_rows(fd, engine, n, run);
	close(fd);
}

static void run_child(enum engine engine, unsigned int n, unsigned int run)
{
	int status;
	pid_t pid;

	if (measured->ns[n] > modules[engine].max_nr)
		return;
	fprintf(stderr, "bench-native: run %u of %u, %u intervals, %s\n", run + 1,
		measured->nr_runs, measured->ns[n], modules[engine].name);
	pid = fork();
	if (pid < 0)
		err(2, "fork");
	if (!pid) {
		time_engine(engine, n, run);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		errx(2, "a measuring process failed");
}

static void load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		err(2, "%s", path);
	close(fd);
}

static void parse_args(int argc, char **argv)
{
	int i;

	for (i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--runs"))
			measured->nr_runs = (unsigned int)strtoul(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--max"))
			while (measured->nr_ns > 1 && measured->ns[measured->nr_ns - 1] >
			       strtoul(argv[i + 1], NULL, 10))
				measured->nr_ns--;
	}
	if (!measured->nr_runs || measured->nr_runs > NR_RUNS)
		errx(2, "--runs: 1 to %d", NR_RUNS);
}

/* Measure and report. Return: 1 if a limit is not reached. */
static int bench(int argc, char **argv)
{
	unsigned int engine, n, run;

	measured = mmap(NULL, sizeof(*measured), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (measured == MAP_FAILED)
		err(2, "mmap");
	*measured = (struct measured){ { 100, 10000, 1000000 }, NR_NS, NR_RUNS, };
	parse_args(argc, argv);
	report_read_limits("/must");
	load("/native_kernel.ko");
	load("/native_pinwatch.ko");
	load("/native_pinwatch_256.ko");
	for (run = 0; run < measured->nr_runs; run++)
		for (n = 0; n < measured->nr_ns; n++)
			for (engine = 0; engine < NR_ENGINES; engine++)
				run_child(engine, n, run);
	report_json(measured);
	return report_table(measured);
}

/* The kernel would panic if the first process exited: err() must not be called in it. */
int main(int argc, char **argv)
{
	int status = 0;
	pid_t pid;

	mount("dev", "/dev", "devtmpfs", 0, NULL);
	pid = fork();
	if (!pid) {
		setvbuf(stdout, NULL, _IOLBF, 0);
		exit(bench(argc, argv));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		status = -1;
	printf("status %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 125);
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 1;
}
