// SPDX-License-Identifier: MIT
/*
 * The word of a descriptor, at pinwatch_info.hits_offset: it changes when one of the watches
 * is invalidated or deleted, and otherwise never.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "channel.h"
#include "device.h"

#define NR		4UL
#define NR_THREADS	3
#define RACE_SECONDS	4

static const struct pinwatch_gen *hits_map(int fd)
{
	return map_generations(fd) + get_info(fd).hits_offset / sizeof(struct pinwatch_gen);
}

static uint32_t twin(const struct pinwatch_gen *word)
{
	return __atomic_load_n(&word->generation32, __ATOMIC_ACQUIRE);
}

/* While no task changes the word: its value, which the 32-bit member agrees with. */
static uint64_t hits(const struct pinwatch_gen *word)
{
	uint64_t value = generation(word);

	CHECK_EQ(twin(word), (uint32_t)value);
	return value;
}

TEST(hits_offset)
{
	unsigned int sizes[] = { 1, 254, 255, 256, 257, 1048576 };
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int fd = open_device_of(sizes[i], 0);
		struct pinwatch_info info = get_info(fd);

		CHECK(info.hits_offset > 0 && info.hits_offset % sizeof(struct pinwatch_gen) == 0);
		CHECK(info.hits_offset + sizeof(struct pinwatch_gen) <= page_size());
		CHECK(info.hits_offset + sizeof(struct pinwatch_gen) <= info.gen_map_size);
		CHECK_EQ(hits(hits_map(fd)), 1);
	}
}

/* All watches of the limit have an id, and none has that of the word. */
static void fill(unsigned int max)
{
	struct pinwatch_watch_add watch;
	int fd = open_device_of(max, 0);
	uint32_t id = (uint32_t)(get_info(fd).hits_offset / sizeof(struct pinwatch_gen));
	char *addr = map_pages(1);

	add_many(fd, addr, max);
	CHECK_EQ(get_info(fd).nr_watches, max);
	CHECK_EQ(try_add(fd, map_pages(1), page_size(), WATCH, 0, &watch), -ENOSPC);
	CHECK_EQ(query(fd, nth_id(max - 1)).cookie, max - 1);
	CHECK_EQ(try_query(fd, id, &(struct pinwatch_watch_query){ 0 }), -ENOENT);
	CHECK_EQ(try_del(fd, id), -ENOENT);
	dontneed(addr, page_size());
	CHECK_EQ(hits(hits_map(fd)), 1 + max);
	CHECK_EQ(close(fd), 0);
}

TEST(hits_id_is_no_watch)
{
	unsigned int words = (unsigned int)(page_size() / sizeof(struct pinwatch_gen));

	fill(words - 1);
	fill(words);
	fill(words + 1);
	fill(2 * words);
}

TEST(hits_constant_without_a_hit)
{
	int fd = open_device(O_NONBLOCK);
	const struct pinwatch_gen *word = hits_map(fd);
	char *addr = map_pages(NR), *other = map_pages(NR);
	struct pinwatch_watch_add failed;
	struct pinwatch_event event;
	uint64_t now;
	uint32_t id;

	id = add(fd, addr, NR * page_size(), PIN_RW | PINWATCH_WATCH_F_PAGES, 0).id;
	/* Without a pin, mprotect() counts before 5.14. */
	add(fd, addr, page_size(), PIN | PINWATCH_WATCH_F_PAGES, 0);
	CHECK_EQ(try_add(fd, NULL, page_size(), PIN, 0, &failed), -EFAULT);
	CHECK_EQ(try_repin(fd, id, &now), 0);
	CHECK_EQ(query(fd, id).hits, 0);
	dontneed(other, NR * page_size());
	CHECK_EQ(munmap(other, NR * page_size()), 0);
	CHECK_EQ(mprotect(addr, NR * page_size(), PROT_READ), 0);
	CHECK_EQ(try_read_events(fd, &event, 1), -EAGAIN);
	CHECK_EQ(hits(word), 1);
}

static void op_munmap(char *addr)
{
	CHECK_EQ(munmap(addr, page_size()), 0);
}

static void op_dontneed(char *addr)
{
	dontneed(addr, page_size());
}

