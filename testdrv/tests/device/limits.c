// SPDX-License-Identifier: MIT
/* Limits of pinned pages: of an address space, of a user, of a page. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "credentials.h"
#include "device.h"
#include "sysfs.h"

static struct pinwatch_watch_add last_pin;	/* of pin() */

static int pin(int fd, char *addr, size_t nr_pages)
{
	return try_add(fd, addr, nr_pages * page_size(), PIN_RW, 0, &last_pin);
}

/* REPIN pins again only if a page has moved. */
static int repin_moved(int fd, uint32_t id, char *addr)
{
	uint64_t unused;

	dontneed(addr, page_size());
	*addr = 'm';
	return try_repin(fd, id, &unused);
}

/* The limit counts all pins of the address space, on all descriptors. */
TEST(limit_memlock_exact)
{
	char *addr = map_pages(32);
	int first = open_device(0), second = open_device(0);
	uint32_t id;

	credentials_memlock(16 * page_size());
	credentials_nobody();
	CHECK_EQ(pin(first, addr, 17), -ENOBUFS);
	CHECK_EQ(pin(first, addr, 16), 0);
	id = last_pin.id;
	CHECK_EQ(pin(second, addr, 1), -ENOBUFS);
	CHECK_EQ(try_del(first, id), 0);
	CHECK_EQ(pin(first, addr, 10), 0);
	CHECK_EQ(pin(second, addr, 7), -ENOBUFS);
	CHECK_EQ(pin(second, addr, 6), 0);
	/* A page counts once for each pin. */
	CHECK_EQ(pin(second, addr, 1), -ENOBUFS);
	CHECK_EQ(close(second), 0);
	CHECK_EQ(pin(first, addr + 16 * page_size(), 6), 0);
	CHECK_EQ(pin(first, addr + 16 * page_size(), 1), -ENOBUFS);
}

/* A range counts as the pages that overlap the range. */
TEST(limit_memlock_rounds)
{
	struct pinwatch_watch_add watch;
	char *addr = map_pages(4);
	int fd = open_device(0);

	credentials_memlock(2 * page_size() + page_size() / 2);
	credentials_nobody();
	CHECK_EQ(try_add(fd, addr + page_size() - 1, page_size() + 2, PIN, 0, &watch), -ENOBUFS);
	CHECK_EQ(try_add(fd, addr + page_size() - 1, 2, PIN, 0, &watch), 0);
	CHECK_EQ(watch.nr_pages, 2);
}

/* Old and new pages count together for a moment. */
TEST(limit_repin_counts_twice)
{
	char *addr = map_pages(9);
	int fd = open_device(0);

	credentials_memlock(16 * page_size());
	credentials_nobody();
	CHECK_EQ(pin(fd, addr, 8), 0);
	CHECK_EQ(repin_moved(fd, 0, addr), 0);
	CHECK_EQ(pin(fd, addr, 8), 0);
	CHECK_EQ(repin_moved(fd, 0, addr), -ENOBUFS);
	CHECK_EQ(query(fd, 0).nr_pinned, 8);
	CHECK_EQ(try_del(fd, 1), 0);
	CHECK_EQ(try_del(fd, 0), 0);
	CHECK_EQ(pin(fd, addr, 9), 0);
	CHECK_EQ(repin_moved(fd, last_pin.id, addr), -ENOBUFS);
	CHECK_EQ(pin(fd, addr, 7), 0);
}

static void child_run(void (*run)(int fd, char *addr), int fd, char *addr)
{
	pid_t pid = fork_child();

	if (!pid) {
		run(fd, addr);
		_exit(0);
	}
	wait_child(pid);
}

static void pin_six_more(int fd, char *addr)
{
	fd = open_device(0);
	CHECK_EQ(pin(fd, addr, 7), -EDQUOT);
	CHECK_EQ(get_info(fd).nr_watches, 0);
	CHECK_EQ(pin(fd, addr, 6), 0);
	CHECK_EQ(pin(fd, addr, 1), -EDQUOT);
}

