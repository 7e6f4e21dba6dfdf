// SPDX-License-Identifier: MIT
/* max_watches_per_page: how many watches of one user overlap a page of one address space. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "credentials.h"
#include "channel.h"
#include "device.h"

#define PARAM		"max_watches_per_page"
#define NR_PAGES	24U
#define NR_SLOTS	64U
#define NR_STEPS	4000
#define FILE_NAME	"/tmp/overlap"
#define FILE_PAGES	16U

static int try_watch(int fd, char *addr, size_t first, size_t nr, uint32_t *id)
{
	struct pinwatch_watch_add watch;
	int ret = try_add(fd, addr + first * page_size(), nr * page_size(), WATCH, 0, &watch);

	if (!ret && id)
		*id = watch.id;
	return ret;
}

TEST(overlap_edquot)
{
	unsigned long old = param_get(PARAM);
	int fd = open_device(0), other = open_device(0);
	char *addr = map_pages(8);
	pid_t pid;

	param_set(PARAM, 2);
	CHECK_EQ(try_watch(fd, addr, 0, 4, NULL), 0);
	/* Both descriptors count. */
	CHECK_EQ(try_watch(other, addr, 3, 4, NULL), 0);
	CHECK_EQ(try_watch(other, addr, 3, 1, NULL), -EDQUOT);
	CHECK_EQ(try_watch(fd, addr, 0, 8, NULL), -EDQUOT);
	CHECK_EQ(try_watch(fd, addr, 2, 2, NULL), -EDQUOT);
	CHECK_EQ(try_watch(fd, addr, 0, 3, NULL), 0);
	CHECK_EQ(try_watch(fd, addr, 4, 4, NULL), 0);
	/* A range is rounded out to pages. */
	CHECK_EQ(try_add(fd, addr + 2 * page_size() - 1, 2, WATCH, 0,
			 &(struct pinwatch_watch_add){ 0 }), -EDQUOT);
	/* Another address space. */
	pid = fork_child();
	if (!pid) {
		fd = open_device(0);
		CHECK_EQ(try_watch(fd, addr, 3, 1, NULL), 0);
		_exit(0);
	}
	wait_child(pid);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(try_watch(other, addr, 3, 1, NULL), 0);
	CHECK_EQ(try_watch(other, addr, 3, 1, NULL), -EDQUOT);
	param_set(PARAM, old);
}

/* Root's watches of a page do not count for nobody. */
TEST(overlap_users_are_apart)
{
	unsigned long old = param_get(PARAM);
	char *addr = map_pages(1);
	int fd = open_device(0), own, ret;

	param_set(PARAM, 1);
	CHECK_EQ(try_watch(fd, addr, 0, 1, NULL), 0);
	credentials_device_mode(0666);
	CHECK_EQ(setresuid(CREDENTIALS_NOBODY, 0, 0), 0);
	own = open_device(0);
	CHECK_EQ(setresuid(0, 0, 0), 0);
	ret = try_watch(own, addr, 0, 1, NULL);
	credentials_device_mode(0600);
	CHECK_EQ(try_watch(own, addr, 0, 1, NULL), -EDQUOT);
	param_set(PARAM, old);
	CHECK_EQ(ret, 0);
}

/* A model: which watches there are */
struct slot {
	bool used;
	uint32_t id;
	size_t first, nr;
};

static unsigned int depth(const struct slot *slots, size_t first, size_t nr)
{
	unsigned int largest = 0, at;
	size_t page, i;

	for (page = first; page < first + nr; page++) {
		at = 0;
		for (i = 0; i < NR_SLOTS; i++)
			at += slots[i].used && page - slots[i].first < slots[i].nr;
		if (at > largest)
			largest = at;
	}
	return largest;
}

/* Long and short ranges */
static void slot_choose(struct slot *slot, uint64_t *random)
{
	slot->first = random_below(random, NR_PAGES);
	slot->nr = 1 + random_below(random, NR_PAGES - (uint32_t)slot->first);
	if (slot->nr > 3 && random_below(random, 2))
		slot->nr = 1 + slot->nr % 3;
}

/* Return: 0 or -EDQUOT, as the model says. */
static int slot_add(int fd, char *addr, struct slot *slots, struct slot *slot, unsigned int max)
{
	size_t first = slot->first, nr = slot->nr;
	int expected, ret;

	expected = depth(slots, first, nr) < max ? 0 : -EDQUOT;
	ret = try_watch(fd, addr, first, nr, &slot->id);
	CHECK_EQ(ret, expected);
	slot->used = !ret;
	return ret;
}

