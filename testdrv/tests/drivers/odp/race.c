// SPDX-License-Identifier: MIT
/*
 * odp: a thread exchanges the pages without pause while the peer reads or writes them. Each
 * value that the peer reads was current at some time of the read.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "odp.h"

#define RACE_NS		(NS_PER_S / 4)

/**
 * struct race - a thread that writes rising values to every word of the first page
 * @exchange: Exchange the page. Afterwards it is zero, or has its last value.
 * @writing: The value that is being written, or was written last.
 * @written: The last value that is complete in the page.
 */
struct race {
	struct loop loop;
	void (*exchange)(uint64_t *page, int fd);
	int fd;
	uint64_t writing;
	uint64_t written;
	bool stop;
	pthread_t thread;
};

static void exchange_dontneed(uint64_t *page, int fd)
{
	(void)fd;
	CHECK(!madvise(page, PAGE, MADV_DONTNEED));
}

static void exchange_map(uint64_t *page, int fd)
{
	(void)fd;
	CHECK(mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		   -1, 0) == page);
}

static void exchange_punch(uint64_t *page, int fd)
{
	(void)page;
	CHECK(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
}

static void exchange_protect(uint64_t *page, int fd)
{
	(void)fd;
	CHECK(!mprotect(page, PAGE, PROT_READ));
	CHECK(!mprotect(page, PAGE, PROT_READ | PROT_WRITE));
}

/* The child has the page at the next write of the parent, which copies it. */
static void exchange_fork(uint64_t *page, int fd)
{
	pid_t pid = fork();

	(void)fd;
	if (!pid) {
		usleep(2000);
		_exit(0);
	}
	__atomic_store_n(page, *page, __ATOMIC_RELAXED);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

static void page_write(struct race *race, uint64_t value)
{
	uint64_t *page = race->loop.memory;
	size_t i;

	__atomic_store_n(&race->writing, value, __ATOMIC_SEQ_CST);
	for (i = 0; i < PAGE_WORDS; i++)
		__atomic_store_n(page + i, value, __ATOMIC_RELAXED);
	__atomic_store_n(&race->written, value, __ATOMIC_SEQ_CST);
}

static void *race_thread(void *arg)
{
	struct race *race = arg;

	while (!__atomic_load_n(&race->stop, __ATOMIC_RELAXED)) {
		race->exchange(race->loop.memory, race->fd);
		page_write(race, race->writing + 1);
	}
	return NULL;
}

static void race_open(struct race *race, void (*exchange)(uint64_t *page, int fd))
{
	*race = (struct race) { .exchange = exchange, .fd = -1 };
	if (exchange == exchange_punch) {
		race->fd = memfd_create("odp", MFD_CLOEXEC);
		CHECK(race->fd >= 0 && !ftruncate(race->fd, LENGTH));
		loop_open(&race->loop, memory_map(NULL, MAP_SHARED, race->fd));
	} else {
		loop_open(&race->loop, memory_map(NULL, MAP_PRIVATE | MAP_ANONYMOUS, -1));
	}
	page_write(race, 1);
}

static void words_check(const uint64_t *words, uint64_t oldest, uint64_t newest)
{
	size_t i;

	for (i = 0; i < PAGE_WORDS; i++)
		if (words[i] && (words[i] < oldest || words[i] > newest))
			FAIL("word %zu is %llu, not 0 or %llu to %llu", i,
			     (unsigned long long)words[i], (unsigned long long)oldest,
			     (unsigned long long)newest);
}

/* Returns whether the read completed. */
static bool race_read(struct race *race)
{
	uint64_t oldest = __atomic_load_n(&race->written, __ATOMIC_SEQ_CST);
	int status = peer_transfer(&race->loop.requester, &race->loop.remote, IBV_WR_RDMA_READ,
				   PAGE);

	if (status == PEER_LOST)
		return false;
	CHECK_EQ(status, IBV_WC_SUCCESS);
	words_check(race->loop.requester.buffer, oldest,
		    __atomic_load_n(&race->writing, __ATOMIC_SEQ_CST));
	return true;
}

static void race_run(void (*exchange)(uint64_t *page, int fd))
{
	uint64_t end, callbacks;
	struct race race;
	int nr_reads = 0;

	race_open(&race, exchange);
	callbacks = engine_callbacks();
	CHECK(!pthread_create(&race.thread, NULL, race_thread, &race));
	for (end = now_ns() + RACE_NS; now_ns() < end && race_read(&race); nr_reads++)
		;
	__atomic_store_n(&race.stop, true, __ATOMIC_RELAXED);
	CHECK(!pthread_join(race.thread, NULL));
	engine_called_since(callbacks);
	test_note("%d reads, %llu exchanges", nr_reads, (unsigned long long)race.written);
	CHECK(nr_reads > 0 && race.written > 1);
	CHECK_EQ(loop_transfer(&race.loop, IBV_WR_RDMA_READ, PAGE), IBV_WC_SUCCESS);
	words_check(race.loop.requester.buffer, race.written, race.written);
}

TEST(odp_race_dontneed)
{
	race_run(exchange_dontneed);
}

TEST(odp_race_map)
{
	race_run(exchange_map);
}

TEST(odp_race_punch)
{
	race_run(exchange_punch);
}

TEST(odp_race_protect)
{
	race_run(exchange_protect);
}

TEST(odp_race_fork)
{
	race_run(exchange_fork);
}
