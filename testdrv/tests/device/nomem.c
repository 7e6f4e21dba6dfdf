// SPDX-License-Identifier: MIT
/*
 * Each call of the device while its allocations fail, one at a time: it fails with ENOMEM or
 * not at all, and leaves nothing behind. Only on a debug kernel (nth.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "device.h"
#include "nth.h"

#define NR	4UL
#define NR_PINS	600UL	/* more than fit a page of pointers */

#define HUGE_BYTES	(2UL << 20)

static int fd = -1;
static char *pages;
static uint32_t id;
static uint8_t verdicts[NR];
static struct pinwatch_gen gens[NR];
static pid_t target;

static int call_open(void)
{
	fd = open(PINWATCH_DEVICE, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : 0;
}

static void with_file(void)
{
	/* The page of these is the parent's, until this process writes to it. */
	memset(verdicts, 0, sizeof(verdicts));
	memset(gens, 0, sizeof(gens));
	fd = open_device(O_NONBLOCK);
	pages = map_pages(NR_PINS);
}

static void with_watch(void)
{
	with_file();
	id = add(fd, pages, NR * page_size(), WATCH, 0).id;
}

static void with_pin(void)
{
	with_file();
	id = add(fd, pages, NR * page_size(), PIN_RW, 0).id;
}

static void with_hit(void)
{
	with_file();
	id = add(fd, pages, NR * page_size(), PINWATCH_WATCH_F_STACK, 0).id;
	dontneed(pages, page_size());
}

static void with_stale_pin(void)
{
	with_pin();
	dontneed(pages, NR * page_size());
	pages[0] = 1;
}

/* The id of the next watch is the first of another page of generations. */
static void with_full_page(void)
{
	with_file();
	add_many(fd, pages, page_size() / sizeof(struct pinwatch_gen) - 1);
}

/* The first pin of a compound page has a record. */
static void with_huge_page(void)
{
	size_t length = 2 * HUGE_BYTES;

	with_file();
	pages = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(pages != MAP_FAILED);
	pages = (char *)(((uintptr_t)pages + HUGE_BYTES - 1) & -HUGE_BYTES);
	CHECK_EQ(madvise(pages, HUGE_BYTES, MADV_HUGEPAGE), 0);
	memset(pages, 'p', HUGE_BYTES);
}

/* The child was forked with the file of its parent. */
static void with_parents_file(void)
{
	pages = map_pages(NR_PINS);
}

static void with_target(void)
{
	with_file();
	target = fork_child();
	if (!target) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
}

static void with_attached(void)
{
	with_target();
	CHECK_EQ(try_attach(fd, target), 0);
}

static int call_add_flags(uint32_t flags, size_t nr)
{
	struct pinwatch_watch_add watch;

	return try_add(fd, pages, nr * page_size(), flags, 0, &watch);
}

static int call_add(void)
{
	return call_add_flags(WATCH, NR);
}

static int call_add_stack(void)
{
	return call_add_flags(PINWATCH_WATCH_F_STACK, NR);
}

static int call_add_pin(void)
{
	return call_add_flags(PIN, NR);
}

static int call_add_pins(void)
{
	return call_add_flags(PIN_RW, NR_PINS);
}

/* The pin counts the whole page, so the page was a huge one. */
static int call_add_huge_pin(void)
{
	struct pinwatch_stats stats = { .size = sizeof(stats) };
	int ret = call_add_pin();

	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_GET_STATS, &stats), 0);
	CHECK(ret || stats.pinned_pages >= HUGE_BYTES / page_size());
	return ret;
}

static int call_del(void)
{
	return try_del(fd, id);
}

static int call_repin(void)
{
	uint64_t generation;

	return try_repin(fd, id, &generation);
}

static int call_repin_keep(void)
{
	struct pinwatch_watch_repin repin = {
		.size = sizeof(repin), .id = id, .flags = PINWATCH_REPIN_F_KEEP,
	};

	return try_ioctl(fd, PINWATCH_IOC_WATCH_REPIN, &repin);
}

static int call_query(void)
{
	struct pinwatch_watch_query now;

	return try_query(fd, id, &now);
}

static int call_verify(void)
{
	struct pinwatch_watch_verify verify;

	return try_verify(fd, id, verdicts, &verify);
}

