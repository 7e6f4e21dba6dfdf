// SPDX-License-Identifier: MIT
/* WATCH_REPIN, F_ONESHOT, and ignore_events. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "channel.h"
#include "credentials.h"
#include "device.h"

#define NR	4UL
#define HUGE	(2UL << 20)

static uint32_t verdict(int fd, uint32_t id)
{
	struct pinwatch_watch_verify verify;

	CHECK_EQ(try_verify(fd, id, NULL, &verify), 0);
	return verify.verdict;
}

/* The watch is valid, and the generation is @expected. */
static void check_valid(int fd, const struct pinwatch_gen *words, uint32_t id,
			uint64_t expected)
{
	CHECK_EQ(generation(&words[id]), expected);
	CHECK_EQ(query(fd, id).valid_generation, expected);
	CHECK_EQ(verdict(fd, id), PINWATCH_VERDICT_SAME);
}

TEST(repin_takes_new_pages)
{
	char *addr = map_pages(NR);
	int fd = open_device(O_NONBLOCK);
	const struct pinwatch_gen *words = map_generations(fd);
	struct pinwatch_watch_add watch = add(fd, addr, NR * page_size(), PIN_RW, 3);
	uint64_t hit, again;

	dontneed(addr, NR * page_size());
	hit = generation(&words[watch.id]);
	CHECK(hit > watch.generation);
	CHECK_EQ(verdict(fd, watch.id), PINWATCH_VERDICT_NOT_PRESENT);
	memset(addr, 'n', NR * page_size());
	CHECK_EQ(verdict(fd, watch.id), PINWATCH_VERDICT_MOVED);
	again = repin(fd, watch.id);
	CHECK(again > hit);
	check_valid(fd, words, watch.id, again);
	CHECK_EQ(query(fd, watch.id).nr_pinned, NR);
	CHECK_EQ(get_stats().pinned_pages, NR);
	CHECK_EQ(addr[0], 'n');
	/* The queued event stays. */
	CHECK_EQ(read_event(fd).cookie, 3);
	CHECK_EQ(try_del(fd, watch.id), 0);
	CHECK_EQ(get_stats().pinned_pages, 0);
}

/* The result of REPIN with @flags in @arg, or -errno */
static int try_repin_flags(int fd, uint32_t id, uint32_t flags, struct pinwatch_watch_repin *arg)
{
	*arg = (struct pinwatch_watch_repin){ .size = sizeof(*arg), .flags = flags, .id = id };
	return try_ioctl(fd, PINWATCH_IOC_WATCH_REPIN, arg);
}

#define KEEP	PINWATCH_REPIN_F_KEEP

/* An invalidation that moves no page: the pin stays, and REPIN says so. */
static void test_kept(int fd, const struct pinwatch_gen *words, uint32_t id)
{
	uint64_t nr_pinned = query(fd, id).nr_pinned, hit = generation(&words[id]);
	uint64_t charged = get_stats().pinned_pages;
	struct pinwatch_watch_repin arg;
	uint32_t flags;

	CHECK(hit > query(fd, id).valid_generation);
	for (flags = 0; flags <= KEEP; flags += KEEP) {
		CHECK_EQ(try_repin_flags(fd, id, flags, &arg), 0);
		CHECK_EQ(arg.result_flags, PINWATCH_REPIN_RESULT_KEPT);
		CHECK(arg.generation > hit);
		CHECK_EQ(arg.nr_pages, nr_pinned);
		check_valid(fd, words, id, arg.generation);
		CHECK_EQ(query(fd, id).nr_pinned, nr_pinned);
		CHECK_EQ(get_stats().pinned_pages, charged);
	}
}

TEST(repin_kept_after_mprotect)
{
	char *addr = map_pages(NR);
	int fd = open_device(0);
	const struct pinwatch_gen *words = map_generations(fd);
	struct pinwatch_watch_add watch = add(fd, addr, NR * page_size(), PIN, 0);

	CHECK_EQ(mprotect(addr, page_size(), PROT_READ), 0);
	CHECK_EQ(mprotect(addr, page_size(), PROT_READ | PROT_WRITE), 0);
	test_kept(fd, words, watch.id);
}

/* 5.10 copies a page that is pinned, as REPIN for writing makes the page writable again. */
TEST(repin_for_writing_after_mprotect)
{
	char *addr = map_pages(NR);
	int fd = open_device(0);
	struct pinwatch_watch_add watch = add(fd, addr, NR * page_size(), PIN_RW, 0);
	uint32_t kept = kernel_before(5, 19) ? 0 : PINWATCH_REPIN_RESULT_KEPT;
	struct pinwatch_watch_repin arg;

	CHECK_EQ(mprotect(addr, page_size(), PROT_READ), 0);
	CHECK_EQ(mprotect(addr, page_size(), PROT_READ | PROT_WRITE), 0);
	CHECK_EQ(try_repin_flags(fd, watch.id, 0, &arg), 0);
	CHECK_EQ(arg.result_flags, kept);
}