/* Random ranges, against a count of the watches of each page. */
TEST(overlap_random)
{
	unsigned long old = param_get(PARAM);
	struct slot slots[NR_SLOTS] = { { 0 } };
	char *addr = map_pages(NR_PAGES);
	int fd = open_device(0), i, refused = 0;
	uint64_t random = test_seed();

	for (i = 0; i < NR_STEPS; i++) {
		struct slot *slot = &slots[random_below(&random, NR_SLOTS)];
		unsigned int max = 2 + (unsigned int)i / 1000 * 4;

		if (i % 1000 == 0)
			param_set(PARAM, max);
		if (slot->used) {
			CHECK_EQ(try_del(fd, slot->id), 0);
			slot->used = false;
		} else {
			slot_choose(slot, &random);
			refused += slot_add(fd, addr, slots, slot, max) != 0;
		}
	}
	param_set(PARAM, old);
	test_note("%d of %d steps were refused", refused, NR_STEPS);
	CHECK(refused > NR_STEPS / 20);
}

/* The default: what a process that shares a page with nobody pays for nobody's watches. */
static char *file_map(int *file, int prot)
{
	char *addr;

	*file = open(FILE_NAME, prot & PROT_WRITE ? O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC :
			  O_RDONLY | O_CLOEXEC, 0644);
	CHECK(*file >= 0);
	if (prot & PROT_WRITE)
		CHECK_EQ(ftruncate(*file, (off_t)(FILE_PAGES * page_size())), 0);
	addr = mmap(NULL, FILE_PAGES * page_size(), prot, MAP_SHARED, *file, 0);
	CHECK(addr != MAP_FAILED);
	return addr;
}

static uint64_t punch_ns(int file, size_t page)
{
	uint64_t begin = now_ns();

	CHECK_EQ(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			   (off_t)(page * page_size()), (off_t)page_size()), 0);
	return now_ns() - begin;
}

static void touch(const char *addr)
{
	size_t i;

	for (i = 0; i < FILE_PAGES; i++)
		(void)*(volatile const char *)(addr + i * page_size());
}

/* Watch a file that belongs to root as often as the limits allow. */
static void watcher(int channel) __attribute__((noreturn));
static void watcher(int channel)
{
	int file, fd, ret;
	unsigned int nr = 0;
	char *addr;

	credentials_nobody();
	addr = file_map(&file, PROT_READ);
	fd = open_device(0);
	touch(addr);
	CHECK_EQ(channel_send(channel, -1), 0);
	CHECK_EQ(channel_receive(channel, NULL), 0);
	while (!(ret = try_watch(fd, addr, 0, FILE_PAGES, NULL)))
		nr++;
	CHECK_EQ(ret, -EDQUOT);
	CHECK_EQ(nr, param_get(PARAM));
	touch(addr);
	CHECK_EQ(channel_send(channel, -1), 0);
	pause();
	_exit(1);
}

TEST(overlap_price_for_others)
{
	uint64_t without, with, callbacks;
	int file, ends[2], status;
	char *addr = file_map(&file, PROT_READ | PROT_WRITE);
	pid_t pid;

	memset(addr, 1, FILE_PAGES * page_size());
	CHECK_EQ(channel_open(ends), 0);
	credentials_device_mode(0666);
	pid = fork_child();
	if (!pid)
		watcher(ends[1]);
	close(ends[1]);
	CHECK_EQ(channel_receive(ends[0], NULL), 0);
	without = punch_ns(file, 0);
	CHECK_EQ(channel_send(ends[0], -1), 0);
	status = channel_receive(ends[0], NULL);
	credentials_device_mode(0600);
	CHECK_EQ(status, 0);
	callbacks = get_stats().callbacks;
	with = punch_ns(file, 1);
	callbacks = get_stats().callbacks - callbacks;
	test_note("a hole of a page: %llu ns, with %llu callbacks %llu ns",
		  (unsigned long long)without, (unsigned long long)callbacks,
		  (unsigned long long)with);
	CHECK_EQ(callbacks, param_get(PARAM));
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(unlink(FILE_NAME), 0);
}
