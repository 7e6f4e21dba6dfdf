// SPDX-License-Identifier: MIT
/* VERIFY: each verdict, and no side effect. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "device.h"
#include "invalidator.h"
#include "pagemap.h"
#include "placement.h"
#include "sysfs.h"

#define NR	8UL

#define SAME		PINWATCH_VERDICT_SAME
#define READ_ONLY	PINWATCH_VERDICT_READ_ONLY
#define UNKNOWN		PINWATCH_VERDICT_UNKNOWN
#define NOT_PRESENT	PINWATCH_VERDICT_NOT_PRESENT
#define MOVED		PINWATCH_VERDICT_MOVED
#define GONE		PINWATCH_VERDICT_GONE

/* Check the verdicts after an operation on a range of NR pages. */
struct range {
	int fd;
	char *addr;
	uint32_t id;
	uint8_t verdicts[NR];
	struct pinwatch_watch_verify verify;
};

static struct range range_make(uint32_t flags)
{
	struct range r = { .fd = open_device(0), .addr = map_pages(NR) };

	r.id = add(r.fd, r.addr, NR * page_size(), flags, 0).id;
	return r;
}

static char *range_page(struct range *r, size_t i)
{
	return r->addr + i * page_size();
}

static void range_verify(struct range *r)
{
	CHECK_EQ(try_verify(r->fd, r->id, r->verdicts, &r->verify), 0);
	CHECK_EQ(r->verify.nr_pages, NR);
	CHECK_EQ(r->verify.generation, query(r->fd, r->id).generation);
}

/* Only page @i has @verdict. All other pages have @others, which is not worse. */
static void check_one(struct range *r, size_t i, uint8_t verdict, uint8_t others)
{
	uint64_t sum = 0;
	size_t k;

	range_verify(r);
	CHECK_EQ(r->verify.verdict, verdict);
	for (k = 0; k < NR; k++)
		CHECK_EQ(r->verdicts[k], k == i ? verdict : others);
	for (k = 0; k < 8; k++)
		sum += r->verify.nr[k];
	CHECK_EQ(sum, NR);
	CHECK_EQ(r->verify.nr[verdict], verdict == others ? NR : 1);
}

TEST(verify_pin_same)
{
	struct range r = range_make(PIN_RW);
	uint64_t before[NR], after[NR];
	uint8_t verdict;

	check_one(&r, 0, SAME, SAME);
	CHECK_EQ(placement_pfns(r.addr, NR, before), 0);
	/* A false alarm: told, but still true. */
	CHECK_EQ(mprotect(r.addr, NR * page_size(), PROT_READ), 0);
	CHECK_EQ(mprotect(r.addr, NR * page_size(), PROT_READ | PROT_WRITE), 0);
	memset(r.addr, 'w', NR * page_size());
	CHECK_EQ(placement_pfns(r.addr, NR, after), 0);
	/* 5.10 copies a pinned page at the next write. */
	verdict = memcmp(before, after, sizeof(before)) ? MOVED : SAME;
	CHECK(verdict == SAME || kernel_running() < KERNEL(6, 1));
	check_one(&r, 0, verdict, verdict);
}

TEST(verify_pin_read_only)
{
	struct range r = range_make(PIN_RW);

	CHECK_EQ(mprotect(range_page(&r, 3), page_size(), PROT_READ), 0);
	check_one(&r, 3, READ_ONLY, SAME);

	r = range_make(PIN);
	CHECK_EQ(mprotect(range_page(&r, 3), page_size(), PROT_READ), 0);
	check_one(&r, 3, SAME, SAME);
}

TEST(verify_pin_not_present)
{
	struct range r = range_make(PIN_RW);

	dontneed(range_page(&r, 2), page_size());
	check_one(&r, 2, NOT_PRESENT, SAME);
	/* VERIFY did not fault the page in. */
	check_one(&r, 2, NOT_PRESENT, SAME);
}

TEST(verify_pin_moved)
{
	struct range r = range_make(PIN_RW);

	dontneed(range_page(&r, 2), page_size());
	*(volatile char *)range_page(&r, 2) = 1;
	check_one(&r, 2, MOVED, SAME);

	/* A read maps the zero page, which is not the pinned page. */
	r = range_make(PIN);
	dontneed(range_page(&r, 5), page_size());
	CHECK_EQ(*(volatile char *)range_page(&r, 5), 0);
	check_one(&r, 5, MOVED, SAME);
}

