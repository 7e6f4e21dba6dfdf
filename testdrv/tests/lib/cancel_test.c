// SPDX-License-Identifier: MIT
/* pthread_cancel() of a thread that is inside the library, or about to enter it. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "cache_setup.h"

#define NR_CANCELS	300
#define NR_PAGES	32

static bool held, released;

static void add_hold(void)
{
	__atomic_store_n(&held, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&released, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void held_wait(void)
{
	while (!__atomic_load_n(&held, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void *get_run(void *data)
{
	(void)data;
	return (void *)get(0, 4, READ);
}

/* Cancelled while it waits for the pin of another thread, with the lock of the cache. */
TEST(cancel_of_a_get_that_waits, .seconds = 20)
{
	pthread_t owner, waiter;

	begin(LIMIT, 0);
	fake.on_add = add_hold;
	owner = start(get_run);
	held_wait();
	waiter = start(get_run);
	usleep(20000);
	CHECK_EQ(pthread_cancel(waiter), 0);
	usleep(20000);
	__atomic_store_n(&released, true, __ATOMIC_RELEASE);
	put(join(owner));
	put(join(waiter));
	end();
}

static void add_fail(void)
{
	__atomic_store_n(&held, true, __ATOMIC_RELEASE);
	fake.fail = __atomic_load_n(&released, __ATOMIC_ACQUIRE) ? 0 : -EAGAIN;
}

/* Cancelled in a pause between two tries to pin. */
TEST(cancel_of_a_get_that_tries_again, .seconds = 20)
{
	pthread_t thread;

	begin(LIMIT, 0);
	fake.on_add = add_fail;
	thread = start(get_run);
	held_wait();
	CHECK_EQ(pthread_cancel(thread), 0);
	usleep(20000);
	__atomic_store_n(&released, true, __ATOMIC_RELEASE);
	put(join(thread));
	end();
}

static __thread uint64_t state;

static void request_run(void)
{
	const struct pinwatch_cache_region *got;

	CHECK_EQ(pinwatch_cache_get(cache, fake_page(random_below(&state, NR_PAGES)),
				    FAKE_PAGE * (1 + random_below(&state, 4)),
				    random_below(&state, 2), &got), 0);
	put(got);
	fake_disturb(fake_page(random_below(&state, NR_PAGES)), FAKE_PAGE);
	if (!random_below(&state, 16))
		pinwatch_cache_reap(cache);
	if (!random_below(&state, 64))
		pinwatch_cache_flush(cache, fake_page(0), FAKE_PAGE);
}

/* AddressSanitizer wants no local variables with an address in a frame that is cancelled. */
static void *requests_run(void *data)
{
	state = test_seed() + (uintptr_t)data;
	for (;;) {
		request_run();
		pthread_testcancel();
	}
	return NULL;
}

/* Cancelled anywhere: no lock, no user and no pin is left behind. */
TEST(cancel_in_a_loop)
{
	pthread_t threads[2];
	uintptr_t i;

	state = test_seed();
	begin(8 * FAKE_PAGE, 0);
	threads[0] = start(requests_run);
	for (i = 1; i <= NR_CANCELS; i++) {
		CHECK_EQ(pthread_create(&threads[i % 2], NULL, requests_run, (void *)i), 0);
		usleep(random_below(&state, 500));
		CHECK_EQ(pthread_cancel(threads[(i - 1) % 2]), 0);
		CHECK(join(threads[(i - 1) % 2]) == PTHREAD_CANCELED);
	}
	CHECK_EQ(pthread_cancel(threads[NR_CANCELS % 2]), 0);
	CHECK(join(threads[NR_CANCELS % 2]) == PTHREAD_CANCELED);
	CHECK_EQ(stats().bytes_in_use, 0);
	end();
}

static void *open_run(void *data)
{
	struct pinwatch *other;

	/* Not the device: GET_INFO of the fake device succeeds, and mmap() fails. */
	CHECK(pinwatch_open(&other, data, 0) < 0);
	return NULL;
}

/* A thread with a pending cancellation opens a device, and leaves no descriptor open. */
static void *open_cancelled_run(void *data)
{
	CHECK_EQ(pthread_cancel(pthread_self()), 0);
	return open_run(data);
}

TEST(cancel_of_an_open)
{
	int fd, next;
	pthread_t thread;

	dev = fake_open();
	fd = dup(0);
	close(fd);
	CHECK_EQ(pthread_create(&thread, NULL, open_cancelled_run, "/dev/null"), 0);
	CHECK(!join(thread));
	next = dup(0);
	CHECK_EQ(next, fd);
	close(next);
	fake_close(dev);
}
