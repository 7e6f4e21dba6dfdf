// SPDX-License-Identifier: MIT
/* dropin: the device reads and writes while other threads change the memory. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "../module/pinwatch_test.h"
#include "dropin.h"
#include "test.h"

#define NR_PAGES	16
#define SECONDS		8
#define PATIENCE_S	15

/*
 * A subscription of pinwatch_test holds a DONTNEED between the mirror's callback and the
 * change of the page tables. A read that finds the old page, which is still mapped, must
 * be retried.
 */
struct held {
	uint64_t *word;
	int fd;
	unsigned long command;
	uint64_t value;
	int tid;	/* atomic */
	bool done;	/* atomic */
};

static void *held_dontneed(void *arg)
{
	struct held *held = arg;

	CHECK(!madvise(held->word, PAGE, MADV_DONTNEED));
	return NULL;
}

static void *held_reader(void *arg)
{
	struct held *held = arg;

	__atomic_store_n(&held->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	held->value = mirror_word(held->fd, held->command, held->word);
	__atomic_store_n(&held->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Does the thread sleep uninterruptibly? */
static bool sleeps(int tid)
{
	char path[64], line[256] = "", *state;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = fopen(path, "r");
	if (!file)
		return false;
	state = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	fclose(file);
	return state && state[1] && state[2] == 'D';
}

static void held_wait_for_reader(struct held *held)
{
	uint64_t end = now_ns() + PATIENCE_S * NS_PER_S;
	int tid;

	do {
		CHECK(now_ns() < end);
		sched_yield();
		tid = __atomic_load_n(&held->tid, __ATOMIC_ACQUIRE);
	} while (!__atomic_load_n(&held->done, __ATOMIC_ACQUIRE) && !(tid && sleeps(tid)));
}

static void held_test(unsigned long command)
{
	struct held held = { .word = map_pages(NULL, 1), .command = command };
	struct pinwatch_test_add add = {
		.engine = PINWATCH_TEST_PINWATCH,
		.behaviour = PINWATCH_TEST_HELD,
		.start = (uintptr_t)held.word,
		.length = PAGE,
	};
	struct pinwatch_test_wait wait = { .inside = 1, .timeout_ms = PATIENCE_S * 1000 };
	int driver = open(PINWATCH_TEST_DEVICE, O_RDWR | O_CLOEXEC);
	pthread_t changer, reader;

	CHECK(driver >= 0);
	held.fd = mirror_open();
	*held.word = 5;
	CHECK_EQ(mirror_word(held.fd, command, held.word), 5);
	CHECK(!ioctl(driver, PINWATCH_TEST_IOC_ADD, &add));
	CHECK(!pthread_create(&changer, NULL, held_dontneed, &held));
	wait.id = add.id;
	CHECK(!ioctl(driver, PINWATCH_TEST_IOC_WAIT, &wait));
	CHECK(!pthread_create(&reader, NULL, held_reader, &held));
	held_wait_for_reader(&held);
	CHECK(!ioctl(driver, PINWATCH_TEST_IOC_RELEASE, (unsigned long)add.id));
	CHECK(!pthread_join(changer, NULL));
	CHECK(!pthread_join(reader, NULL));
	CHECK_EQ(held.value, 0);
	CHECK_EQ(mirror_word(held.fd, command, held.word), 0);
}

TEST(hmm_held_read)
{
	held_test(MIRROR_READ);
}

TEST(hmm_held_read_unlocked)
{
	held_test(MIRROR_READ_UNLOCKED);
}

/*
 * The mirror's callback may sleep, and the mirror covers the whole address space, so
 * pinwatch vetoes process_mrelease(2) without calling the mirror. The process still exits.
 */
TEST(hmm_reap)
{
	struct pinwatch_test_wait wait = {
		.id = PINWATCH_TEST_STALL, .inside = 1, .timeout_ms = PATIENCE_S * 1000
	};
	int driver = open(PINWATCH_TEST_DEVICE, O_RDWR | O_CLOEXEC), pidfd, status;
	uint64_t *word = map_pages(NULL, 1);
	pid_t pid;

	CHECK(driver >= 0);
	pid = fork();
	if (!pid) {
		*word = 1;
		CHECK_EQ(mirror_word(mirror_open(), MIRROR_READ, word), 1);
		ioctl(driver, PINWATCH_TEST_IOC_STALL);
		_exit(0);
	}
	CHECK(pid > 0);
	CHECK(!ioctl(driver, PINWATCH_TEST_IOC_WAIT, &wait));
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	CHECK(pidfd >= 0);
	CHECK(!kill(pid, SIGKILL));
	CHECK_EQ(syscall(SYS_process_mrelease, pidfd, 0) ? errno : 0, EAGAIN);
	CHECK(!ioctl(driver, PINWATCH_TEST_IOC_RELEASE, (unsigned long)PINWATCH_TEST_STALL));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
}

/*
 * One thread replaces pages, and writes the next version number to each new page. The
 * device must read a version that the page had during the read: not below the version
 * finished before the read, and not above the version begun before the read returned. The
 * device may read 0 only if the page was replaced during the read.
 */
static struct race {
	uint64_t begun[NR_PAGES];	/* atomic */
	uint64_t finished[NR_PAGES];	/* atomic */
	uint64_t reads, zeros, faults, busy;	/* atomic */
	char *pages;
	int fd;
	bool unmap;
	bool stop;			/* atomic */
} race;

static bool racing(void)
{
	return !__atomic_load_n(&race.stop, __ATOMIC_ACQUIRE);
}

static void *race_changer(void *arg)
{
	uint64_t i, version = 0;

	(void)arg;
	while (racing()) {
		version++;
		for (i = 0; i < NR_PAGES; i++) {
			char *page = race.pages + i * PAGE;

			__atomic_store_n(&race.begun[i], version, __ATOMIC_SEQ_CST);
			if (race.unmap) {
				CHECK(!munmap(page, PAGE));
				map_pages(page, 1);
			} else {
				CHECK(!madvise(page, PAGE, MADV_DONTNEED));
			}
			__atomic_store_n((uint64_t *)page, version, __ATOMIC_SEQ_CST);
			__atomic_store_n(&race.finished[i], version, __ATOMIC_SEQ_CST);
		}
	}
	test_note("%llu changes", (unsigned long long)version * NR_PAGES);
	return NULL;
}

static void race_read(unsigned long command, unsigned int i)
{
	uint64_t page[PAGE / sizeof(uint64_t)], before, after;
	int ret;

	before = __atomic_load_n(&race.finished[i], __ATOMIC_SEQ_CST);
	ret = mirror(race.fd, command, race.pages + i * PAGE, page, 1);
	after = __atomic_load_n(&race.begun[i], __ATOMIC_SEQ_CST);
	if (ret == -EBUSY) {
		__atomic_add_fetch(&race.busy, 1, __ATOMIC_RELAXED);
	} else if (ret == -EFAULT && race.unmap) {
		CHECK(after > before);
		__atomic_add_fetch(&race.faults, 1, __ATOMIC_RELAXED);
	} else if (ret) {
		CHECK_EQ(ret, 0);
	} else if (!page[0] && after > before) {
		__atomic_add_fetch(&race.zeros, 1, __ATOMIC_RELAXED);
	} else if (page[0] < before || page[0] > after) {
		FAIL("page %u: read %llu, between %llu and %llu", i,
		     (unsigned long long)page[0], (unsigned long long)before,
		     (unsigned long long)after);
	}
	__atomic_add_fetch(&race.reads, 1, __ATOMIC_RELAXED);
}

static void *race_reader(void *arg)
{
	unsigned long command = (uintptr_t)arg;
	unsigned int i;

	while (racing())
		for (i = 0; i < NR_PAGES; i++)
			race_read(command, i);
	return NULL;
}

static void *race_snapshooter(void *arg)
{
	unsigned char perm[NR_PAGES];

	(void)arg;
	while (racing()) {
		int ret = mirror(race.fd, MIRROR_SNAPSHOT, race.pages, perm, NR_PAGES);

		CHECK(!ret || ret == -EBUSY);
	}
	return NULL;
}

static void race_run(void *(*const run[])(void *), void *const arg[], unsigned int nr)
{
	uint64_t end = now_ns() + SECONDS * NS_PER_S;
	pthread_t threads[8];
	unsigned int i;

	CHECK(nr <= 8);
	for (i = 0; i < nr; i++)
		CHECK(!pthread_create(&threads[i], NULL, run[i], arg[i]));
	while (now_ns() < end)
		usleep(10000);
	__atomic_store_n(&race.stop, true, __ATOMIC_RELEASE);
	for (i = 0; i < nr; i++)
		CHECK(!pthread_join(threads[i], NULL));
}

static void race_test(bool unmap)
{
	void *(*const run[])(void *) = { race_changer, race_reader, race_reader, race_snapshooter };
	void *const arg[] = { NULL, (void *)MIRROR_READ, (void *)MIRROR_READ_UNLOCKED, NULL };

	race.pages = map_pages(NULL, NR_PAGES);
	CHECK(!madvise(race.pages, NR_PAGES * PAGE, MADV_NOHUGEPAGE));
	race.fd = mirror_open();
	race.unmap = unmap;
	race_run(run, arg, 4);
	test_note("%llu reads, %llu of no page yet, %llu of none, %llu gave up",
		  (unsigned long long)race.reads, (unsigned long long)race.zeros,
		  (unsigned long long)race.faults, (unsigned long long)race.busy);
	CHECK(race.reads > race.busy + race.faults + race.zeros);
	CHECK(race.zeros + race.faults);
}

TEST(hmm_race_dontneed)
{
	race_test(false);
}

TEST(hmm_race_munmap)
{
	race_test(true);
}

/*
 * The device writes to pages that one thread discards, while another thread maps new
 * pages. A write through a stale entry would change a new page.
 */
static void *write_changer(void *arg)
{
	unsigned int i;

	(void)arg;
	while (racing())
		for (i = 0; i < NR_PAGES; i++)
			CHECK(!madvise(race.pages + i * PAGE, PAGE, MADV_DONTNEED));
	return NULL;
}

static void *write_device(void *arg)
{
	uint64_t page[PAGE / sizeof(uint64_t)];
	unsigned int i;
	int ret;

	(void)arg;
	memset(page, 0xa5, sizeof(page));
	while (racing())
		for (i = 0; i < NR_PAGES; i++) {
			ret = mirror(race.fd, MIRROR_WRITE, race.pages + i * PAGE, page, 1);
			CHECK(!ret || ret == -EBUSY);
			race.reads += !ret;
		}
	return NULL;
}

static void *write_victim(void *arg)
{
	static const uint64_t zeros[PAGE / sizeof(uint64_t)];
	uint64_t *pages;
	unsigned int i, n;

	(void)arg;
	while (racing()) {
		pages = map_pages(NULL, NR_PAGES);
		for (n = 0; n < 4; n++)
			for (i = 0; i < NR_PAGES; i++) {
				uint64_t *page = pages + i * PAGE / sizeof(*pages);

				__atomic_store_n(page, 0, __ATOMIC_RELAXED);
				if (memcmp(page, zeros, PAGE) != 0)
					FAIL("a new page was written to");
			}
		CHECK(!munmap(pages, NR_PAGES * PAGE));
	}
	return NULL;
}

TEST(hmm_race_write)
{
	void *(*const run[])(void *) = { write_changer, write_device, write_victim };
	void *const arg[3] = { NULL };

	race.pages = map_pages(NULL, NR_PAGES);
	CHECK(!madvise(race.pages, NR_PAGES * PAGE, MADV_NOHUGEPAGE));
	race.fd = mirror_open();
	race_run(run, arg, 3);
	test_note("%llu writes", (unsigned long long)race.reads);
	CHECK(race.reads);
}