/* A pinned huge page that mprotect() of its second half splits */
TEST(repin_kept_after_split)
{
	char *area = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0), *addr;
	int fd = open_device(0);
	const struct pinwatch_gen *words = map_generations(fd);
	struct pinwatch_watch_add watch;

	CHECK(area != MAP_FAILED);
	addr = (char *)(((uintptr_t)area + HUGE - 1) & ~(HUGE - 1));
	if (madvise(addr, HUGE, MADV_HUGEPAGE))
		SKIP("no transparent huge pages");
	memset(addr, 'h', HUGE);
	watch = add(fd, addr, NR * page_size(), PIN_RW | PINWATCH_WATCH_F_PAGES, 0);
	CHECK_EQ(mprotect(addr + HUGE / 2, HUGE / 2, PROT_READ), 0);
	if (generation(&words[watch.id]) == watch.generation)
		SKIP("no huge page was split");
	test_kept(fd, words, watch.id);
}

/* With F_PAGES, a pin for writing is kept although its mapping is read-only now. */
TEST(repin_kept_read_only)
{
	char *addr = map_pages(NR);
	int fd = open_device(0);
	uint32_t pages = add(fd, addr, NR * page_size(), PIN_RW | PINWATCH_WATCH_F_PAGES, 0).id;
	uint32_t all = add(fd, addr, NR * page_size(), PIN_RW, 0).id;
	struct pinwatch_watch_repin arg;

	CHECK_EQ(mprotect(addr, NR * page_size(), PROT_READ), 0);
	CHECK_EQ(try_repin_flags(fd, pages, KEEP, &arg), 0);
	CHECK_EQ(arg.result_flags, PINWATCH_REPIN_RESULT_KEPT);
	CHECK_EQ(try_repin_flags(fd, all, KEEP, &arg), -EFAULT);
	CHECK_EQ(try_repin_flags(fd, all, 0, &arg), -EFAULT);
}

