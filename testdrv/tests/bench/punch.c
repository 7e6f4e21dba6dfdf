// SPDX-License-Identifier: MIT
/*
 * bench: what root pays for mappings and watches of another user
 *
 * Root punches a hole of one page into a file that a process of the user nobody has mapped. The
 * kernel removes the page from each mapping, and calls each watch that overlaps the page.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>
#include <linux/pinwatch.h>
#include "bench.h"
#include "channel.h"
#include "credentials.h"

#define PAGE		4096UL
#define NR_HOLES	5U
#define LENGTH		(NR_HOLES * PAGE)
#define NR_WATCHES	1024U	/* of each mapping: max_watches_per_page */
#define FILE_MAPPINGS	64U	/* max_watches_per_file / NR_WATCHES */
#define MAX_FILES	4U	/* max_watches_per_user / max_watches_per_file */

/**
 * struct user - the process of the user nobody
 * @nr_files: Number of @files in use.
 * @files: Of the device.
 */
struct user {
	unsigned int nr_files;
	int files[MAX_FILES];
};

static void user_open(struct user *user)
{
	int fd = open(PINWATCH_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		err(1, "%s", PINWATCH_DEVICE);
	if (user->nr_files == MAX_FILES)
		errx(1, "more mappings than max_watches_per_user allows");
	user->files[user->nr_files++] = fd;
}

/* Watch all pages of the mapping at @addr as often as max_watches_per_page allows. */
static void user_watch(struct user *user, const char *addr)
{
	struct pinwatch_watch_add add;
	unsigned int i;

	for (i = 0; i < NR_WATCHES; i++) {
		add = (struct pinwatch_watch_add){
			.size = sizeof(add), .addr = (uintptr_t)addr, .length = LENGTH,
		};
		if (ioctl(user->files[user->nr_files - 1], PINWATCH_IOC_WATCH_ADD, &add))
			err(1, "WATCH_ADD");
	}
}

static const char *user_map(int file)
{
	const char *addr = mmap(NULL, LENGTH, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);

	if (addr == MAP_FAILED)
		err(1, "mmap");
	return addr;
}

/* Read all events, so that the next hit of each watch queues an event again. */
static void user_drain(struct user *user)
{
	static char records[1 << 16];
	unsigned int i;

	for (i = 0; i < user->nr_files; i++)
		while (read(user->files[i], records, sizeof(records)) > 0)
			;
}

static void user_run(int channel, int file, enum bench_engine engine, unsigned int nr)
	__attribute__((noreturn));
static void user_run(int channel, int file, enum bench_engine engine, unsigned int nr)
{
	struct user user = { 0 };
	const char *addr;
	unsigned int i;

	credentials_nobody();
	for (i = 0; i < nr; i++) {
		addr = user_map(file);
		if (engine == BENCH_NONE)
			continue;
		if (i % FILE_MAPPINGS == 0)
			user_open(&user);
		user_watch(&user, addr);
	}
	while (!channel_send(channel, -1) && !channel_receive(channel, NULL))
		user_drain(&user);
	_exit(0);
}

static uint64_t time_hole(int file, unsigned int page)
{
	uint64_t begin, end;

	begin = __rdtsc();
	if (fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, page * PAGE, PAGE))
		err(1, "fallocate");
	end = __rdtsc();
	return end - begin;
}

/* Return: the minimum. Each hole is another page, which all mappings have populated. */
static uint64_t time_holes(int channel, int file)
{
	uint64_t count, lowest = UINT64_MAX;
	unsigned int i;

	for (i = 0; i < NR_HOLES; i++) {
		if (channel_receive(channel, NULL))
			errx(1, "the process of the user nobody failed");
		count = time_hole(file, i);
		lowest = count < lowest ? count : lowest;
		if (channel_send(channel, -1))
			errx(1, "the process of the user nobody has exited");
	}
	return lowest;
}

static int file_create(void)
{
	static const char data[LENGTH] = { 1 };
	int file = memfd_create("punch", MFD_CLOEXEC);

	if (file < 0 || write(file, data, sizeof(data)) != sizeof(data))
		err(1, "memfd");
	return file;
}

/**
 * bench_measure_punch() - measure a hole of a page, in this process
 * @counts: Out. BENCH_UNKNOWN for each metric that is not measured.
 * @engine: BENCH_PINWATCH: each mapping has NR_WATCHES watches. BENCH_NONE: no watches.
 * @nr: Number of mappings.
 */
void bench_measure_punch(struct bench_counts *counts, enum bench_engine engine, unsigned int nr)
{
	int ends[2], file = file_create();
	unsigned int i;
	pid_t pid;

	for (i = 0; i < BENCH_NR_METRICS; i++)
		counts->count[i] = BENCH_UNKNOWN;
	if (channel_open(ends))
		errx(1, "no channel");
	credentials_device_mode(0666);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		close(ends[0]);
		user_run(ends[1], file, engine, nr);
	}
	close(ends[1]);
	counts->count[BENCH_PUNCH] = time_holes(ends[0], file);
	credentials_device_mode(0600);
	close(ends[0]);
	if (waitpid(pid, NULL, 0) != pid)
		err(1, "waitpid");
}
