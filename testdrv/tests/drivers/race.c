// SPDX-License-Identifier: MIT
/* See race.h. */
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "race.h"
#include "test.h"

void race_dontneed(uint64_t *page, int fd)
{
	(void)fd;
	CHECK(!madvise(page, PAGE, MADV_DONTNEED));
}

void race_map(uint64_t *page, int fd)
{
	(void)fd;
	CHECK(mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		   -1, 0) == page);
}

void race_punch(uint64_t *page, int fd)
{
	(void)page;
	CHECK(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
}

void race_protect(uint64_t *page, int fd)
{
	(void)fd;
	CHECK(!mprotect(page, PAGE, PROT_READ));
	CHECK(!mprotect(page, PAGE, PROT_READ | PROT_WRITE));
}

void race_fork(uint64_t *page, int fd)
{
	pid_t pid = fork();

	(void)fd;
	CHECK(pid >= 0);
	if (!pid) {
		usleep(2000);
		_exit(0);
	}
	__atomic_store_n(page, *page, __ATOMIC_RELAXED);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

static void page_write(struct race *race, uint64_t value)
{
	size_t i;

	__atomic_store_n(&race->writing, value, __ATOMIC_SEQ_CST);
	/* A device that reads the value sees ->writing: a store alone orders no later store. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (i = 0; i < PAGE_WORDS; i++)
		__atomic_store_n(race->memory + i, value, __ATOMIC_RELAXED);
	__atomic_store_n(&race->written, value, __ATOMIC_SEQ_CST);
}

static void *race_thread(void *arg)
{
	struct race *race = arg;

	while (!__atomic_load_n(&race->stop, __ATOMIC_RELAXED)) {
		race->exchange(race->memory, race->fd);
		page_write(race, race->writing + 1);
	}
	return NULL;
}

void race_open(struct race *race, race_exchange *exchange)
{
	*race = (struct race) { .exchange = exchange, .fd = -1 };
	if (exchange == race_punch) {
		race->fd = memfd_create("race", MFD_CLOEXEC);
		CHECK(race->fd >= 0 && !ftruncate(race->fd, LENGTH));
		race->memory = memory_map(NULL, MAP_SHARED, race->fd);
	} else {
		race->memory = memory_map(NULL, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	}
	page_write(race, 1);
}

void race_start(struct race *race)
{
	CHECK(!pthread_create(&race->thread, NULL, race_thread, race));
}

void race_stop(struct race *race)
{
	__atomic_store_n(&race->stop, true, __ATOMIC_RELAXED);
	CHECK(!pthread_join(race->thread, NULL));
}

uint64_t race_oldest(struct race *race)
{
	return __atomic_load_n(&race->written, __ATOMIC_SEQ_CST);
}

void race_check(struct race *race, const uint64_t *words, uint64_t oldest)
{
	uint64_t newest = __atomic_load_n(&race->writing, __ATOMIC_SEQ_CST);
	size_t i;

	for (i = 0; i < PAGE_WORDS; i++)
		if (words[i] && (words[i] < oldest || words[i] > newest))
			FAIL("word %zu is %llu, not 0 or %llu to %llu", i,
			     (unsigned long long)words[i], (unsigned long long)oldest,
			     (unsigned long long)newest);
}
