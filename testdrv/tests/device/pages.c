// SPDX-License-Identifier: MIT
/* PINWATCH_WATCH_F_PAGES: only an operation that can exchange or remove a page is a hit. */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "channel.h"
#include "device.h"
#include "sysfs.h"

#define NR		4UL
#define NR_MPROTECTS	30
#define PAGES		PINWATCH_WATCH_F_PAGES

/* NR pages with a watch of each kind. An operation hits "all" if the kernel reports it. */
struct ground {
	int fd;
	char *addr;
	const struct pinwatch_gen *words;
	struct pinwatch_watch_add all;
	struct pinwatch_watch_add pages;	/* with F_PAGES */
};

static bool is_hit(const struct ground *g, const struct pinwatch_watch_add *watch)
{
	return generation(&g->words[watch->id]) != watch->generation;
}

/* @flags: of the watch with F_PAGES, besides F_PAGES */
static struct ground ground_watch(char *addr, uint32_t flags)
{
	struct ground g = { .fd = open_device(O_NONBLOCK), .addr = addr };

	g.words = map_generations(g.fd);
	g.pages = add(g.fd, addr, NR * page_size(), PAGES | flags, 1);
	g.all = add(g.fd, addr, NR * page_size(), WATCH, 2);
	return g;
}

/* @g->pages had no hit and has no event. */
static void check_not_hit(const struct ground *g)
{
	struct pinwatch_watch_query now = query(g->fd, g->pages.id);
	struct pinwatch_event events[2];
	int i, nr = try_read_events(g->fd, events, 2);

	CHECK(!is_hit(g, &g->pages));
	CHECK_EQ(now.hits, 0);
	CHECK_EQ(now.events, 0);
	CHECK_EQ(now.generation, now.valid_generation);
	for (i = 0; i < nr; i++)
		CHECK(events[i].id != g->pages.id);
}

static void protect(const struct ground *g, int prot)
{
	CHECK_EQ(mprotect(g->addr, NR * page_size(), prot), 0);
}

/* The example of the issue: 30 mprotects keep the pin, one munmap does not. */
TEST(pages_mprotect)
{
	struct ground g = ground_watch(map_pages(NR), PIN_RW);
	struct pinwatch_event event;
	int i;

	for (i = 0; i < NR_MPROTECTS; i++)
		protect(&g, i % 2 ? PROT_READ | PROT_WRITE : PROT_READ);
	CHECK(query(g.fd, g.all.id).hits >= NR_MPROTECTS);
	check_not_hit(&g);
	CHECK_EQ(try_del(g.fd, g.all.id), 0);
	CHECK_EQ(munmap(g.addr + page_size(), page_size()), 0);
	CHECK(is_hit(&g, &g.pages));
	event = read_event(g.fd);
	CHECK_EQ(event.cookie, 1);
	CHECK_EQ(event.events, PINWATCH_EVENT_UNMAP);
}

TEST(pages_query_returns_the_flag)
{
	struct ground g = ground_watch(map_pages(NR), PIN_RW);

	CHECK_EQ(query(g.fd, g.pages.id).watch_flags, PAGES | PIN_RW);
	CHECK_EQ(query(g.fd, g.all.id).watch_flags, 0);
}

static void op_fork(struct ground *g)
{
	pid_t pid;

	(void)g;
	pid = fork_child();
	if (!pid)
		_exit(0);
	wait_child(pid);
}

static void op_clear_refs(struct ground *g)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

	(void)g;
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "4", 1), 1);
	close(fd);
}

static void op_userfault_protect(struct ground *g)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP };
	struct uffdio_register range = {
		.range = { .start = (uintptr_t)g->addr, .len = NR * page_size() },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};
	struct uffdio_writeprotect protect = {
		.range = range.range, .mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api))
		SKIP("no userfaultfd with write protection");
	CHECK_EQ(ioctl(fd, UFFDIO_REGISTER, &range), 0);
	CHECK_EQ(ioctl(fd, UFFDIO_WRITEPROTECT, &protect), 0);
	close(fd);
}

static void op_mprotect_none(struct ground *g)
{
	protect(g, PROT_NONE);
}

static void test_keeps(void (*op)(struct ground *g), uint32_t flags)
{
	struct ground g = ground_watch(map_pages(NR), flags);

	op(&g);
	CHECK(is_hit(&g, &g.all));
	check_not_hit(&g);
}

TEST(pages_fork_keeps)
{
	test_keeps(op_fork, WATCH);
	test_keeps(op_fork, PIN_RW);
}

TEST(pages_clear_refs_keeps)
{
	test_keeps(op_clear_refs, WATCH);
	test_keeps(op_clear_refs, PIN_RW);
}

/* A watch without a pin: 5.10 exchanges huge pages after an event of the same kind. */
TEST(pages_userfault_protect_keeps)
{
	test_keeps(op_userfault_protect, PIN_RW);
	if (kernel_running() >= KERNEL(5, 14))
		test_keeps(op_userfault_protect, WATCH);
}

TEST(pages_mprotect_none_keeps)
{
	test_keeps(op_mprotect_none, PIN_RW);
	if (kernel_running() >= KERNEL(5, 14))
		test_keeps(op_mprotect_none, WATCH);
}

