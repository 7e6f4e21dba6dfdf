// SPDX-License-Identifier: MIT
/*
 * The machine's memory and sleep: blocks of memory go offline but not with pinned
 * pages in them, and the machine suspends while readers wait and pins are dropped
 *
 * Wants a guest with memory that was added later, as movable: see scripts/check/guests.sh.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "sysfs.h"

#define MEMORY		"/sys/devices/system/memory"
#define NR		16UL
#define PATIENCE_S	3	/* when a block cannot go offline */
#define LONG_S		60	/* when a block goes offline */
#define CHUNK		2048UL	/* pages */
#define MAX_CHUNKS	32
#define REAP_PAGES	16384UL

static const char *text_read(const char *path)
{
	static char text[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t ret;

	CHECK(fd >= 0);
	ret = read(fd, text, sizeof(text) - 1);
	close(fd);
	CHECK(ret >= 0);
	text[ret] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static int text_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static uint64_t pfn_of(const char *addr)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry;

	CHECK(fd >= 0);
	CHECK_EQ(pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)addr / page_size() * 8)), 8);
	close(fd);
	CHECK(entry >> 63);
	return entry & ((1ULL << 55) - 1);
}

/* A sysfs file of the memory block of a page. */
static const char *block_path(uint64_t pfn, const char *file)
{
	static char path[2][128];
	const char *size = text_read(MEMORY "/block_size_bytes");
	static int turn;
	uint64_t bytes = strtoull(size, NULL, 16);

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), MEMORY "/memory%llu/%s",
		 (unsigned long long)(pfn * page_size() / bytes), file);
	return path[turn];
}

static bool is_movable(uint64_t pfn)
{
	return !strncmp(text_read(block_path(pfn, "valid_zones")), "Movable", 7);
}

static void signal_ignore(int number)
{
	(void)number;
}

/*
 * The kernel tries to migrate the pages of the block until a signal comes, unless the kernel
 * sees at once that a page cannot be migrated.
 */
static int offline(uint64_t pfn, time_t patience_s)
{
	struct sigaction action = { .sa_handler = signal_ignore };
	struct itimerval timer = { { 0, 500000 }, { patience_s, 0 } };
	struct itimerval off = { { 0, 0 }, { 0, 0 } };
	int ret;

	CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
	ret = text_write(block_path(pfn, "state"), "offline");
	CHECK_EQ(setitimer(ITIMER_REAL, &off, NULL), 0);
	return ret;
}

static void check_same(int fd, uint32_t id)
{
	struct pinwatch_watch_verify verify;

	CHECK_EQ(try_verify(fd, id, NULL, &verify), 0);
	CHECK_EQ(verify.verdict, PINWATCH_VERDICT_SAME);
}

static bool has_movable(void)
{
	char *addr = map_pages(1);
	bool movable = is_movable(pfn_of(addr));

	CHECK_EQ(munmap(addr, page_size()), 0);
	return movable;
}

/*
 * A long-term pin migrates pages out of the movable zone; before 5.13, only out of the areas
 * of CMA.
 */
TEST(memory_pin_leaves_movable)
{
	bool leaves = kernel_running() >= KERNEL(5, 13);
	char *addr = map_pages(NR);
	uint64_t before = pfn_of(addr);
	int fd = open_device(0);

	CHECK(has_movable());
	CHECK(is_movable(before));
	add(fd, addr, NR * page_size(), PIN_RW, 0);
	CHECK_EQ(pfn_of(addr) != before, leaves);
	CHECK_EQ(is_movable(pfn_of(addr)), !leaves);
	check_same(fd, 0);
	CHECK_EQ(addr[0], 'p');
}

/*
 * Pin pages until one lies in a block that could go offline by its place: not the
 * first, which has holes, and more than one zone.
 */
static struct pinwatch_watch_add pin_elsewhere(int fd, char **addr)
{
	int i;

	for (i = 0; i < MAX_CHUNKS; i++) {
		struct pinwatch_watch_add watch;

		*addr = map_pages(CHUNK);
		watch = add(fd, *addr, CHUNK * page_size(), PIN_RW, 0);
		if (strcmp(text_read(block_path(pfn_of(*addr), "valid_zones")), "none") != 0)
			return watch;
	}
	FAIL("all pages lie in blocks that are in more than one zone");
}

TEST(memory_offline_pinned)
{
	int i, ret = -EINVAL, fd = open_device(0);
	struct pinwatch_watch_add watch;
	uint64_t pfn = 0;
	char *addr = NULL;

	/* The last block has a hole, so the kernel refuses to offline the block. */
	for (i = 0; i < MAX_CHUNKS && ret == -EINVAL; i++) {
		watch = pin_elsewhere(fd, &addr);
		pfn = pfn_of(addr);
		ret = offline(pfn, PATIENCE_S);
	}
	test_note("memory block with a pinned page (zones %s): %s",
		  text_read(block_path(pfn, "valid_zones")), strerror(-ret));
	CHECK(ret == -EBUSY || ret == -EINTR || ret == -EAGAIN);
	CHECK(!strcmp(text_read(block_path(pfn, "state")), "online"));
	CHECK_EQ(pfn_of(addr), pfn);
	check_same(fd, watch.id);
	CHECK_EQ(addr[0], 'p');
}