/* A page of a file is not mapped any more, but a fault finds the same page. */
TEST(repin_kept_after_dontneed_of_file)
{
	int fd = open_device(0), file = memfd_create("repin", MFD_CLOEXEC);
	const struct pinwatch_gen *words = map_generations(fd);
	char *addr;
	uint32_t id;

	CHECK(file >= 0);
	CHECK_EQ(ftruncate(file, (off_t)(NR * page_size())), 0);
	addr = mmap(NULL, NR * page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(addr != MAP_FAILED);
	memset(addr, 'f', NR * page_size());
	id = add(fd, addr, NR * page_size(), PIN_RW, 0).id;
	dontneed(addr, NR * page_size());
	CHECK_EQ(verdict(fd, id), PINWATCH_VERDICT_NOT_PRESENT);
	test_kept(fd, words, id);
}

/* Another page: REPIN with F_KEEP changes nothing, REPIN without exchanges the pin. */
TEST(repin_keep_eremchg)
{
	char *addr = map_pages(NR);
	int fd = open_device(0);
	uint32_t id = add(fd, addr, NR * page_size(), PIN_RW, 0).id;
	struct pinwatch_watch_query before, after;
	struct pinwatch_watch_repin arg;

	dontneed(addr + page_size(), page_size());
	before = query(fd, id);
	CHECK_EQ(try_repin_flags(fd, id, KEEP, &arg), -EREMCHG);
	after = query(fd, id);
	CHECK_EQ(memcmp(&before, &after, sizeof(after)), 0);
	CHECK_EQ(verdict(fd, id), PINWATCH_VERDICT_MOVED);
	CHECK_EQ(try_repin_flags(fd, id, 0, &arg), 0);
	CHECK_EQ(arg.result_flags, 0);
	CHECK_EQ(verdict(fd, id), PINWATCH_VERDICT_SAME);
	CHECK_EQ(get_stats().pinned_pages, NR);
}

TEST(repin_keep_without_pin)
{
	int fd = open_device(0);
	uint32_t id = add(fd, map_pages(NR), NR * page_size(), WATCH, 0).id;
	struct pinwatch_watch_repin arg;

	CHECK_EQ(try_repin_flags(fd, id, KEEP, &arg), -EINVAL);
	CHECK_EQ(try_repin_flags(fd, id, 0, &arg), 0);
	CHECK_EQ(arg.result_flags, 0);
}

/* REPIN that keeps the pin needs no room below RLIMIT_MEMLOCK. */
TEST(repin_kept_at_memlock)
{
	char *addr = map_pages(NR);
	int fd = open_device(0);
	struct pinwatch_watch_repin arg;
	uint32_t id;

	credentials_memlock(NR * page_size());
	credentials_nobody();
	id = add(fd, addr, NR * page_size(), PIN, 0).id;
	CHECK_EQ(try_repin_flags(fd, id, 0, &arg), 0);
	CHECK_EQ(arg.result_flags, PINWATCH_REPIN_RESULT_KEPT);
}

/* Nothing was invalidated: the generation is new all the same. */
TEST(repin_without_need)
{
	int fd = open_device(0);
	const struct pinwatch_gen *words = map_generations(fd);
	struct pinwatch_watch_add watch = add(fd, map_pages(NR), NR * page_size(), PIN, 0);
	uint64_t again = repin(fd, watch.id);

	CHECK(again > watch.generation);
	check_valid(fd, words, watch.id, again);
	CHECK_EQ(get_stats().pinned_pages, NR);
}

TEST(repin_watch_only)
{
	char *addr = map_pages(NR);
	int fd = open_device(0);
	const struct pinwatch_gen *words = map_generations(fd);
	uint32_t id = add(fd, addr, NR * page_size(), WATCH, 0).id;

	dontneed(addr, page_size());
	memset(addr, 'n', page_size());
	CHECK_EQ(verdict(fd, id), PINWATCH_VERDICT_UNKNOWN);
	check_valid(fd, words, id, repin(fd, id));
	CHECK_EQ(query(fd, id).nr_pinned, 0);
}

/* A failed REPIN leaves pins and counters as before. */
static void check_unchanged(int fd, const struct pinwatch_watch_query *before)
{
	struct pinwatch_watch_query after = query(fd, before->id);

	CHECK_EQ(memcmp(before, &after, sizeof(after)), 0);
	CHECK_EQ(get_info(fd).nr_watches, 1);
}

TEST(repin_efault_keeps)
{
	char *addr = map_pages(NR);
	int fd = open_device(0);
	uint32_t id = add(fd, addr, NR * page_size(), PIN, 0).id;
	struct pinwatch_watch_query before;
	uint64_t unused;

	CHECK_EQ(munmap(addr + page_size(), page_size()), 0);
	before = query(fd, id);
	CHECK_EQ(try_repin(fd, id, &unused), -EFAULT);
	check_unchanged(fd, &before);
	CHECK_EQ(get_stats().pinned_pages, NR);
}

/* For a moment both are held, and both count. */
TEST(repin_enobufs_keeps)
{
	char *addr = map_pages(NR + 1);
	int fd = open_device(0);
	struct pinwatch_watch_query before;
	uint64_t generation;
	uint32_t id;

	credentials_memlock(2 * NR * page_size());
	credentials_nobody();
	id = add(fd, addr, NR * page_size(), PIN, 0).id;
	CHECK_EQ(try_repin(fd, id, &generation), 0);
	CHECK_EQ(try_del(fd, id), 0);
	id = add(fd, addr, (NR + 1) * page_size(), PIN, 0).id;
	dontneed(addr, page_size());
	before = query(fd, id);
	CHECK_EQ(try_repin(fd, id, &generation), -ENOBUFS);
	check_unchanged(fd, &before);
}

TEST(repin_estale)
{
	char *addr = map_pages(1);
	int fd = open_device_of(1, 0);
	struct pinwatch_watch_add first, second;
	uint64_t now;

	first = add(fd, addr, page_size(), PIN, 0);
	CHECK_EQ(try_del(fd, first.id), 0);
	second = add(fd, addr, page_size(), PIN, 0);
	CHECK_EQ(second.id, first.id);
	dontneed(addr, page_size());
	now = query(fd, second.id).generation;
	CHECK_EQ(try_repin_since(fd, first.id, first.generation), -ESTALE);
	CHECK_EQ(query(fd, second.id).generation, now);
	CHECK_EQ(try_repin_since(fd, second.id, second.generation), 0);
	CHECK_EQ(try_repin_since(fd, second.id, second.generation), 0);
	CHECK_EQ(try_repin_since(fd, second.id, 0), 0);
	CHECK_EQ(try_del_since(fd, second.id, second.generation), 0);
}

TEST(repin_exdev)
{
	char *addr = map_pages(NR);
	int fd = open_device(0);
	uint32_t pin = add(fd, addr, NR * page_size(), PIN, 0).id;
	uint32_t watch = add(fd, addr, NR * page_size(), WATCH, 0).id;
	pid_t pid = fork_child();

	if (!pid) {
		uint64_t generation;

		CHECK_EQ(try_repin(fd, pin, &generation), -EXDEV);
		/* REPIN without a pin works from each process. */
		CHECK_EQ(try_repin(fd, watch, &generation), 0);
		_exit(0);
	}
	wait_child(pid);
}

TEST(repin_esrch)
{
	int channel, fd;
	uint64_t generation;
	pid_t pid;

	pid = fork_peer(&channel);
	if (!pid) {
		fd = open_device(0);
		add(fd, map_pages(1), page_size(), WATCH, 0);
		CHECK_EQ(channel_send(channel, fd), 0);
		_exit(0);
	}
	CHECK_EQ(channel_receive(channel, &fd), 0);
	wait_child(pid);
	CHECK_EQ(try_repin(fd, 0, &generation), -ESRCH);
	CHECK_EQ(query(fd, 0).state, PINWATCH_STATE_DEAD);
}

static int add_attributes(int fd, char *addr, uint32_t flags, uint32_t ignore_events,
			  struct pinwatch_watch_add *watch)
{
	*watch = (struct pinwatch_watch_add){
		.size = sizeof(*watch), .flags = flags, .addr = (uintptr_t)addr,
		.length = NR * page_size(), .ignore_events = ignore_events,
	};
	return try_ioctl(fd, PINWATCH_IOC_WATCH_ADD, watch);
}

TEST(oneshot)
{
	char *addr = map_pages(NR);
	int fd = open_device(O_NONBLOCK);
	const struct pinwatch_gen *words = map_generations(fd);
	struct pinwatch_watch_add watch;
	struct pinwatch_event event;
	uint64_t before;

	CHECK_EQ(add_attributes(fd, addr, PINWATCH_WATCH_F_ONESHOT, 0, &watch), 0);
	dontneed(addr, page_size());
	dontneed(addr + page_size(), page_size());
	event = read_event(fd);
	CHECK_EQ(event.count, 1);
	CHECK_EQ(event.touched, 1);
	before = generation(&words[watch.id]);
	dontneed(addr, page_size());
	CHECK(generation(&words[watch.id]) > before);
	CHECK_EQ(try_read_events(fd, &event, 1), -EAGAIN);
	CHECK(query(fd, watch.id).hits >= 3);

	repin(fd, watch.id);
	dontneed(addr, page_size());
	CHECK_EQ(read_event(fd).count, 1);
	CHECK_EQ(try_read_events(fd, &event, 1), -EAGAIN);
}

TEST(ignore_events)
{
	char *addr = map_pages(NR);
	int fd = open_device(O_NONBLOCK);
	const struct pinwatch_gen *words = map_generations(fd);
	struct pinwatch_watch_query now;
	struct pinwatch_watch_add watch;
	struct pinwatch_event event;

	CHECK_EQ(add_attributes(fd, addr, WATCH, PINWATCH_EVENT_CLEAR, &watch), 0);
	dontneed(addr, page_size());
	CHECK(generation(&words[watch.id]) > watch.generation);
	CHECK_EQ(try_read_events(fd, &event, 1), -EAGAIN);
	now = query(fd, watch.id);
	CHECK_EQ(now.hits, 1);
	CHECK_EQ(now.events, PINWATCH_EVENT_CLEAR);
	CHECK_EQ(now.causes, PINWATCH_CAUSE_MADVISE);
	CHECK_EQ(now.ignore_events, PINWATCH_EVENT_CLEAR);
	CHECK(now.time_ns > 0);
	CHECK_EQ(mprotect(addr, page_size(), PROT_READ), 0);
	CHECK_EQ(read_event(fd).events, PINWATCH_EVENT_PROTECT);

	CHECK_EQ(add_attributes(fd, addr, WATCH, PINWATCH_EVENT_ALL & ~PINWATCH_EVENT_RELEASE,
				&watch), 0);
	CHECK_EQ(add_attributes(fd, addr, WATCH, PINWATCH_EVENT_RELEASE, &watch), -EINVAL);
	CHECK_EQ(add_attributes(fd, addr, WATCH, 1U << 8, &watch), -EINVAL);
	CHECK_EQ(add_attributes(fd, addr, WATCH, 1U << 30, &watch), -EINVAL);
}

/* A record has the generation of its last hit, not of a later REPIN. */
TEST(event_generation)
{
	char *addr = map_pages(NR);
	int fd = open_device(O_NONBLOCK);
	const struct pinwatch_gen *words = map_generations(fd);
	uint32_t id = add(fd, addr, NR * page_size(), WATCH, 0).id;
	uint64_t hit;

	dontneed(addr, page_size());
	hit = generation(&words[id]);
	CHECK(repin(fd, id) > hit);
	CHECK_EQ(read_event(fd).generation, hit);
}

/* A one-shot watch that had its event still gets RELEASE. */
TEST(oneshot_release)
{
	int channel, fd;
	pid_t pid;

	pid = fork_peer(&channel);
	if (!pid) {
		char *addr = map_pages(NR);
		struct pinwatch_watch_add watch;

		fd = open_device(O_NONBLOCK);
		CHECK_EQ(add_attributes(fd, addr, PINWATCH_WATCH_F_ONESHOT,
					PINWATCH_EVENT_PROTECT, &watch), 0);
		dontneed(addr, page_size());
		CHECK_EQ(read_event(fd).events, PINWATCH_EVENT_CLEAR);
		dontneed(addr, page_size());
		CHECK_EQ(channel_send(channel, fd), 0);
		_exit(0);
	}
	CHECK_EQ(channel_receive(channel, &fd), 0);
	wait_child(pid);
	CHECK_EQ(read_event(fd).events, PINWATCH_EVENT_RELEASE);
}

/* The bits of touched: a page each up to 64 pages, a larger part each beyond. */
TEST(touched)
{
	char *addr = map_pages(256);
	int fd = open_device(O_NONBLOCK);
	struct pinwatch_watch_add watch;
	struct pinwatch_event event;

	watch = add(fd, addr, 64 * page_size(), WATCH, 0);
	CHECK_EQ(1UL << watch.touched_shift, page_size());
	dontneed(addr, page_size());
	dontneed(addr + 7 * page_size(), 2 * page_size());
	dontneed(addr + 63 * page_size(), page_size());
	event = read_event(fd);
	CHECK_EQ(event.touched, 1ULL | 3ULL << 7 | 1ULL << 63);
	CHECK_EQ(event.touched_shift, watch.touched_shift);
	CHECK_EQ(event.start, (uintptr_t)addr);
	CHECK_EQ(event.end, (uintptr_t)addr + 64 * page_size());
	CHECK_EQ(try_del(fd, watch.id), 0);

	watch = add(fd, addr, 256 * page_size(), WATCH, 0);
	CHECK_EQ(1UL << watch.touched_shift, 4 * page_size());
	dontneed(addr + 255 * page_size(), page_size());
	CHECK_EQ(read_event(fd).touched, 1ULL << 63);
	CHECK_EQ(try_del(fd, watch.id), 0);

	add(fd, addr, 65 * page_size(), WATCH, 0);
	dontneed(addr + 64 * page_size(), page_size());
	CHECK_EQ(read_event(fd).touched, 1ULL << 32);
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
		int ret = try_repin(race->fd, 0, &generation);

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
		dontneed(race->addr, page_size());
		poll(NULL, 0, 1);
	}
	return NULL;
}

