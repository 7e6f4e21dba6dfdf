// SPDX-License-Identifier: MIT
/* Concurrent calls: threads and processes add, delete, read and invalidate. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "device.h"

#define NR_MUNMAPS	5000	/* scripts/check/slow/race: NR_MUNMAPS_LONG */
#define NR_MUNMAPS_LONG	100000
#define NR_PAGES	8
#define NR_BURST	8
#define NR_BINDS	200

/* 1,000, or less on a kernel that is slow. */
static int nr_rounds(void)
{
	return 1000 / (int)test_slower();
}

/* State that the threads or processes of a test share. */
struct race {
	int fd;
	char *addr;
	const struct pinwatch_gen *words;
	uint64_t expected;	/* generation of the watch of the current round; 0: no round */
	bool unmapped;		/* munmap() of the current round has returned */
	bool ready;
	bool stop;
	uint64_t looks;
};

static bool race_stopped(struct race *race)
{
	return __atomic_load_n(&race->stop, __ATOMIC_ACQUIRE);
}

static void race_start(struct race *race, pthread_t *thread, void *(*run)(void *))
{
	CHECK_EQ(pthread_create(thread, NULL, run, race), 0);
}

static void race_stop(struct race *race, pthread_t *threads, int nr)
{
	__atomic_store_n(&race->stop, true, __ATOMIC_RELEASE);
	while (nr--)
		pthread_join(threads[nr], NULL);
}

/*
 * After munmap() has returned, each process reads a new generation. The order of the three
 * loads matters, since a new round may begin in between. The reader is a process, not a
 * thread, so that munmap() sends no interrupt to its processor.
 */
static void spin_main(struct race *race)
{
	const struct pinwatch_gen *words = map_generations(race->fd);

	__atomic_store_n(&race->ready, true, __ATOMIC_RELEASE);
	while (!race_stopped(race)) {
		uint64_t expected = __atomic_load_n(&race->expected, __ATOMIC_ACQUIRE);
		bool unmapped = __atomic_load_n(&race->unmapped, __ATOMIC_ACQUIRE);
		uint64_t now = generation(&words[0]);

		if (!expected || !unmapped)
			continue;
		race->looks++;
		CHECK(now != expected);
	}
	_exit(0);
}

static void munmap_round(struct race *race, uint32_t flags)
{
	char *addr = map_pages(1);
	struct pinwatch_watch_add watch = add(race->fd, addr, page_size(), flags, 0);

	CHECK_EQ(watch.id, 0);
	CHECK_EQ(generation(&race->words[0]), watch.generation);
	__atomic_store_n(&race->unmapped, false, __ATOMIC_RELEASE);
	__atomic_store_n(&race->expected, watch.generation, __ATOMIC_RELEASE);
	CHECK_EQ(munmap(addr, page_size()), 0);
	CHECK(generation(&race->words[0]) != watch.generation);
	__atomic_store_n(&race->unmapped, true, __ATOMIC_RELEASE);
	CHECK_EQ(try_del(race->fd, watch.id), 0);
}

static void munmap_beside_spin(int nr)
{
	struct race *race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	int i;

	CHECK(race != MAP_FAILED);
	race->fd = open_device_of(1, 0);
	race->words = map_generations(race->fd);
	pid = fork_child();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		spin_main(race);
	}
	while (!__atomic_load_n(&race->ready, __ATOMIC_ACQUIRE))
		sched_yield();
	for (i = 0; i < nr; i++)
		munmap_round(race, i % 2 ? PIN_RW : WATCH);
	__atomic_store_n(&race->stop, true, __ATOMIC_RELEASE);
	wait_child(pid);
	test_note("%d rounds, %llu looks after munmap", i, (unsigned long long)race->looks);
	CHECK(race->looks > 0);
}

TEST(race_munmap_spin)
{
	munmap_beside_spin(NR_MUNMAPS);
}

TEST(race_munmap_spin_long, .seconds = 1200, .full = true)
{
	munmap_beside_spin(NR_MUNMAPS_LONG);
}

/* Add watches, and delete watches of all threads. */
static void *add_del_run(void *data)
{
	static unsigned int nr_threads;
	uint64_t state = test_seed() + __atomic_add_fetch(&nr_threads, 1, __ATOMIC_RELAXED);
	struct race *race = data;
	int i, ret;

	for (i = 0; i < nr_rounds(); i++) {
		struct pinwatch_watch_add watch;
		size_t first = random_below(&state, NR_PAGES);
		size_t nr = 1 + random_below(&state, NR_PAGES - first);
		uint32_t flags[] = { WATCH, PIN, PIN_RW };

		ret = try_add(race->fd, race->addr + first * page_size(), nr * page_size(),
			      flags[random_below(&state, 3)], 0, &watch);
		CHECK(ret == 0 || ret == -EAGAIN);
		ret = try_del(race->fd, (uint32_t)random_below(&state, 16));
		CHECK(ret == 0 || ret == -ENOENT);
		if (i % 16)
			continue;
		for (watch.id = 0; watch.id < 64; watch.id++)
			try_del(race->fd, watch.id);
	}
	return NULL;
}

