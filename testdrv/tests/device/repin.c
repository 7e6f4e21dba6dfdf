// SPDX-License-Identifier: MIT
/* WATCH_REPIN, one-shot watches, and the event mask. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "channel.h"
#include "device.h"

#define NOBODY	65534
#define NR	4UL

static uint32_t verdict(int fd, uint32_t id)
{
	struct pinwatch_watch_verify verify;

	CHECK_EQ(__verify(fd, id, NULL, &verify), 0);
	return verify.verdict;
}

/* The watch is true of what is mapped now, and the generation says so. */
static void check_valid(int fd, const struct pinwatch_gen *words, uint32_t id,
			uint64_t expected)
{
	CHECK_EQ(generation(&words[id]), expected);
	CHECK_EQ(x_query(fd, id).valid_generation, expected);
	CHECK_EQ(verdict(fd, id), PINWATCH_VERDICT_SAME);
}

TEST(repin_takes_new_pages)
{
	char *addr = x_pages(NR);
	int fd = x_open(O_NONBLOCK);
	const struct pinwatch_gen *words = x_map(fd);
	struct pinwatch_watch_add add = x_add(fd, addr, NR * page_size(), PIN_RW, 3);
	uint64_t hit, again;

	x_dontneed(addr, NR * page_size());
	hit = generation(&words[add.id]);
	CHECK(hit > add.generation);
	CHECK_EQ(verdict(fd, add.id), PINWATCH_VERDICT_NOT_PRESENT);
	memset(addr, 'n', NR * page_size());
	CHECK_EQ(verdict(fd, add.id), PINWATCH_VERDICT_MOVED);
	again = x_repin(fd, add.id);
	CHECK(again > hit);
	check_valid(fd, words, add.id, again);
	CHECK_EQ(x_query(fd, add.id).nr_pinned, NR);
	CHECK_EQ(x_stats().pinned_pages, NR);
	CHECK_EQ(addr[0], 'n');
	/* What was pending stays. */
	CHECK_EQ(x_read_event(fd).cookie, 3);
	CHECK_EQ(__del(fd, add.id), 0);
	CHECK_EQ(x_stats().pinned_pages, 0);
}

/* Nothing was invalidated: the generation is new all the same. */
TEST(repin_without_need)
{
	int fd = x_open(0);
	const struct pinwatch_gen *words = x_map(fd);
	struct pinwatch_watch_add add = x_add(fd, x_pages(NR), NR * page_size(), PIN, 0);
	uint64_t again = x_repin(fd, add.id);

	CHECK(again > add.generation);
	check_valid(fd, words, add.id, again);
	CHECK_EQ(x_stats().pinned_pages, NR);
}

TEST(repin_watch_only)
{
	char *addr = x_pages(NR);
	int fd = x_open(0);
	const struct pinwatch_gen *words = x_map(fd);
	uint32_t id = x_add(fd, addr, NR * page_size(), WATCH, 0).id;

	x_dontneed(addr, page_size());
	memset(addr, 'n', page_size());
	CHECK_EQ(verdict(fd, id), PINWATCH_VERDICT_UNKNOWN);
	check_valid(fd, words, id, x_repin(fd, id));
	CHECK_EQ(x_query(fd, id).nr_pinned, 0);
}

/* It failed: what was held is held, what was said is true. */
static void check_unchanged(int fd, const struct pinwatch_watch_query *before)
{
	struct pinwatch_watch_query after = x_query(fd, before->id);

	CHECK_EQ(memcmp(before, &after, sizeof(after)), 0);
	CHECK_EQ(x_info(fd).nr_watches, 1);
}

TEST(repin_efault_keeps)
{
	char *addr = x_pages(NR);
	int fd = x_open(0);
	uint32_t id = x_add(fd, addr, NR * page_size(), PIN, 0).id;
	struct pinwatch_watch_query before;
	uint64_t unused;

	CHECK_EQ(munmap(addr + page_size(), page_size()), 0);
	before = x_query(fd, id);
	CHECK_EQ(__repin(fd, id, &unused), -EFAULT);
	check_unchanged(fd, &before);
	CHECK_EQ(x_stats().pinned_pages, NR);
}

/* For a moment both are held, and both count. */
TEST(repin_enomem_keeps)
{
	struct rlimit limit = { .rlim_cur = 2 * NR * page_size(),
				.rlim_max = 2 * NR * page_size() };
	char *addr = x_pages(NR + 1);
	int fd = x_open(0);
	struct pinwatch_watch_query before;
	uint64_t generation;
	uint32_t id;

	CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	CHECK_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
	id = x_add(fd, addr, NR * page_size(), PIN, 0).id;
	CHECK_EQ(__repin(fd, id, &generation), 0);
	CHECK_EQ(__del(fd, id), 0);
	id = x_add(fd, addr, (NR + 1) * page_size(), PIN, 0).id;
	before = x_query(fd, id);
	CHECK_EQ(__repin(fd, id, &generation), -ENOMEM);
	check_unchanged(fd, &before);
}