/* Two address spaces of the user nobody. An old pin and a new pin of REPIN count together. */
static void pin_sixteen(int fd, char *addr)
{
	credentials_nobody();
	fd = open_device(0);
	CHECK_EQ(pin(fd, addr, 10), 0);
	CHECK_EQ(repin_moved(fd, 0, addr), -EDQUOT);
	CHECK_EQ(query(fd, 0).nr_pinned, 10);
	child_run(pin_six_more, -1, addr);
	CHECK_EQ(pin(fd, addr, 7), -EDQUOT);
	CHECK_EQ(pin(fd, addr, 6), 0);
	CHECK_EQ(try_del(fd, 0), 0);
	CHECK_EQ(pin(fd, addr, 10), 0);
}

static void pin_exempt(int fd, char *addr)
{
	fd = open_device(0);
	CHECK_EQ(pin(fd, addr, 17), 0);
	CHECK_EQ(close(fd), 0);
}

/* Run @run, in a child, while a user may have 16 pages pinned. */
static void limited_run(void (*run)(int fd, char *addr))
{
	unsigned long old = param_get("max_pin_pages_per_user");
	char *addr = map_pages(17);
	int status;
	pid_t pid;

	param_set("max_pin_pages_per_user", 16);
	credentials_memlock(1024 * page_size());
	credentials_device_mode(0666);
	pid = fork_child();
	if (!pid) {
		run(-1, addr);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	credentials_device_mode(0600);
	param_set("max_pin_pages_per_user", old);
	CHECK_EQ(status, 0);
}

TEST(limit_edquot_pins_of_user)
{
	limited_run(pin_sixteen);
	limited_run(pin_exempt);
}

/* The default is half of the memory. */
TEST(limit_pins_of_user_default)
{
	unsigned long max = param_get("max_pin_pages_per_user");
	unsigned long half = (unsigned long)sysconf(_SC_PHYS_PAGES) / 2;

	CHECK(max >= half && max - half < half / 16);
}

#define SATURATE_MAPS	4096UL
#define SATURATE_PINS	(1UL << 20)	/* each adds 1024 to the reference count */

/* One page of a file, mapped often. Each pin of a page adds to its reference count. */
static char *map_one_page(void)
{
	int fd = memfd_create("page", MFD_CLOEXEC);
	size_t i, length = SATURATE_MAPS * page_size();
	char *addr = mmap(NULL, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(fd >= 0 && addr != MAP_FAILED);
	CHECK_EQ(ftruncate(fd, (off_t)page_size()), 0);
	for (i = 0; i < SATURATE_MAPS; i++)
		CHECK(mmap(addr + i * page_size(), page_size(), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED);
	*addr = 1;
	close(fd);
	return addr;
}

TEST(limit_ebusy_page_count)
{
	unsigned long old = param_get("max_pin_pages_per_user");
	struct pinwatch_watch_add watch;
	char *addr = map_one_page();
	int ret, again, fd = open_device(0);
	uint64_t pinned, unused;
	size_t i;

	param_set("max_pin_pages_per_user", 2 * SATURATE_PINS);
	for (i = 0; i < SATURATE_PINS / SATURATE_MAPS - 1; i++)
		add(fd, addr, SATURATE_MAPS * page_size(), PIN, 0);
	pinned = get_stats().pinned_pages;
	ret = try_add(fd, addr, SATURATE_MAPS * page_size(), PIN, 0, &watch);
	/* The first mapping gets another page, so that REPIN pins again. */
	CHECK(mmap(addr, page_size(), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == addr);
	again = try_repin(fd, 0, &unused);
	param_set("max_pin_pages_per_user", old);
	CHECK_EQ(ret, -EBUSY);
	CHECK_EQ(again, -EBUSY);
	CHECK_EQ(get_stats().pinned_pages, pinned);
	/* There is room for a chunk below the limit. */
	CHECK_EQ(try_add(fd, addr, 64 * page_size(), PIN, 0, &watch), 0);
	CHECK_EQ(close(fd), 0);
}
