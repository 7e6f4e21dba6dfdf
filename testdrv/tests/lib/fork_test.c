// SPDX-License-Identifier: MIT
/*
 * Handles in the children of their process, on the fake device, whose mapping a child does
 * not inherit either.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"
#include "handle.h"
#include "test.h"

#define NR_THREADS	2
#define NR_FORKS	100

/* Each process has the same PID, as the first process of each PID namespace has. */
pid_t getpid(void)
{
	return 1;
}

static struct pinwatch *dev;
static struct pinwatch_watch watch;
static volatile char *words;
static size_t map_size;

static void begin(void)
{
	dev = fake_open();
	words = (char *)(uintptr_t)dev->words;
	map_size = dev->map_size;
	CHECK_EQ(pinwatch_watch_add(dev, fake_page(0), FAKE_PAGE, 0, 0, &watch), 0);
	CHECK(pinwatch_valid(&watch));
}

static void end(void)
{
	CHECK(pinwatch_valid(&watch));
	CHECK_EQ(pinwatch_watch_del(dev, &watch), 0);
	fake_close(dev);
}

static void child_wait(pid_t pid)
{
	int status;

	CHECK(pid > 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

/* Memory of the child at the address of the words. */
static void memory_map(int flags)
{
	char *addr = (char *)words;

	CHECK(mmap(addr, map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags,
		   -1, 0) == addr);
	memset(addr, 1, map_size);
}

static bool memory_kept(void)
{
	return words[0] == 1 && words[map_size - 1] == 1;
}

TEST(valid_is_false_after_fork)
{
	pid_t pid;

	begin();
	pid = fork();
	if (!pid) {
		CHECK(!pinwatch_valid(&watch));
		CHECK_EQ(pinwatch_generation(&watch), 0);
		pid = fork();
		if (pid)
			child_wait(pid);
		CHECK(!pinwatch_valid(&watch));
		pinwatch_close(dev);
		CHECK(!pinwatch_valid(&watch));
		_exit(0);
	}
	child_wait(pid);
	end();
}

TEST(close_after_fork_keeps_memory)
{
	pid_t pid;

	begin();
	pid = fork();
	if (!pid) {
		memory_map(MAP_FIXED);
		pinwatch_close(dev);
		_exit(!memory_kept());
	}
	child_wait(pid);
	end();
}

/* A child that fork() did not make: no handler of the library has run. */
TEST(close_after_clone_keeps_memory)
{
	pid_t pid;

	begin();
	pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (!pid) {
		memory_map(MAP_FIXED_NOREPLACE);
		pinwatch_close(dev);
		_exit(!memory_kept());
	}
	child_wait(pid);
	end();
}

static void *handle_map(size_t length)
{
	void *map = mmap(NULL, length, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(map != MAP_FAILED);
	CHECK_EQ(madvise(map, length, MADV_DONTFORK), 0);
	return map;
}

/* What pinwatch_open() does after the ioctl. */
static struct pinwatch *handle_open(void)
{
	struct pinwatch *other = calloc(1, sizeof(*other));

	CHECK(other);
	other->fd = dup(dev->fd);
	other->map_size = FAKE_PAGE;
	other->words = handle_map(other->map_size);
	CHECK_EQ(pw_fork_insert(other), 0);
	return other;
}

static bool is_mapped(const void *addr)
{
	unsigned char page;

	return !mincore((void *)(uintptr_t)addr, 1, &page);
}

/* A process closes its own handles, and its children do not, in each generation. */
TEST(handles_of_each_generation)
{
	const struct pinwatch_gen *map;
	struct pinwatch *own;
	pid_t pid;

	begin();
	pid = fork();
	if (!pid) {
		own = handle_open();
		CHECK(pw_fork_owns(own) && !pw_fork_owns(dev));
		pid = fork();
		if (!pid) {
			CHECK(!pw_fork_owns(own) && !pw_fork_owns(dev));
			CHECK_EQ(own->words->generation, 0);
			pinwatch_close(own);
			pinwatch_close(handle_open());
			_exit(0);
		}
		child_wait(pid);
		map = own->words;
		pinwatch_close(own);
		CHECK(!is_mapped(map));
		pinwatch_close(dev);
		_exit(0);
	}
	child_wait(pid);
	end();
}

static bool handler_maps;

static void other_handler(void)
{
	if (handler_maps)
		memory_map(MAP_FIXED_NOREPLACE);
}

/* A handler that runs before those of the library. */
__attribute__((constructor(101))) static void other_handler_register(void)
{
	CHECK_EQ(pthread_atfork(NULL, NULL, other_handler), 0);
}

TEST(memory_of_another_fork_handler_is_kept)
{
	pid_t pid;

	begin();
	handler_maps = true;
	pid = fork();
	if (!pid) {
		CHECK(memory_kept());
		pinwatch_close(dev);
		_exit(!memory_kept());
	}
	child_wait(pid);
	handler_maps = false;
	end();
}

static bool stop;

static void *thread_open_and_close(void *arg)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		pinwatch_close(handle_open());
	return arg;
}

TEST(fork_while_threads_open_and_close)
{
	pthread_t threads[NR_THREADS];
	pid_t pid;
	int i;

	begin();
	for (i = 0; i < NR_THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, thread_open_and_close, NULL), 0);
	for (i = 0; i < NR_FORKS; i++) {
		pid = fork();
		if (!pid) {
			CHECK(!pinwatch_valid(&watch));
			pinwatch_close(handle_open());
			_exit(0);
		}
		child_wait(pid);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < NR_THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	end();
}