TEST(verify_pin_gone)
{
	struct range r = range_make(PIN);

	CHECK_EQ(munmap(range_page(&r, 7), page_size()), 0);
	check_one(&r, 7, GONE, SAME);
	CHECK_EQ(munmap(r.addr, NR * page_size()), 0);
	check_one(&r, 0, GONE, GONE);
}

TEST(verify_pin_unknown)
{
	struct range r = range_make(PIN);

	CHECK_EQ(mprotect(range_page(&r, 1), page_size(), PROT_NONE), 0);
	check_one(&r, 1, UNKNOWN, SAME);
}

TEST(verify_watch)
{
	struct range r = range_make(WATCH);

	check_one(&r, 0, SAME, SAME);
	dontneed(range_page(&r, 4), page_size());
	/* After a hit, the mapped pages are unknown. */
	check_one(&r, 4, NOT_PRESENT, UNKNOWN);
	CHECK_EQ(munmap(range_page(&r, 4), page_size()), 0);
	check_one(&r, 4, GONE, UNKNOWN);
	repin(r.fd, r.id);
	check_one(&r, 4, GONE, SAME);
}

/* VERIFY faults in no page. */
TEST(verify_never_faults)
{
	char *addr = mmap(NULL, NR * page_size(), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct pinwatch_watch_verify verify;
	struct pagemap_snapshot snapshot;
	uint8_t verdicts[NR];
	struct pagemap pagemap;
	int fd = open_device(0);
	size_t i;

	CHECK(addr != MAP_FAILED);
	add(fd, addr, NR * page_size(), WATCH, 0);
	CHECK_EQ(try_verify(fd, 0, verdicts, &verify), 0);
	CHECK_EQ(verify.verdict, NOT_PRESENT);
	CHECK_EQ(pagemap_open(&pagemap, getpid()), 0);
	CHECK_EQ(pagemap_read(&pagemap, addr, NR * page_size(), &snapshot), 0);
	for (i = 0; i < NR; i++)
		CHECK(!snapshot.pages[i].present);
	pagemap_close(&pagemap);
}

TEST(verify_file)
{
	int file = memfd_create("verify", MFD_CLOEXEC), fd = open_device(0);
	struct pinwatch_watch_verify verify;
	uint8_t verdicts[NR];
	char *addr;

	CHECK(file >= 0);
	CHECK_EQ(ftruncate(file, (off_t)(NR * page_size())), 0);
	addr = mmap(NULL, NR * page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(addr != MAP_FAILED);
	add(fd, addr, NR * page_size(), PIN_RW, 0);
	CHECK_EQ(try_verify(fd, 0, verdicts, &verify), 0);
	CHECK_EQ(verify.verdict, SAME);
	CHECK_EQ(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			   (off_t)page_size(), (off_t)page_size()), 0);
	CHECK_EQ(try_verify(fd, 0, verdicts, &verify), 0);
	CHECK_EQ(verify.verdict, NOT_PRESENT);
	CHECK_EQ(verdicts[1], NOT_PRESENT);
	*(volatile char *)(addr + page_size()) = 1;
	CHECK_EQ(try_verify(fd, 0, verdicts, &verify), 0);
	CHECK_EQ(verdicts[1], MOVED);
	CHECK_EQ(verdicts[2], SAME);
}

TEST(verify_part)
{
	struct range r = range_make(PIN);
	struct pinwatch_watch_verify v = {
		.size = sizeof(v), .id = r.id, .first_page = 2, .nr_pages = 3,
		.verdicts = (uintptr_t)r.verdicts,
	};

	memset(r.verdicts, 0x77, NR);
	dontneed(range_page(&r, 1), page_size());
	dontneed(range_page(&r, 4), page_size());
	CHECK_EQ(try_ioctl(r.fd, PINWATCH_IOC_WATCH_VERIFY, &v), 0);
	CHECK_EQ(v.nr_pages, 3);
	CHECK_EQ(r.verdicts[0], SAME);
	CHECK_EQ(r.verdicts[2], NOT_PRESENT);
	CHECK_EQ(r.verdicts[3], 0x77);
	v.nr_pages = 0;
	CHECK_EQ(try_ioctl(r.fd, PINWATCH_IOC_WATCH_VERIFY, &v), 0);
	CHECK_EQ(v.nr_pages, NR - 2);
	v.nr_pages = NR - 1;
	CHECK_EQ(try_ioctl(r.fd, PINWATCH_IOC_WATCH_VERIFY, &v), -EINVAL);
	v.nr_pages = UINT64_MAX;
	CHECK_EQ(try_ioctl(r.fd, PINWATCH_IOC_WATCH_VERIFY, &v), -EINVAL);
	v.nr_pages = 0;
	v.first_page = NR;
	CHECK_EQ(try_ioctl(r.fd, PINWATCH_IOC_WATCH_VERIFY, &v), -EINVAL);
}

/* More pages than a call of VERIFY checks, and than a snapshot of the module holds. */
TEST(verify_large)
{
	uint64_t bytes = (PINWATCH_VERIFY_MAX + 1000ULL) * page_size();
	size_t length = (size_t)bytes;
	char *addr = mmap(NULL, length, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct pinwatch_watch_verify verify;
	int fd = open_device(0);

	if (bytes != length)
		SKIP("no 32-bit program has so much memory");
	CHECK(addr != MAP_FAILED);
	madvise(addr, length, MADV_NOHUGEPAGE);
	addr[0] = 1;
	addr[700 * page_size()] = 1;
	add(fd, addr, length, WATCH, 0);
	CHECK_EQ(try_verify(fd, 0, NULL, &verify), 0);
	CHECK_EQ(verify.nr_pages, PINWATCH_VERIFY_MAX);
	CHECK_EQ(verify.nr[SAME], 2);
	CHECK_EQ(verify.nr[NOT_PRESENT], PINWATCH_VERIFY_MAX - 2);
}

TEST(verify_huge_pages)
{
	size_t huge = 2UL << 20;
	char *area = mmap(NULL, 2 * huge, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *addr = (char *)(((uintptr_t)area + huge - 1) & ~(huge - 1));
	struct pinwatch_watch_verify verify;
	int fd = open_device(0);

	if (lacks_huge())
		SKIP("%s", lacks_huge());
	CHECK(area != MAP_FAILED);
	CHECK_EQ(madvise(addr, huge, MADV_HUGEPAGE), 0);
	memset(addr, 'h', huge);
	add(fd, addr, huge, PIN_RW, 0);
	CHECK_EQ(try_verify(fd, 0, NULL, &verify), 0);
	CHECK_EQ(verify.nr[SAME], huge / page_size());
	dontneed(addr + 5 * page_size(), page_size());
	CHECK_EQ(try_verify(fd, 0, NULL, &verify), 0);
	CHECK_EQ(verify.nr[SAME], huge / page_size() - 1);
	CHECK_EQ(verify.nr[NOT_PRESENT], 1);
}

/* From another process; and when the address space is gone. */
TEST(verify_from_outside)
{
	struct pinwatch_watch_verify verify;
	int channel, fd;
	pid_t pid;

	pid = fork_peer(&channel);
	if (!pid) {
		fd = open_device(0);
		add(fd, map_pages(NR), NR * page_size(), PIN_RW, 0);
		CHECK_EQ(channel_send(channel, fd), 0);
		CHECK_EQ(channel_receive(channel, NULL), 0);
		_exit(0);
	}
	CHECK_EQ(channel_receive(channel, &fd), 0);
	CHECK_EQ(try_verify(fd, 0, NULL, &verify), 0);
	CHECK_EQ(verify.verdict, SAME);
	CHECK_EQ(channel_send(channel, -1), 0);
	wait_child(pid);
	CHECK_EQ(try_verify(fd, 0, NULL, &verify), 0);
	CHECK_EQ(verify.verdict, GONE);
	CHECK_EQ(verify.nr[GONE], NR);
}

#define NR_KEEPERS	4
#define KEPT_PAGES	49152UL	/* VERIFY of so many pages is preempted, so that VERIFYs overlap */
#define KEPT_SECONDS	10

struct keeper {
	int fd;
	uint32_t id;
	bool stop;
};

/*
 * VERIFYs that follow each other, of a watch in another address space. Each keeper has a
 * watch of its own, so that the VERIFYs of the keepers overlap.
 */
static void *keeper_run(void *data)
{
	struct keeper *keeper = data;
	struct pinwatch_watch_verify verify;

	while (!__atomic_load_n(&keeper->stop, __ATOMIC_RELAXED))
		CHECK_EQ(try_verify(keeper->fd, keeper->id, NULL, &verify), 0);
	return NULL;
}

static pid_t keeper_subject(int *fd)
{
	int ends[2], i;
	char *addr;
	pid_t pid;

	CHECK_EQ(channel_open(ends), 0);
	pid = fork_child();
	if (!pid) {
		addr = map_pages(KEPT_PAGES);
		*fd = open_device(0);
		for (i = 0; i < NR_KEEPERS; i++)
			add(*fd, addr, KEPT_PAGES * page_size(), WATCH, 0);
		CHECK_EQ(channel_send(ends[1], *fd), 0);
		pause();
		_exit(1);
	}
	CHECK_EQ(channel_receive(ends[0], fd), 0);
	return pid;
}

/* The memory of a process ends with the process, also while other processes VERIFY. */
TEST(verify_keeps_no_memory)
{
	pthread_t threads[NR_KEEPERS];
	struct keeper keepers[NR_KEEPERS] = { { 0 } };
	int i, status, fd;
	uint64_t end;
	pid_t pid;

	pid = keeper_subject(&fd);
	for (i = 0; i < NR_KEEPERS; i++) {
		keepers[i].fd = fd;
		keepers[i].id = (uint32_t)i;
		CHECK_EQ(pthread_create(&threads[i], NULL, keeper_run, &keepers[i]), 0);
	}
	usleep(100000);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	end = now_ns() + KEPT_SECONDS * NS_PER_S;
	while (query(fd, 0).state != PINWATCH_STATE_DEAD && now_ns() < end)
		usleep(1000);
	CHECK_EQ(query(fd, 0).state, PINWATCH_STATE_DEAD);
	for (i = 0; i < NR_KEEPERS; i++) {
		__atomic_store_n(&keepers[i].stop, true, __ATOMIC_RELAXED);
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	}
}

/* Pages: VERIFY takes 37 ms, more than a timer of a busy host is late. */
#define NR_LARGE	524288UL
#define NR_SHARED	4096UL
#define NR_TRIES	20

/* Map a file of NR_SHARED pages again and again: NR_LARGE present pages in 16 MiB. */
static char *map_large(void)
{
	size_t i, length = NR_SHARED * page_size();
	int file = memfd_create("verify", 0);
	char *addr = mmap(NULL, NR_LARGE * page_size(), PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(addr != MAP_FAILED);
	CHECK_EQ(ftruncate(file, (off_t)length), 0);
	for (i = 0; i < NR_LARGE / NR_SHARED; i++)
		CHECK(mmap(addr + i * length, length, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_FIXED, file, 0) != MAP_FAILED);
	for (i = 0; i < NR_LARGE; i++)
		(void)*(volatile char *)(addr + i * page_size());
	CHECK_EQ(close(file), 0);
	return addr;
}

/* VERIFY needs a moment without invalidation. */
TEST(verify_eagain)
{
	struct pinwatch_watch_verify verify;
	struct invalidator invalidator;
	int i, ret = 0, fd = open_device(0);
	char *addr = map_large();

	add(fd, addr, NR_LARGE * page_size(), WATCH, 0);
	invalidator_interrupt(&invalidator, addr);
	for (i = 0; i < NR_TRIES && !ret; i++)
		ret = try_verify(fd, 0, NULL, &verify);
	invalidator_stop(&invalidator);
	test_note("%d tries", i);
	CHECK_EQ(ret, -EAGAIN);
	CHECK_EQ(try_verify(fd, 0, NULL, &verify), 0);
	CHECK_EQ(verify.nr_pages, NR_LARGE);
}

#define NR_RACES	3000

struct toucher {
	char *addr;
	bool stop;
};

static void *touch_run(void *data)
{
	struct toucher *toucher = data;

	while (!__atomic_load_n(&toucher->stop, __ATOMIC_ACQUIRE)) {
		poll(NULL, 0, 1);
		dontneed(toucher->addr, page_size());
		*(volatile char *)toucher->addr = 1;
	}
	return NULL;
}

/* For a watch without a pin, SAME comes with the generation of the last REPIN. */
TEST(verify_race)
{
	struct toucher toucher = { .addr = map_pages(1) };
	struct pinwatch_watch_verify verify;
	int i, same = 0, fd = open_device(0);
	pthread_t thread;

	add(fd, toucher.addr, page_size(), WATCH, 0);
	CHECK_EQ(pthread_create(&thread, NULL, touch_run, &toucher), 0);
	for (i = 0; i < NR_RACES || !same; i++) {
		uint64_t valid = repin(fd, 0);

		CHECK_EQ(try_verify(fd, 0, NULL, &verify), 0);
		if (verify.verdict != SAME)
			continue;
		same++;
		CHECK_EQ(verify.generation, valid);
	}
	__atomic_store_n(&toucher.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	test_note("%d of %d were the same", same, i);
}