static void op_mprotect(char *addr)
{
	CHECK_EQ(mprotect(addr, page_size(), PROT_READ), 0);
}

static void op_mremap(char *addr)
{
	CHECK(mremap(addr, page_size(), 2 * page_size(), MREMAP_MAYMOVE) != MAP_FAILED);
}

static void op_map_over(char *addr)
{
	CHECK(mmap(addr, page_size(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	      addr);
}

static void op_fork(char *addr)
{
	pid_t pid = fork_child();

	(void)addr;
	if (!pid)
		_exit(0);
	wait_child(pid);
}

static void (*const ops[])(char *addr) = {
	op_munmap, op_dontneed, op_mprotect, op_mremap, op_map_over, op_fork,
};

/* The word grows by one for each watch that an operation hits once. */
static void check_op(void (*op)(char *addr), uint32_t flags, uint32_t ignore)
{
	int fd = open_device(0);
	const struct pinwatch_gen *word = hits_map(fd);
	char *addr = map_pages(NR);
	struct pinwatch_watch_add watch = {
		.size = sizeof(watch), .addr = (uintptr_t)addr, .length = page_size(),
		.flags = flags, .ignore_events = ignore,
	};

	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_WATCH_ADD, &watch), 0);
	CHECK_EQ(hits(word), 1);
	op(addr);
	CHECK_EQ(hits(word), 1 + query(fd, watch.id).hits);
	CHECK(hits(word) > 1);
	CHECK_EQ(close(fd), 0);
}

TEST(hits_each_kind)
{
	size_t i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		check_op(ops[i], WATCH, 0);
		check_op(ops[i], PIN, 0);
		check_op(ops[i], WATCH, PINWATCH_EVENT_ALL & ~PINWATCH_EVENT_RELEASE);
	}
}

/* The second hit of a one-shot watch queues no event. */
TEST(hits_oneshot)
{
	int fd = open_device(0);
	const struct pinwatch_gen *word = hits_map(fd);
	char *addr = map_pages(1);

	add(fd, addr, page_size(), PINWATCH_WATCH_F_ONESHOT, 0);
	dontneed(addr, page_size());
	CHECK_EQ(hits(word), 2);
	*addr = 1;
	dontneed(addr, page_size());
	CHECK_EQ(hits(word), 3);
}

TEST(hits_punch_hole)
{
	int fd = open_device(0), file = memfd_create("hits", MFD_CLOEXEC);
	const struct pinwatch_gen *word = hits_map(fd);
	char *addr;

	CHECK(file >= 0 && !ftruncate(file, (off_t)page_size()));
	addr = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(addr != MAP_FAILED);
	*addr = 1;
	add(fd, addr, page_size(), WATCH, 0);
	CHECK_EQ(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			   (off_t)page_size()), 0);
	CHECK(hits(word) > 1);
}

/* The end of the address space, seen by another process */
TEST(hits_release)
{
	const struct pinwatch_gen *word;
	int channel, fd;
	pid_t pid;

	pid = fork_peer(&channel);
	if (!pid) {
		fd = open_device(0);
		add(fd, map_pages(NR), page_size(), PIN, 0);
		CHECK_EQ(channel_send(channel, fd), 0);
		CHECK_EQ(channel_receive(channel, NULL), 0);
		_exit(0);
	}
	CHECK_EQ(channel_receive(channel, &fd), 0);
	word = hits_map(fd);
	CHECK_EQ(hits(word), 1);
	CHECK_EQ(channel_send(channel, -1), 0);
	wait_child(pid);
	CHECK(hits(word) > 1);
}

/* After the last close nothing reports an invalidation: the word must have changed. */
TEST(hits_deletion_and_close)
{
	char *addr = map_pages(1);
	int fd = open_device(0);
	const struct pinwatch_gen *word = hits_map(fd);
	uint32_t id = add(fd, addr, page_size(), PIN, 0).id;

	add(fd, addr, page_size(), WATCH, 0);
	CHECK_EQ(try_del(fd, id), 0);
	CHECK_EQ(hits(word), 2);
	CHECK_EQ(try_del(fd, id), -ENOENT);
	CHECK_EQ(hits(word), 2);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(hits(word), 3);
}

