// SPDX-License-Identifier: MIT
/*
 * Many watches, many pages, large maps: what they take, and that nothing is left
 *
 * usage: device_scale [WATCHES]: number of watches on a descriptor (20,000). A million
 * watches need a guest with about 3 GiB.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "device.h"

#define MASS_BYTES	(512UL << 20)
#define MILLION		1000000UL

static unsigned long nr_many = 20000;

static double now(void)
{
	return (double)now_ns() / 1e9;
}

/* A figure of /proc/meminfo, in bytes. */
static size_t memory(const char *name)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128], found[64];
	unsigned long kib, value = 0;

	CHECK(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%63[^:]: %lu", found, &kib) == 2 && !strcmp(found, name))
			value = kib;
	fclose(file);
	return value << 10;
}

/* Start a child with @bytes pinned. The parent has the descriptor, too. */
static pid_t mass_start(size_t bytes, int *fd)
{
	int channel;
	pid_t pid;

	*fd = open_device(0);
	pid = fork_peer(&channel);
	if (!pid) {
		double begin = now();
		char *addr = map_pages(bytes / page_size());
		double written = now();

		CHECK_EQ(try_bind(*fd), 0);
		add(*fd, addr, bytes, PIN_RW, 0);
		test_note("%zu MiB: written in %.2f s, pinned in %.2f s", bytes >> 20,
			  written - begin, now() - written);
		fflush(stdout);
		CHECK_EQ(channel_send(channel, -1), 0);
		pause();
		_exit(1);
	}
	CHECK_EQ(channel_receive(channel, NULL), 0);
	close(channel);
	return pid;
}

/* exit() does not wait until a worker has unpinned the pages. */
TEST(limit_mass_exit)
{
	size_t bytes = memory("MemAvailable") / 2 > MASS_BYTES ? MASS_BYTES :
		       memory("MemAvailable") / 2 & -(2UL << 20);
	uint64_t before = get_stats().pinned_pages;
	double begin, gone, unpinned;
	int fd, status;
	pid_t pid;

	pid = mass_start(bytes, &fd);
	CHECK_EQ(get_stats().pinned_pages, before + bytes / page_size());
	begin = now();
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	gone = now();
	while (get_stats().pinned_pages != before && now() - gone < 60)
		;
	unpinned = now();
	test_note("%zu MiB: the process was gone after %.3f s, all was unpinned after %.3f s",
		  bytes >> 20, gone - begin, unpinned - begin);
	CHECK_EQ(get_stats().pinned_pages, before);
	CHECK_EQ(query(fd, 0).state, PINWATCH_STATE_DEAD);
	CHECK_EQ(try_del(fd, 0), 0);
}

/* The largest number of watches of a descriptor, each on a different page. */
TEST(limit_many_watches)
{
	unsigned long per_file = param_get("max_watches_per_file");
	unsigned long per_user = param_get("max_watches_per_user");
	size_t length = nr_many * page_size(), i;
	size_t available = memory("MemAvailable"), used;
	char *addr = mmap(NULL, length, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct pinwatch_watch_add watch;
	double begin, added, hit, end;
	uint64_t nr = 0;
	int fd;

	CHECK(addr != MAP_FAILED);
	param_set("max_watches_per_file", nr_many);
	param_set("max_watches_per_user", nr_many);
	fd = open_device(O_NONBLOCK);
	begin = now();
	for (i = 0; i < nr_many; i++)
		CHECK_EQ(add(fd, addr + i * page_size(), page_size(), WATCH, i).id,
			 nth_id(i));
	added = now();
	param_set("max_watches_per_file", per_file);
	param_set("max_watches_per_user", nr_many + 1);
	used = available - memory("MemAvailable");
	CHECK_EQ(try_add(fd, addr, page_size(), WATCH, 0, &watch), -ENOSPC);
	param_set("max_watches_per_user", per_user);
	dontneed(addr, length);
	hit = now();
	for (;;) {
		static struct pinwatch_event events[512];
		int ret = try_read_events(fd, events, 512);

		if (ret < 0)
			break;
		nr += (uint64_t)ret;
	}
	CHECK_EQ(nr, nr_many);
	end = now();
	CHECK_EQ(close(fd), 0);
	test_note("%lu watches: added in %.2f s, hit in %.3f s, read in %.2f s, closed in %.2f s",
		  nr_many, added - begin, hit - added, end - hit, now() - end);
	test_note("%lu bytes of memory a watch", (unsigned long)used / nr_many);
}

/* Map the largest map of generations, read each page, and unmap. */
TEST(limit_map_growth)
{
	unsigned long old = param_get("max_watches_per_file");
	unsigned long per_user = param_get("max_watches_per_user");
	const struct pinwatch_gen *words;
	struct pinwatch_gen last;
	struct pinwatch_resync resync = {
		.size = sizeof(resync), .first_id = MILLION - 1, .nr_ids = 1,
		.gens = (uintptr_t)&last,
	};
	size_t size, i, step = page_size() / sizeof(*words);
	int fd;

	param_set("max_watches_per_file", MILLION);
	fd = open_device(0);
	param_set("max_watches_per_file", old);
	size = get_info(fd).gen_map_size;
	CHECK(size >= MILLION * sizeof(*words) && size < MILLION * sizeof(*words) + page_size());
	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_RESYNC, &resync), 0);
	CHECK_EQ(last.generation, 0);
	words = map_generations(fd);
	param_set("max_watches_per_user", MILLION);
	for (i = 0; i < MILLION; i += step)
		CHECK_EQ(generation(&words[i]), 0);
	CHECK_EQ(generation(&words[MILLION - 1]), 0);
	param_set("max_watches_per_user", per_user);
	CHECK_EQ(add(fd, map_pages(1), page_size(), WATCH, 0).id, 0);
	CHECK(generation(&words[0]) != 0);
	CHECK_EQ(munmap((void *)words, size), 0);
}

/* Repeat, so that a leak would show. */
TEST(limit_map_growth_ends)
{
	unsigned long old = param_get("max_watches_per_file");
	unsigned long per_user = param_get("max_watches_per_user");
	size_t before, i, round, step = page_size() / sizeof(struct pinwatch_gen);

	param_set("max_watches_per_file", MILLION);
	param_set("max_watches_per_user", MILLION);
	before = memory("MemFree");
	for (round = 0; round < 8; round++) {
		int fd = open_device(0);
		size_t size = get_info(fd).gen_map_size;
		const struct pinwatch_gen *words = map_generations(fd);

		for (i = 0; i < MILLION; i += step)
			CHECK_EQ(generation(&words[i]), 0);
		/* Half of the rounds close first, half unmap first. */
		if (round % 2)
			CHECK_EQ(close(fd), 0);
		CHECK_EQ(munmap((void *)words, size), 0);
		if (round % 2 == 0)
			CHECK_EQ(close(fd), 0);
	}
	param_set("max_watches_per_file", old);
	param_set("max_watches_per_user", per_user);
	/* A leak of all pages would be 8 times 16 MB. */
	CHECK(memory("MemFree") + (32UL << 20) > before);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strtoul(argv[1], NULL, 0)) {
		nr_many = strtoul(argv[1], NULL, 0);
		argv[1] = NULL;
	}
	return test_main(1, argv);
}