TEST(repin_exdev)
{
	char *addr = x_pages(NR);
	int fd = x_open(0);
	uint32_t pin = x_add(fd, addr, NR * page_size(), PIN, 0).id;
	uint32_t watch = x_add(fd, addr, NR * page_size(), WATCH, 0).id;
	pid_t pid = x_fork();

	if (!pid) {
		uint64_t generation;

		CHECK_EQ(__repin(fd, pin, &generation), -EXDEV);
		/* No page is taken: that works from anywhere. */
		CHECK_EQ(__repin(fd, watch, &generation), 0);
		_exit(0);
	}
	x_wait(pid);
}

TEST(repin_esrch)
{
	int ends[2], fd;
	uint64_t generation;
	pid_t pid;

	CHECK_EQ(channel_open(ends), 0);
	pid = x_fork();
	if (!pid) {
		fd = x_open(0);
		x_add(fd, x_pages(1), page_size(), WATCH, 0);
		CHECK_EQ(channel_send(ends[1], fd), 0);
		_exit(0);
	}
	CHECK_EQ(channel_receive(ends[0], &fd), 0);
	x_wait(pid);
	CHECK_EQ(__repin(fd, 0, &generation), -ESRCH);
	CHECK_EQ(x_query(fd, 0).state, PINWATCH_STATE_DEAD);
}

static int add_attributes(int fd, char *addr, uint32_t flags, uint32_t ignore_events,
			  struct pinwatch_watch_add *add)
{
	*add = (struct pinwatch_watch_add){
		.size = sizeof(*add), .flags = flags, .addr = (uintptr_t)addr,
		.length = NR * page_size(), .ignore_events = ignore_events,
	};
	return __device_ioctl(fd, PINWATCH_IOC_WATCH_ADD, add);
}

TEST(oneshot)
{
	char *addr = x_pages(NR);
	int fd = x_open(O_NONBLOCK);
	const struct pinwatch_gen *words = x_map(fd);
	struct pinwatch_watch_add add;
	struct pinwatch_event event;
	uint64_t before;

	CHECK_EQ(add_attributes(fd, addr, PINWATCH_WATCH_F_ONESHOT, 0, &add), 0);
	x_dontneed(addr, page_size());
	x_dontneed(addr + page_size(), page_size());
	event = x_read_event(fd);
	CHECK_EQ(event.count, 1);
	CHECK_EQ(event.touched, 1);
	before = generation(&words[add.id]);
	x_dontneed(addr, page_size());
	CHECK(generation(&words[add.id]) > before);
	CHECK_EQ(__read_events(fd, &event, 1), -EAGAIN);
	CHECK(x_query(fd, add.id).hits >= 3);

	x_repin(fd, add.id);
	x_dontneed(addr, page_size());
	CHECK_EQ(x_read_event(fd).count, 1);
	CHECK_EQ(__read_events(fd, &event, 1), -EAGAIN);
}

TEST(ignore_events)
{
	char *addr = x_pages(NR);
	int fd = x_open(O_NONBLOCK);
	const struct pinwatch_gen *words = x_map(fd);
	struct pinwatch_watch_query query;
	struct pinwatch_watch_add add;
	struct pinwatch_event event;

	CHECK_EQ(add_attributes(fd, addr, WATCH, PINWATCH_EVENT_CLEAR, &add), 0);
	x_dontneed(addr, page_size());
	CHECK(generation(&words[add.id]) > add.generation);
	CHECK_EQ(__read_events(fd, &event, 1), -EAGAIN);
	query = x_query(fd, add.id);
	CHECK_EQ(query.hits, 1);
	CHECK_EQ(query.events, PINWATCH_EVENT_CLEAR);
	CHECK_EQ(query.causes, PINWATCH_CAUSE_MADVISE);
	CHECK_EQ(query.ignore_events, PINWATCH_EVENT_CLEAR);
	CHECK(query.time_ns > 0);
	CHECK_EQ(mprotect(addr, page_size(), PROT_READ), 0);
	CHECK_EQ(x_read_event(fd).events, PINWATCH_EVENT_PROTECT);

	CHECK_EQ(add_attributes(fd, addr, WATCH, PINWATCH_EVENT_ALL & ~PINWATCH_EVENT_RELEASE,
				&add), 0);
	CHECK_EQ(add_attributes(fd, addr, WATCH, PINWATCH_EVENT_RELEASE, &add), -EINVAL);
	CHECK_EQ(add_attributes(fd, addr, WATCH, 1U << 8, &add), -EINVAL);
	CHECK_EQ(add_attributes(fd, addr, WATCH, 1U << 30, &add), -EINVAL);
}

/* A record names the generation after its last hit, whatever came then. */
TEST(event_generation)
{
	char *addr = x_pages(NR);
	int fd = x_open(O_NONBLOCK);
	const struct pinwatch_gen *words = x_map(fd);
	uint32_t id = x_add(fd, addr, NR * page_size(), WATCH, 0).id;
	uint64_t hit;

	x_dontneed(addr, page_size());
	hit = generation(&words[id]);
	CHECK(x_repin(fd, id) > hit);
	CHECK_EQ(x_read_event(fd).generation, hit);
}