/* A watched page without a pin is migrated, and the watch gets a hit. */
TEST(memory_offline_watched)
{
	int i, ret = -EINVAL, fd = open_device(O_NONBLOCK);
	struct pinwatch_watch_query now;
	struct pinwatch_watch_add watch;
	uint64_t pfn = 0;
	char *addr = NULL;

	/*
	 * The block at the end of memory may have a hole in it, or what the kernel has
	 * taken there before it had zones: it is refused for that.
	 */
	for (i = 0; i < MAX_CHUNKS && (ret == -EINVAL || ret == -EBUSY); i++) {
		addr = map_pages(CHUNK);
		pfn = pfn_of(addr);
		CHECK(is_movable(pfn));
		watch = add(fd, addr, NR * page_size(), WATCH, 0);
		ret = offline(pfn, LONG_S);
	}
	CHECK_EQ(ret, 0);
	CHECK(!strcmp(text_read(block_path(pfn, "state")), "offline"));
	CHECK(pfn_of(addr) != pfn);
	CHECK_EQ(addr[0], 'p');
	now = query(fd, watch.id);
	CHECK(now.generation > watch.generation);
	CHECK(now.causes & PINWATCH_CAUSE_OFFLINE);
	CHECK_EQ(text_write(block_path(pfn, "state"), "online_movable"), 0);
}

/* The state of the process in /proc: 'S' for sleeping. */
static char state_of(pid_t pid)
{
	char path[64], text[256], *state;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	text[read(fd, text, sizeof(text) - 1)] = '\0';
	close(fd);
	state = strrchr(text, ')');
	CHECK(state);
	return state[2];
}

/* Wait for an event of a watch of the parent. */
static pid_t reader_start(int fd)
{
	struct pinwatch_event event;
	pid_t pid = fork_child();

	if (!pid) {
		CHECK_EQ(try_read_events(fd, &event, 1), 1);
		CHECK_EQ(event.cookie, 6);
		_exit(0);
	}
	while (state_of(pid) != 'S')
		;
	return pid;
}

/* Pin many pages, through a descriptor that the parent keeps. */
static pid_t victim_start(int fd)
{
	int ready[2];
	char byte;
	pid_t pid;

	CHECK_EQ(pipe(ready), 0);
	pid = fork_child();
	if (!pid) {
		CHECK_EQ(try_bind(fd), 0);
		add(fd, map_pages(REAP_PAGES), REAP_PAGES * page_size(), PIN_RW, 0);
		CHECK_EQ(write(ready[1], "", 1), 1);
		pause();
		_exit(1);
	}
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void sleep_try(const char *level)
{
	bool mem = strstr(text_read("/sys/power/state"), "mem");

	CHECK_EQ(text_write("/sys/module/suspend/parameters/pm_test_delay", "1"), 0);
	CHECK_EQ(text_write("/sys/power/pm_test", level), 0);
	CHECK_EQ(text_write("/sys/power/state", mem ? "mem" : "freeze"), 0);
	CHECK_EQ(text_write("/sys/power/pm_test", "none"), 0);
}

static void suspend_at(const char *level)
{
	uint64_t pinned = get_stats().pinned_pages;
	char *addr = map_pages(NR), *held = map_pages(NR);
	int fd = open_device(0), of_victim = open_device(0), of_pin = open_device(0);
	pid_t reader, victim;

	if (access("/sys/power/pm_test", W_OK))
		SKIP("no /sys/power/pm_test: a kernel without CONFIG_PM_SLEEP_DEBUG");
	reader = reader_start(fd);
	victim = victim_start(of_victim);
	add(fd, addr, NR * page_size(), WATCH, 6);
	add(of_pin, held, NR * page_size(), PIN_RW, 0);

	CHECK_EQ(kill(victim, SIGKILL), 0);
	sleep_try(level);

	CHECK_EQ(waitpid(victim, NULL, 0), victim);
	wait_pinned_pages(pinned + NR);
	check_same(of_pin, 0);
	/* The process still waits: the freezer does not interrupt read(). */
	CHECK_EQ(waitpid(reader, NULL, WNOHANG), 0);
	dontneed(addr, page_size());
	wait_child(reader);
}

TEST(suspend_freezer)
{
	suspend_at("freezer");
}

TEST(suspend_devices)
{
	suspend_at("devices");
}
