// SPDX-License-Identifier: MIT
/* The monitor with its reader, under the fake libfabric. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>
#include <rdma/fi_ext.h>

#include "fake.h"
#include "fake_fabric.h"
#include "monitor.h"
#include "provider.h"
#include "test.h"

#define NR_STEPS	3000

static void change_and_purge(size_t page, size_t nr)
{
	size_t notified = __atomic_load_n(&fabric.nr_notified, __ATOMIC_ACQUIRE);

	fabric_change(page, nr);
	fabric_send_events();
	fabric_wait_notified(notified + 1);
}

/* The reader forgets the range after notify(): with a new watch, a look-up hits again. */
static void hits_again(unsigned int cache, size_t page, size_t nr)
{
	while (!fabric_search(cache, page, nr))
		sched_yield();
}

static void cache_hits(bool unsubscribes)
{
	fabric_begin(unsubscribes);
	CHECK(!fabric_search(0, 0, 4));
	CHECK(fabric_search(0, 0, 4));
	CHECK(fabric_search(0, 1, 2));
	CHECK(!fabric_search(1, 0, 4));
	CHECK(fabric_search(1, 0, 4));
	CHECK_EQ(fake.nr_adds, 1);
	fabric_change(2, 1);
	CHECK(!fabric_search(0, 0, 4));
	CHECK(!fabric_search(0, 0, 4));
	CHECK(!fabric_search(1, 0, 4));
	CHECK(!fabric_search(1, 0, 4));
	fabric_send_events();
	hits_again(0, 0, 4);
	hits_again(1, 0, 4);
	CHECK(fabric_search(0, 0, 4));
	fabric_end();
}

TEST(two_caches_on_one_range)
{
	cache_hits(false);
}

/* The only entry of a range is dropped before the range is hit again: no purge is needed. */
TEST(two_caches_on_one_range_with_unsubscribe)
{
	fabric_begin(true);
	CHECK(!fabric_search(0, 0, 4));
	CHECK(!fabric_search(1, 0, 4));
	fabric_change(2, 1);
	CHECK(!fabric_search(0, 0, 4));
	CHECK(!fabric_search(0, 0, 4));
	fabric_send_events();
	hits_again(0, 0, 4);
	hits_again(1, 0, 4);
	fabric_end();
}

TEST(purge_tells_both_caches)
{
	fabric_begin(false);
	CHECK(!fabric_search(0, 0, 4));
	CHECK(!fabric_search(1, 0, 4));
	CHECK(!fabric_search(1, 8, 4));
	change_and_purge(3, 1);
	CHECK(fabric_search(1, 8, 4));
	CHECK(!fabric_search(1, 0, 4));
	fabric_end();
}

static size_t nr_rounds;

/* The caller holds mm_lock, and the lock of the table must be free. */
static void subscribe_in_round(void)
{
	CHECK(!fabric_valid(0, 4));
	if (nr_rounds && nr_rounds--)
		CHECK_EQ(fabric_subscribe(0, 4), 0);
}

TEST(subscribe_during_notify_is_purged_again)
{
	fabric_begin(false);
	CHECK(!fabric_search(0, 0, 4));
	fabric_lock();
	nr_rounds = 5;
	fabric.on_notify = subscribe_in_round;
	fabric_unlock();
	fabric_change(0, 4);
	fabric_send_events();
	fabric_wait_notified(6);
	hits_again(0, 0, 4);
	fabric_end();
}

TEST(stop_joins_reader)
{
	fabric_begin(false);
	CHECK_EQ(fabric_nr_readers(), 1);
	CHECK(!fabric_search(0, 0, 4));
	fabric_stop();
	CHECK_EQ(fabric_nr_readers(), 0);
	CHECK_EQ(fake.nr_watches, 0);
	CHECK_EQ(fabric.nr_logged, 2);
	CHECK(!fabric_valid(0, 4));
	CHECK_EQ(fabric_subscribe(0, 4), -ENOSYS);
	fabric_unsubscribe(0, 4);
	CHECK_EQ(fabric_start(), 0);
	CHECK(!fabric_valid(0, 4));
	CHECK(!fabric_search(0, 0, 4));
	CHECK(fabric_search(0, 0, 4));
	fabric_end();
}