/* Concurrent REPIN, VERIFY, DEL and invalidations of the same id. */
TEST(repin_races)
{
	static struct race race;
	pthread_t threads[3];
	int i;

	race.fd = open_device_of(1, O_NONBLOCK);
	race.addr = map_pages(NR);
	CHECK_EQ(pthread_create(&threads[0], NULL, repin_run, &race), 0);
	CHECK_EQ(pthread_create(&threads[1], NULL, repin_run, &race), 0);
	CHECK_EQ(pthread_create(&threads[2], NULL, dontneed_run, &race), 0);
	for (i = 0; i < NR_ROUNDS || !__atomic_load_n(&race.repins, __ATOMIC_RELAXED); i++) {
		struct pinwatch_watch_verify verify;
		struct pinwatch_watch_add watch;
		int ret = try_add(race.fd, race.addr, NR * page_size(), PIN, 0, &watch);

		if (ret == -EAGAIN)
			continue;
		CHECK_EQ(ret, 0);
		CHECK_EQ(watch.id, 0);
		ret = try_verify(race.fd, 0, NULL, &verify);
		CHECK(ret == 0 || ret == -EAGAIN);
		CHECK_EQ(try_del(race.fd, 0), 0);
		CHECK_EQ(get_info(race.fd).nr_watches, 0);
		CHECK_EQ(try_verify(race.fd, 0, NULL, &verify), -ENOENT);
	}
	__atomic_store_n(&race.stop, true, __ATOMIC_RELEASE);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	test_note("%d repins", race.repins);
	CHECK_EQ(get_stats().pinned_pages, 0);
}