/* fsync() write-protects the pages of a file on a disk (page_mkclean). */
TEST(pages_writeback_keeps)
{
	char path[] = "/var/tmp/pinwatch-pages-XXXXXX";
	int file = mkostemp(path, O_CLOEXEC);
	struct ground g;
	char *addr;

	if (file < 0)
		SKIP("no directory /var/tmp");
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(ftruncate(file, (off_t)(NR * page_size())), 0);
	addr = mmap(NULL, NR * page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(addr != MAP_FAILED);
	memset(addr, 'a', NR * page_size());
	CHECK_EQ(fsync(file), 0);
	g = ground_watch(addr, PIN);
	memset(addr, 'b', NR * page_size());
	CHECK_EQ(fsync(file), 0);
	if (!is_hit(&g, &g.all))
		SKIP("no file system on a disk at /var/tmp");
	check_not_hit(&g);
}

static void op_munmap(struct ground *g)
{
	CHECK_EQ(munmap(g->addr, page_size()), 0);
}

static void op_mremap(struct ground *g)
{
	char *there = map_pages(NR);

	CHECK(mremap(g->addr, NR * page_size(), NR * page_size(), MREMAP_MAYMOVE | MREMAP_FIXED,
		     there) == there);
}

static void op_dontneed(struct ground *g)
{
	dontneed(g->addr, page_size());
}

static void op_map_over(struct ground *g)
{
	CHECK(mmap(g->addr, page_size(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		   0) == g->addr);
}

/* The pages are shared with a child: a write copies a page. */
static void op_copy_on_write(struct ground *g)
{
	int ends[2];
	pid_t pid;

	CHECK_EQ(channel_open(ends), 0);
	pid = fork_child();
	if (!pid) {
		close(ends[0]);
		channel_receive(ends[1], NULL);
		_exit(0);
	}
	CHECK(!is_hit(g, &g->pages));
	*(volatile char *)g->addr = 'w';
	CHECK(is_hit(g, &g->pages));
	close(ends[1]);
	close(ends[0]);
	wait_child(pid);
}

/* Copy-on-write by another process */
static void op_remote_write(struct ground *g)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	op_fork(g);
	CHECK_EQ(pwrite(fd, "w", 1, (off_t)(uintptr_t)g->addr), 1);
	close(fd);
}

static void test_hits(void (*op)(struct ground *g), char *addr, uint32_t flags)
{
	struct ground g = ground_watch(addr, flags);

	op(&g);
	CHECK(is_hit(&g, &g.pages));
	CHECK(query(g.fd, g.pages.id).hits > 0);
}

TEST(pages_unmapping_hits)
{
	static void (*const ops[])(struct ground *g) = {
		op_munmap, op_mremap, op_dontneed, op_map_over,
	};
	size_t i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		test_hits(ops[i], map_pages(NR), WATCH);
		test_hits(ops[i], map_pages(NR), PIN_RW);
	}
}

TEST(pages_copy_on_write_hits)
{
	test_hits(op_copy_on_write, map_pages(NR), WATCH);
}

/* The zero page is exchanged at the first write. */
TEST(pages_write_after_read_hits)
{
	char *addr = mmap(NULL, NR * page_size(), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct ground g;

	CHECK(addr != MAP_FAILED);
	/* A kernel without huge pages refuses this advice, and does not need it. */
	madvise(addr, NR * page_size(), MADV_NOHUGEPAGE);
	CHECK_EQ(*(volatile char *)addr, 0);
	g = ground_watch(addr, WATCH);
	*(volatile char *)addr = 'w';
	CHECK(is_hit(&g, &g.pages));
}

/* A write through /proc/PID/mem to a private file mapping exchanges the file's page. */
TEST(pages_remote_write_hits)
{
	int file = memfd_create("pages", MFD_CLOEXEC);
	char *addr;

	CHECK(file >= 0);
	CHECK_EQ(ftruncate(file, (off_t)(NR * page_size())), 0);
	addr = mmap(NULL, NR * page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	CHECK(addr != MAP_FAILED);
	CHECK_EQ(*(volatile char *)addr, 0);
	test_hits(op_remote_write, addr, WATCH);
}

TEST(pages_hole_hits)
{
	int file = memfd_create("pages", MFD_CLOEXEC);
	struct ground g;
	char *addr;

	CHECK(file >= 0);
	CHECK_EQ(ftruncate(file, (off_t)(NR * page_size())), 0);
	addr = mmap(NULL, NR * page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(addr != MAP_FAILED);
	memset(addr, 'a', NR * page_size());
	g = ground_watch(addr, PIN_RW);
	CHECK_EQ(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			   (off_t)page_size()), 0);
	CHECK(is_hit(&g, &g.pages));
}

TEST(pages_release_hits)
{
	struct pinwatch_event event;
	int ends[2], fd;
	pid_t pid;

	CHECK_EQ(channel_open(ends), 0);
	pid = fork_child();
	if (!pid) {
		fd = open_device(O_NONBLOCK);
		add(fd, map_pages(1), page_size(), PAGES, 7);
		CHECK_EQ(channel_send(ends[1], fd), 0);
		_exit(0);
	}
	CHECK_EQ(channel_receive(ends[0], &fd), 0);
	wait_child(pid);
	event = read_event(fd);
	CHECK_EQ(event.cookie, 7);
	CHECK_EQ(event.events, PINWATCH_EVENT_RELEASE);
}