/* A thread that opens a domain has mm_list_rwlock, and waits for the caller of stop(). */
TEST(stop_does_not_wait_for_notify, .seconds = 20)
{
	fabric_begin(false);
	CHECK(!fabric_search(0, 0, 4));
	fabric_stop_in_notify();
	CHECK_EQ(pthread_rwlock_unlock(&fabric.mm_list_rwlock), 0);
	fabric_wait_notified(1);
	while (fabric_nr_readers())
		sched_yield();
	CHECK_EQ(fabric_start(), 0);
	CHECK(!fabric_search(0, 0, 4));
	CHECK(fabric_search(0, 0, 4));
	fabric_end();
}

TEST(start_fails_without_device)
{
	fabric_begin(false);
	fabric_stop();
	fabric.open_error = -EACCES;
	CHECK_EQ(fabric_start(), -EACCES);
	CHECK_EQ(fabric_nr_readers(), 0);
	CHECK_EQ(fabric_subscribe(0, 1), -ENOSYS);
	CHECK(!fabric_valid(0, 1));
	fabric_stop();
	fabric.open_error = 0;
	CHECK_EQ(fabric_start(), 0);
	fabric_end();
}

static bool stop;

/* A program may close descriptors that it did not open. */
TEST(reader_ends_without_descriptor)
{
	fabric_begin(false);
	CHECK(!fabric_search(0, 0, 4));
	CHECK_EQ(close(fake.event_fd), 0);	/* POLLHUP of the handle's pipe */
	while (fabric_nr_readers())
		sched_yield();
	CHECK(fabric_search(0, 0, 4));
	fabric_change(0, 1);
	CHECK(!fabric_search(0, 0, 4));
	CHECK(!fabric_search(0, 0, 4));
	CHECK_EQ(fabric_subscribe(8, 4), -ENODEV);
	fake.event_fd = -1;
	fabric_end();
}

/* exit() without fi_close() of the domain. */
TEST(exit_stops_running_monitor)
{
	fabric_begin(false);
	CHECK(!fabric_search(0, 0, 4));
	pw_provider.cleanup();
	CHECK_EQ(fabric_nr_readers(), 0);
	/* Another thread of the program may still search a cache. */
	CHECK(fabric_search(0, 0, 4));
}

/* The reader sleeps in poll(), which the closing of the descriptors does not end. */
TEST(stop_after_descriptors_were_closed, .seconds = 20)
{
	int fd;

	fabric_begin(false);
	CHECK(!fabric_search(0, 0, 4));
	usleep(10000);
	for (fd = 3; fd < 256; fd++)
		if (fd != fake.event_fd)
			close(fd);
	fabric_stop();
	CHECK(!fabric_valid(0, 4));
}

static void *thread_cleanup(void *barrier)
{
	pthread_barrier_wait(barrier);
	pw_provider.cleanup();
	return NULL;
}

/* exit() while another thread closes the last domain: under TSan, a race is a failure. */
TEST(exit_beside_stop, .seconds = 20)
{
	pthread_barrier_t barrier;
	pthread_t thread;

	fabric_begin(false);
	CHECK(!fabric_search(0, 0, 4));
	CHECK_EQ(pthread_barrier_init(&barrier, NULL, 2), 0);
	CHECK_EQ(pthread_create(&thread, NULL, thread_cleanup, &barrier), 0);
	pthread_barrier_wait(&barrier);
	pw_monitor.export_ops->stop(&pw_monitor);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(fabric_nr_readers(), 0);
}

static void registrations_are_noticed(bool unsubscribes)
{
	size_t i;

	fabric_begin(unsubscribes);
	fabric.strict = true;
	fabric.exchanges = true;
	/* A range that is not known yet. */
	CHECK(!fabric_search(0, 8, 4));
	fabric.exchanges = false;
	CHECK(!fabric_search(0, 8, 4));
	fabric.exchanges = true;
	for (i = 0; i < 20; i++) {
		CHECK(!fabric_search(i % 2, 0, 4));
		fabric_send_events();
	}
	fabric.exchanges = false;
	hits_again(0, 0, 4);
	fabric_end();
}