/* Pause between bursts: without mmap lock in MADV_DONTNEED, no pin would succeed otherwise. */
static void *dontneed_run(void *data)
{
	struct race *race = data;
	int i;

	while (!race_stopped(race)) {
		for (i = 0; i < NR_BURST; i++)
			dontneed(race->addr, NR_PAGES * page_size());
		poll(NULL, 0, 1);
	}
	return NULL;
}

static void *read_run(void *data)
{
	struct race *race = data;
	struct pinwatch_event events[4];
	int i, ret;

	while (!race_stopped(race)) {
		ret = try_read_events(race->fd, events, 4);
		CHECK(ret > 0 || ret == -EAGAIN);
		for (i = 0; i < ret; i++) {
			CHECK(events[i].count > 0 && events[i].start < events[i].end);
			CHECK(events[i].generation <= generation(&race->words[events[i].id]));
		}
	}
	return NULL;
}

static void add_del_against(void *(*run)(void *))
{
	static struct race race;
	pthread_t threads[2], other;

	race.fd = open_device(O_NONBLOCK);
	race.words = map_generations(race.fd);
	race.addr = map_pages(NR_PAGES);
	race_start(&race, &threads[0], add_del_run);
	race_start(&race, &threads[1], add_del_run);
	if (run)
		race_start(&race, &other, run);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	if (run)
		race_stop(&race, &other, 1);
}

TEST(race_add_del)
{
	add_del_against(NULL);
}

TEST(race_add_del_dontneed)
{
	add_del_against(dontneed_run);
}

TEST(race_add_del_read)
{
	add_del_against(read_run);
}

/* Descriptors come and go while the range is invalidated. */
TEST(race_close_dontneed)
{
	static struct race race;
	pthread_t thread;
	int i;

	race.addr = map_pages(NR_PAGES);
	race_start(&race, &thread, dontneed_run);
	for (i = 0; i < nr_rounds(); i++) {
		struct pinwatch_watch_add watch;
		int ret, fd = open_device(0);

		ret = try_add(fd, race.addr, NR_PAGES * page_size(), i % 2 ? PIN : WATCH, 0,
			      &watch);
		CHECK(ret == 0 || ret == -EAGAIN);
		close(fd);
	}
	race_stop(&race, &thread, 1);
}

/* A process exits while its threads add, delete, read and invalidate. */
TEST(race_exit_all)
{
	int i;

	for (i = 0; i < 50; i++) {
		pid_t pid = fork_child();

		if (!pid) {
			static struct race race;
			pthread_t thread;

			race.fd = open_device(O_NONBLOCK);
			race.words = map_generations(race.fd);
			race.addr = map_pages(NR_PAGES);
			race_start(&race, &thread, add_del_run);
			race_start(&race, &thread, dontneed_run);
			race_start(&race, &thread, read_run);
			while (!generation(&race.words[0]))
				;
			_exit(0);
		}
		wait_child(pid);
	}
}

struct bind_race {
	unsigned int nr_ready;
	int added[NR_BINDS];	/* results of the child */
};

/* Wait until both processes are here. */
static void bind_race_meet(struct bind_race *race, int i)
{
	__atomic_add_fetch(&race->nr_ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&race->nr_ready, __ATOMIC_SEQ_CST) < 2U * (unsigned int)(i + 1))
		sched_yield();
}

static void bind_race_child(struct bind_race *race, const int *fds, const char *addr)
	__attribute__((noreturn));
static void bind_race_child(struct bind_race *race, const int *fds, const char *addr)
{
	struct pinwatch_watch_add watch;
	int i, ret;

	for (i = 0; i < NR_BINDS; i++) {
		bind_race_meet(race, i);
		ret = try_bind(fds[i]);
		CHECK(ret == 0 || ret == -EBUSY);
		race->added[i] = try_add(fds[i], addr, page_size(), PIN, 0, &watch);
		/* The parent may have added a watch and have bound the descriptor before. */
		CHECK_EQ(race->added[i], ret ? -EXDEV : 0);
	}
	_exit(0);
}