TEST(hits_of_several_watches)
{
	int fd = open_device(0), other = open_device(0);
	const struct pinwatch_gen *word = hits_map(fd), *quiet = hits_map(other);
	char *addr = map_pages(NR);
	size_t i;

	for (i = 0; i < NR; i++)
		add(fd, addr + i * page_size(), page_size(), i % 2 ? PIN : WATCH, i);
	add(other, map_pages(1), page_size(), WATCH, 0);
	dontneed(addr, 3 * page_size());
	CHECK_EQ(hits(word), 4);
	CHECK_EQ(hits(quiet), 1);
	CHECK_EQ(close(other), 0);
	CHECK_EQ(hits(word), 4);
}

/* For a process that has not mapped the words */
TEST(hits_resync)
{
	int fd = open_device_of(4, 0);
	char *addr = map_pages(1);
	struct pinwatch_gen copy[2] = { { 0 } };
	struct pinwatch_resync resync = {
		.size = sizeof(resync), .nr_ids = 2, .gens = (uintptr_t)copy,
		.first_id = (uint32_t)(get_info(fd).hits_offset / sizeof(copy[0])),
	};

	add(fd, addr, page_size(), WATCH, 0);
	dontneed(addr, page_size());
	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_RESYNC, &resync), 0);
	CHECK_EQ(resync.nr_ids, 1);
	CHECK_EQ(copy[0].generation, 2);
	CHECK_EQ(copy[0].generation32, 2);
}

/* Threads that hit their own watches of one descriptor at the same time */
struct stress {
	int fd;
	char *addr;
	const struct pinwatch_gen *words, *word;
	uint64_t done;		/* hits whose system call has returned */
	unsigned int nr_started;
	bool stop;
};

static void *stress_run(void *data)
{
	struct stress *stress = data;
	unsigned int nr = __atomic_fetch_add(&stress->nr_started, 1, __ATOMIC_RELAXED);
	char *addr = stress->addr + nr * page_size();

	while (!__atomic_load_n(&stress->stop, __ATOMIC_ACQUIRE)) {
		*addr = 1;
		dontneed(addr, page_size());
		__atomic_add_fetch(&stress->done, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static uint64_t stress_sum(const struct stress *stress)
{
	uint64_t sum = 0;
	uint32_t id;

	for (id = 0; id < NR_THREADS; id++)
		sum += generation(&stress->words[id]);
	return sum;
}

/*
 * The order of the loads matters. The word of the descriptor counts no hit that the words of
 * the watches, loaded afterwards, do not show. It counts each hit that is done.
 */
static uint64_t stress_look(const struct stress *stress, uint64_t first)
{
	uint64_t done = __atomic_load_n(&stress->done, __ATOMIC_ACQUIRE);
	uint64_t word = generation(stress->word) - 1;
	uint32_t word32 = twin(stress->word) - 1;
	uint64_t sum = stress_sum(stress) - first;

	CHECK(word >= done);
	CHECK(word <= sum);
	CHECK((uint32_t)(word32 - (uint32_t)done) <= (uint32_t)(sum - done));
	return done;
}

TEST(hits_order, .parallel = true)
{
	struct stress stress = { .fd = open_device(0), .addr = map_pages(NR_THREADS) };
	uint64_t first, looks = 0, end = now_ns() + RACE_SECONDS * 1000000000ULL;
	pthread_t threads[NR_THREADS];
	size_t i;

	stress.words = map_generations(stress.fd);
	stress.word = hits_map(stress.fd);
	for (i = 0; i < NR_THREADS; i++)
		add(stress.fd, stress.addr + i * page_size(), page_size(), WATCH, i);
	first = stress_sum(&stress);
	for (i = 0; i < NR_THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, stress_run, &stress), 0);
	for (; now_ns() < end; looks++)
		stress_look(&stress, first);
	__atomic_store_n(&stress.stop, true, __ATOMIC_RELEASE);
	for (i = 0; i < NR_THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_EQ(hits(stress.word) - 1, stress_sum(&stress) - first);
	test_note("%llu hits, %llu looks", (unsigned long long)stress.done,
		  (unsigned long long)looks);
	CHECK(stress.done > 0 && looks > 0);
}