static int call_stack(void)
{
	struct pinwatch_watch_stack stack = { .size = sizeof(stack), .id = id };

	return try_ioctl(fd, PINWATCH_IOC_WATCH_STACK, &stack);
}

static int call_resync(void)
{
	struct pinwatch_resync resync = {
		.size = sizeof(resync), .nr_ids = NR, .gens = (uintptr_t)gens,
	};

	return try_ioctl(fd, PINWATCH_IOC_RESYNC, &resync);
}

static int call_attach(void)
{
	return try_attach(fd, target);
}

static int call_bind(void)
{
	return try_bind(fd);
}

static int call_info(void)
{
	struct pinwatch_info info = { .size = sizeof(info) };

	return try_ioctl(fd, PINWATCH_IOC_GET_INFO, &info);
}

static int call_stats(void)
{
	struct pinwatch_stats stats = { .size = sizeof(stats) };

	return try_ioctl(fd, PINWATCH_IOC_GET_STATS, &stats);
}

static int call_map(void)
{
	size_t size = get_info(fd).gen_map_size;

	return mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -errno : 0;
}

static int call_read(void)
{
	struct pinwatch_event event;
	int ret = try_read_events(fd, &event, 1);

	return ret < 0 ? ret : 0;
}

/* @cases: The last one has no name. */
static void sweep(const struct nth_case *cases)
{
	/* For processes that inherit the file: bound to this address space. */
	fd = open_device(O_NONBLOCK);
	for (; cases->name; cases++)
		nth_sweep(cases);
}

TEST(nomem_files, .seconds = 900)
{
	static const struct nth_case cases[] = {
		{ "open", NULL, call_open, 2 },
		{ "GET_INFO", with_watch, call_info, 0 },
		{ "GET_STATS", with_watch, call_stats, 0 },
		{ "BIND", with_parents_file, call_bind, 0 },
		{ "ATTACH", with_target, call_attach, 0 },
		{ "mmap", with_file, call_map, 1 },
		{ "mmap with a watch", with_watch, call_map, 1 },
		{ "read", with_hit, call_read, 0 },
		{ "RESYNC", with_watch, call_resync, 0 },
		{ NULL }
	};

	sweep(cases);
}

/* No other file is open: the user and the table of files have no memory yet. */
TEST(nomem_first_file, .seconds = 900)
{
	static const struct nth_case open_first = { "open, the first", NULL, call_open, 5 };

	nth_sweep(&open_first);
}

TEST(nomem_watches, .seconds = 900)
{
	static const struct nth_case cases[] = {
		{ "WATCH_ADD, the first", with_file, call_add, 4 },
		{ "WATCH_ADD, the second", with_watch, call_add, 1 },
		{ "WATCH_ADD, a new page of generations", with_full_page, call_add, 2 },
		{ "WATCH_ADD to another process", with_attached, call_add, 4 },
		{ "WATCH_ADD with F_STACK", with_watch, call_add_stack, 1 },
		{ "WATCH_DEL", with_watch, call_del, 0 },
		{ "WATCH_QUERY", with_hit, call_query, 0 },
		{ "WATCH_STACK", with_hit, call_stack, 0 },
		{ "WATCH_VERIFY", with_watch, call_verify, 0 },
		{ "WATCH_REPIN", with_hit, call_repin, 0 },
		{ NULL }
	};

	sweep(cases);
}

TEST(nomem_pins, .seconds = 900)
{
	static const struct nth_case cases[] = {
		{ "WATCH_ADD with F_PIN, the first", with_file, call_add_pin, 5 },
		{ "WATCH_ADD with F_PIN, the second", with_pin, call_add_pin, 2 },
		{ "WATCH_ADD with F_PIN of 600 pages", with_pin, call_add_pins, 2 },
		{ "WATCH_ADD with F_PIN of a huge page", with_huge_page, call_add_huge_pin, 5 },
		{ "WATCH_DEL of pins", with_pin, call_del, 0 },
		{ "WATCH_VERIFY of pins", with_pin, call_verify, 0 },
		{ "WATCH_REPIN of pins", with_stale_pin, call_repin, 1 },
		{ "WATCH_REPIN with F_KEEP", with_pin, call_repin_keep, 1 },
		{ NULL }
	};

	sweep(cases);
}
