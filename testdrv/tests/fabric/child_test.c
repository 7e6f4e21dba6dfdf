// SPDX-License-Identifier: MIT
/* The monitor in children of its process. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"
#include "fake_fabric.h"
#include "monitor.h"
#include "provider.h"
#include "test.h"

static void child_wait(pid_t pid)
{
	int status;

	CHECK(pid > 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static void child_run(void)
{
	CHECK(!fabric_valid(0, 4));
	CHECK_EQ(fabric_subscribe(0, 4), -ENOSYS);
	CHECK_EQ(fabric_subscribe(8, 4), -ENOSYS);
	fabric_unsubscribe(0, 4);
	fabric_stop();
	CHECK(!fabric_valid(0, 4));
	CHECK_EQ(fabric_start(), 0);
	CHECK_EQ(fabric_subscribe(0, 4), 0);
	CHECK(fabric_valid(0, 4));
	fabric_stop();
	_exit(0);
}

/* AddressSanitizer does not support fork() while a thread is starting. */
static void begin(void)
{
	fabric_begin(false);
	CHECK(!fabric_search(0, 0, 4));
	fabric_change(0, 4);
	fabric_send_events();
	fabric_wait_notified(1);
	while (!fabric_search(0, 0, 4))
		sched_yield();
}

TEST(child_after_fork)
{
	pid_t pid;

	begin();
	pid = fork();
	if (!pid)
		child_run();
	child_wait(pid);
	CHECK(fabric_search(0, 0, 4));
	fabric_change(0, 4);
	fabric_send_events();
	fabric_wait_notified(2);
	fabric_end();
}

/* No handler of fork() runs. */
TEST(child_after_clone)
{
	pid_t pid;

	begin();
	pid = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (!pid) {
		CHECK(!fabric_valid(0, 4));
		CHECK_EQ(fabric_subscribe(0, 4), -ENOSYS);
		fabric_stop();
		_exit(0);
	}
	child_wait(pid);
	CHECK(fabric_search(0, 0, 4));
	fabric_end();
}

static bool stop;

static void *thread_search(void *arg)
{
	size_t i;

	for (i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++)
		fabric_search(0, i % 8, 8);
	return arg;
}

/* The lock of the table may be held by another thread. */
TEST(child_after_fork_under_lock)
{
	pthread_t thread;
	pid_t pid;
	int i;

	fabric_begin(true);
	CHECK_EQ(pthread_create(&thread, NULL, thread_search, NULL), 0);
	for (i = 0; i < 100; i++) {
		pid = fork();
		if (!pid) {
			CHECK(!fabric_valid(0, 8));
			CHECK_EQ(fabric_subscribe(0, 8), -ENOSYS);
			fabric_unsubscribe(0, 8);
			fabric_stop();
			_exit(0);
		}
		child_wait(pid);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	fabric_end();
}

TEST(child_that_exits)
{
	pid_t pid;

	begin();
	pid = fork();
	if (!pid) {
		pw_provider.cleanup();
		_exit(0);
	}
	child_wait(pid);
	CHECK_EQ(fabric_nr_readers(), 1);
	fabric_end();
}

/* In the strict mode, another thread that registers memory keeps the table during fork(). */
TEST(child_that_opens_domains_after_fork_in_registration, .seconds = 20)
{
	struct pw_table *table;
	pid_t pid;

	begin();
	table = pw_monitor_table_get();
	CHECK(table);
	pid = fork();
	if (!pid) {
		fabric_stop();
		CHECK_EQ(fabric_start(), 0);
		table = pw_monitor_table_get();
		CHECK(table);
		pw_monitor_table_put(table);
		CHECK_EQ(fabric_subscribe(0, 4), 0);
		CHECK(fabric_valid(0, 4));
		fabric_stop();
		CHECK(!fabric_valid(0, 4));
		_exit(0);
	}
	child_wait(pid);
	pw_monitor_table_put(table);
	fabric_end();
}

static void *thread_exit(void *arg)
{
	pw_monitor_exit();
	return arg;
}

/* Leave a reader in notify(). */
static void reader_leave(void)
{
	begin();
	fabric_stop_in_notify();
}

/* Another thread waits for such a reader during fork(). */
TEST(child_that_exits_after_fork_in_exit, .seconds = 20)
{
	pthread_t thread;
	pid_t pid;

	reader_leave();
	CHECK_EQ(pthread_create(&thread, NULL, thread_exit, NULL), 0);
	usleep(100000);
	pid = fork();
	if (!pid) {
		pw_provider.cleanup();
		_exit(0);
	}
	child_wait(pid);
	CHECK_EQ(pthread_rwlock_unlock(&fabric.mm_list_rwlock), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	while (fabric_nr_readers())
		sched_yield();
	fabric_end();
}