/* BIND against the first WATCH_ADD of the opener: a descriptor has watches of one process. */
TEST(race_bind_add)
{
	struct bind_race *race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int i, fds[NR_BINDS], added[NR_BINDS], nr_own = 0;
	struct pinwatch_watch_add watch;
	char *addr = map_pages(1);
	pid_t pid;

	CHECK(race != MAP_FAILED);
	for (i = 0; i < NR_BINDS; i++)
		fds[i] = open_device_of(4, 0);
	pid = fork_child();
	if (!pid)
		bind_race_child(race, fds, addr);
	for (i = 0; i < NR_BINDS; i++) {
		bind_race_meet(race, i);
		added[i] = try_add(fds[i], addr, page_size(), i % 2 ? WATCH : PIN, 0, &watch);
		CHECK(added[i] == 0 || added[i] == -EXDEV);
		nr_own += !added[i];
	}
	wait_child(pid);
	for (i = 0; i < NR_BINDS; i++) {
		CHECK_EQ(race->added[i], added[i] ? 0 : -EXDEV);
		CHECK_EQ(get_info(fds[i]).nr_watches, 1);
	}
	test_note("%d times of %d, WATCH_ADD came first", nr_own, NR_BINDS);
}

struct bind_failed {
	int fd;
	char *addr;
	unsigned int nr_done;
};

/* WATCH_ADD of a page that cannot be read: charged, subscribed and undone each time. */
static void *bind_failed_add_run(void *data)
{
	struct bind_failed *failed = data;
	struct pinwatch_watch_add watch;
	int i;

	for (i = 0; i < nr_rounds(); i++)
		CHECK_EQ(try_add(failed->fd, failed->addr, page_size(), PIN, 0, &watch),
			 -EFAULT);
	__atomic_add_fetch(&failed->nr_done, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* BIND frees the user and the address space that a failing WATCH_ADD has just used. */
TEST(race_bind_failed_add)
{
	static struct bind_failed failed;
	unsigned long nr_bound = 0, nr = 0;
	pthread_t threads[2];
	int i, ret;

	failed.fd = open_device(0);
	failed.addr = map_pages(1);
	CHECK_EQ(mprotect(failed.addr, page_size(), PROT_NONE), 0);
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, bind_failed_add_run, &failed), 0);
	while (__atomic_load_n(&failed.nr_done, __ATOMIC_SEQ_CST) < 2) {
		ret = try_bind(failed.fd);
		CHECK(ret == 0 || ret == -EBUSY);
		nr_bound += !ret;
		nr++;
	}
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(try_bind(failed.fd), 0);
	CHECK_EQ(get_info(failed.fd).nr_watches, 0);
	test_note("%lu of %lu calls of BIND succeeded", nr_bound, nr);
}

struct first_add {
	int fd;
	char *addr;
	const struct pinwatch_gen *words;
	unsigned int nr_ready;
	unsigned long nr_stale;
};

static void *first_add_run(void *data)
{
	struct first_add *first = data;
	struct pinwatch_watch_add watch;

	__atomic_add_fetch(&first->nr_ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&first->nr_ready, __ATOMIC_SEQ_CST) < 2)
		;
	watch = add(first->fd, first->addr, page_size(), WATCH, 0);
	CHECK(watch.id >= page_size() / sizeof(struct pinwatch_gen));
	if (generation(&first->words[watch.id]) != watch.generation)
		__atomic_add_fetch(&first->nr_stale, 1, __ATOMIC_RELAXED);
	return NULL;
}

/* Two threads use the second page of words at once for the first time: each sees its own word. */
TEST(race_first_add)
{
	const size_t first_page = page_size() / sizeof(struct pinwatch_gen) - 1;
	struct first_add first = { .addr = map_pages(1) };
	pthread_t threads[2];
	int i, j;

	for (i = 0; i < nr_rounds() / 10; i++) {
		first.fd = open_device(0);
		first.words = map_generations(first.fd);
		first.nr_ready = 0;
		add_many(first.fd, first.addr, first_page);
		CHECK_EQ(generation(&first.words[first_page + 1]), 0);
		for (j = 0; j < 2; j++)
			CHECK_EQ(pthread_create(&threads[j], NULL, first_add_run, &first), 0);
		for (j = 0; j < 2; j++)
			CHECK_EQ(pthread_join(threads[j], NULL), 0);
		CHECK_EQ(munmap((void *)first.words, get_info(first.fd).gen_map_size), 0);
		CHECK_EQ(close(first.fd), 0);
	}
	CHECK_EQ(first.nr_stale, 0);
}