TEST(strict_mode_notices_change_during_registration)
{
	registrations_are_noticed(false);
}

TEST(strict_mode_notices_change_during_registration_with_unsubscribe)
{
	registrations_are_noticed(true);
}

/* The thread ends at the first cancellation point. */
static void cancelled(void *(*run)(void *))
{
	pthread_t thread;
	void *result;

	CHECK_EQ(pthread_create(&thread, NULL, run, NULL), 0);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK(result == PTHREAD_CANCELED);
}

static void *cancelled_search(void *arg)
{
	CHECK_EQ(pthread_cancel(pthread_self()), 0);
	CHECK(!fabric_search(0, 8, 4));
	pthread_testcancel();
	return arg;
}

/* The subscription evicts a range, and wakes the reader, with the lock of the table. */
TEST(cancel_of_a_subscription, .seconds = 20)
{
	fabric_begin(false);
	fake.max_watches = 1;
	CHECK(!fabric_search(0, 0, 4));
	cancelled(cancelled_search);
	CHECK(fabric_search(0, 8, 4));
	CHECK(!fabric_search(0, 0, 4));
	fabric_end();
}

/* The same, before the registration. */
TEST(cancel_of_a_registration_in_strict_mode, .seconds = 20)
{
	fabric_begin(false);
	fake.max_watches = 1;
	fabric.strict = true;
	CHECK(!fabric_search(0, 0, 4));
	cancelled(cancelled_search);
	CHECK(fabric_search(0, 8, 4));
	fabric_end();
}

static void *cancelled_stop(void *arg)
{
	CHECK_EQ(pthread_cancel(pthread_self()), 0);
	fabric_stop();
	pthread_testcancel();
	return arg;
}

static void *cancelled_start(void *arg)
{
	CHECK_EQ(pthread_cancel(pthread_self()), 0);
	CHECK_EQ(fabric_start(), 0);
	pthread_testcancel();
	return arg;
}

TEST(cancel_of_stop_and_start, .seconds = 20)
{
	fabric_begin(false);
	CHECK(!fabric_search(0, 0, 4));
	cancelled(cancelled_stop);
	CHECK_EQ(fabric_nr_readers(), 0);
	CHECK_EQ(fake.nr_watches, 0);
	cancelled(cancelled_start);
	CHECK(!fabric_search(0, 0, 4));
	CHECK(fabric_search(0, 0, 4));
	fabric_end();
}

static void *thread_random(void *arg)
{
	uint64_t seed = test_seed() + (uintptr_t)arg;
	size_t i;

	for (i = 0; i < NR_STEPS; i++)
		fabric_search(random_below(&seed, NR_CACHES), random_below(&seed, 12),
			      1 + random_below(&seed, 3));
	return NULL;
}

static void *thread_change(void *arg)
{
	uint64_t seed = test_seed() + (uintptr_t)arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		fabric_change(random_below(&seed, 12), 1);
		if (!random_below(&seed, 4))
			fabric_send_events();
		sched_yield();
	}
	return NULL;
}

static void threads(bool unsubscribes, bool strict)
{
	pthread_t searching[2], changing;
	size_t i;

	fabric_begin(unsubscribes);
	fake.max_watches = 8;
	fabric.strict = strict;
	CHECK_EQ(pthread_create(&changing, NULL, thread_change, (void *)9), 0);
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&searching[i], NULL, thread_random, (void *)i), 0);
	for (i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(searching[i], NULL), 0);
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	CHECK_EQ(pthread_join(changing, NULL), 0);
	CHECK(fabric.nr_hits > 0);
	/* Otherwise, the caches may have unsubscribed from all ranges before a purge. */
	if (!unsubscribes)
		fabric_wait_notified(1);
	fabric_end();
}

TEST(threads_on_two_caches)
{
	threads(false, false);
}

TEST(threads_on_two_caches_with_unsubscribe)
{
	threads(true, false);
}

TEST(threads_in_strict_mode)
{
	threads(false, true);
}

TEST(threads_in_strict_mode_with_unsubscribe)
{
	threads(true, true);
}