/* The end is told to everybody: to a one-shot watch that has had its shot too. */
TEST(oneshot_release)
{
	int ends[2], fd;
	pid_t pid;

	CHECK_EQ(channel_open(ends), 0);
	pid = x_fork();
	if (!pid) {
		char *addr = x_pages(NR);
		struct pinwatch_watch_add add;

		fd = x_open(O_NONBLOCK);
		CHECK_EQ(add_attributes(fd, addr, PINWATCH_WATCH_F_ONESHOT,
					PINWATCH_EVENT_PROTECT, &add), 0);
		x_dontneed(addr, page_size());
		CHECK_EQ(x_read_event(fd).events, PINWATCH_EVENT_CLEAR);
		x_dontneed(addr, page_size());
		CHECK_EQ(channel_send(ends[1], fd), 0);
		_exit(0);
	}
	CHECK_EQ(channel_receive(ends[0], &fd), 0);
	x_wait(pid);
	CHECK_EQ(x_read_event(fd).events, PINWATCH_EVENT_RELEASE);
}

/* Which of the pages: exact up to 64 pages, in larger parts beyond. */
TEST(touched)
{
	char *addr = x_pages(256);
	int fd = x_open(O_NONBLOCK);
	struct pinwatch_watch_add add;
	struct pinwatch_event event;

	add = x_add(fd, addr, 64 * page_size(), WATCH, 0);
	CHECK_EQ(1UL << add.touched_shift, page_size());
	x_dontneed(addr, page_size());
	x_dontneed(addr + 7 * page_size(), 2 * page_size());
	x_dontneed(addr + 63 * page_size(), page_size());
	event = x_read_event(fd);
	CHECK_EQ(event.touched, 1ULL | 3ULL << 7 | 1ULL << 63);
	CHECK_EQ(event.touched_shift, add.touched_shift);
	CHECK_EQ(event.start, (uintptr_t)addr);
	CHECK_EQ(event.end, (uintptr_t)addr + 64 * page_size());
	CHECK_EQ(__del(fd, add.id), 0);

	add = x_add(fd, addr, 256 * page_size(), WATCH, 0);
	CHECK_EQ(1UL << add.touched_shift, 4 * page_size());
	x_dontneed(addr + 255 * page_size(), page_size());
	CHECK_EQ(x_read_event(fd).touched, 1ULL << 63);
	CHECK_EQ(__del(fd, add.id), 0);

	x_add(fd, addr, 65 * page_size(), WATCH, 0);
	x_dontneed(addr + 64 * page_size(), page_size());
	CHECK_EQ(x_read_event(fd).touched, 1ULL << 32);
}

#define NR_ROUNDS	500

struct race {
	int fd;
	char *addr;
	bool stop;
	int repins;
};

static void *repin_run(void *data)
{
	struct race *race = data;

	while (!__atomic_load_n(&race->stop, __ATOMIC_ACQUIRE)) {
		uint64_t generation;
		int ret = __repin(race->fd, 0, &generation);

		CHECK(ret == 0 || ret == -ENOENT || ret == -EAGAIN);
		if (!ret)
			__atomic_add_fetch(&race->repins, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *dontneed_run(void *data)
{
	struct race *race = data;

	while (!__atomic_load_n(&race->stop, __ATOMIC_ACQUIRE)) {
		x_dontneed(race->addr, page_size());
		poll(NULL, 0, 1);
	}
	return NULL;
}

/* REPIN, VERIFY, DEL and invalidations of one id at once. */
TEST(repin_races)
{
	static struct race race;
	pthread_t threads[3];
	int i;

	race.fd = x_open(O_NONBLOCK);
	race.addr = x_pages(NR);
	CHECK_EQ(pthread_create(&threads[0], NULL, repin_run, &race), 0);
	CHECK_EQ(pthread_create(&threads[1], NULL, repin_run, &race), 0);
	CHECK_EQ(pthread_create(&threads[2], NULL, dontneed_run, &race), 0);
	for (i = 0; i < NR_ROUNDS || !__atomic_load_n(&race.repins, __ATOMIC_RELAXED); i++) {
		struct pinwatch_watch_verify verify;
		struct pinwatch_watch_add add;
		int ret = __add(race.fd, race.addr, NR * page_size(), PIN, 0, &add);

		if (ret == -EAGAIN)
			continue;
		CHECK_EQ(ret, 0);
		CHECK_EQ(add.id, 0);
		ret = __verify(race.fd, 0, NULL, &verify);
		CHECK(ret == 0 || ret == -EAGAIN);
		CHECK_EQ(__del(race.fd, 0), 0);
		CHECK_EQ(x_info(race.fd).nr_watches, 0);
		CHECK_EQ(__verify(race.fd, 0, NULL, &verify), -ENOENT);
	}
	__atomic_store_n(&race.stop, true, __ATOMIC_RELEASE);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	test_note("%d repins", race.repins);
	CHECK_EQ(x_stats().pinned_pages, 0);
}
