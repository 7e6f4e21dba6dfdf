// SPDX-License-Identifier: MIT
/* See reader.h. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "reader.h"

#define MAX_RANGES	16384	/* watched ranges of a process */
#define NR_EVENTS	64	/* records of one read() */
#define STOP_MS		1000	/* wait at most so long for a thread that is in no notify() */

/*
 * struct pw_reader - constant from pw_reader_start() to pw_reader_free(), but
 * @joined: The thread has ended. For the thread that stops the reader.
 */
struct pw_reader {
	struct pinwatch *dev;
	struct pw_table *table;
	int wake_fd;		/* eventfd: look at the table again */
	pthread_t thread;
	void (*notify)(const void *addr, size_t length);
	bool joined;
};

static void wake(void *arg)
{
	const struct pw_reader *reader = arg;

	(void)eventfd_write(reader->wake_fd, 1);
}

/* Returns false if the descriptor does not work any more. */
static bool events_read(struct pw_reader *reader)
{
	struct pinwatch_event events[NR_EVENTS];
	int nr, i;

	do {
		nr = pinwatch_read_events(reader->dev, events, NR_EVENTS);
		for (i = 0; i < nr; i++)
			pw_table_hit(reader->table, events[i].cookie);
	} while (nr == NR_EVENTS);
	return nr > 0 || nr == -EAGAIN || nr == -EINTR;
}

static bool purge(struct pw_reader *reader)
{
	struct pw_purge range;

	if (!pw_table_purge_begin(reader->table, &range))
		return false;
	reader->notify(range.addr, range.length);
	pw_table_purge_end(reader->table, &range);
	return true;
}

/* Returns false if a descriptor does not work any more. */
static bool wait_for_work(struct pw_reader *reader)
{
	struct pollfd fds[] = {
		{ .fd = pinwatch_fd(reader->dev), .events = POLLIN },
		{ .fd = reader->wake_fd, .events = POLLIN },
	};
	eventfd_t count;

	if (poll(fds, 2, -1) < 0)
		return errno == EINTR;
	if (fds[1].revents == POLLIN)
		(void)eventfd_read(reader->wake_fd, &count);
	return !((fds[0].revents | fds[1].revents) & ~POLLIN);
}

static bool work(struct pw_reader *reader)
{
	return events_read(reader) && (purge(reader) || wait_for_work(reader));
}

/*
 * If the program has closed a descriptor of the plugin, the thread ends. A range that is hit
 * then is not valid for ever, and no range becomes known.
 */
static void *thread_run(void *arg)
{
	struct pw_reader *reader = arg;

	while (!pw_table_stopped(reader->table) && work(reader))
		;
	(void)pw_table_stop(reader->table);
	return NULL;
}

/* The signal handlers of the program never run in this thread. */
static int thread_start(struct pw_reader *reader)
{
	sigset_t all, old;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&reader->thread, NULL, thread_run, reader);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!ret)
		(void)pthread_setname_np(reader->thread, PW_READER_NAME);
	return -ret;
}

static int table_start(struct pw_reader *reader)
{
	int ret = pw_table_create(&reader->table, reader->dev, MAX_RANGES, wake, reader);

	if (ret)
		return ret;
	ret = thread_start(reader);
	if (ret)
		pw_table_destroy(reader->table);
	return ret;
}

static int wake_start(struct pw_reader *reader)
{
	int ret;

	reader->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (reader->wake_fd < 0)
		return -errno;
	ret = table_start(reader);
	if (ret)
		close(reader->wake_fd);
	return ret;
}

static int device_start(struct pw_reader *reader)
{
	int ret = pinwatch_open(&reader->dev, NULL, PINWATCH_OPEN_NONBLOCK);

	if (ret)
		return ret;
	ret = wake_start(reader);
	if (ret)
		pinwatch_close(reader->dev);
	return ret;
}

int pw_reader_start(struct pw_reader **out, void (*notify)(const void *addr, size_t length))
{
	struct pw_reader *reader = calloc(1, sizeof(*reader));
	int ret;

	if (!reader)
		return -ENOMEM;
	reader->notify = notify;
	ret = device_start(reader);
	if (ret)
		free(reader);
	else
		*out = reader;
	return ret;
}

struct pw_table *pw_reader_table(const struct pw_reader *reader)
{
	return reader->table;
}

/*
 * The purge began before pw_table_stop(), or never begins:
 *
 *	closes a domain			reader			opens a domain
 *	ofi_monitors_del_cache()	notify():
 *					  wait for		ofi_monitors_add_cache()
 *	lock mm_state_lock		  mm_list_rwlock	lock mm_list_rwlock
 *	stop()							wait for mm_state_lock
 *
 * If stop() waited for the reader here, none of the three would go on. The limit is for a
 * program that has closed the descriptors of the plugin: this does not end poll().
 */
bool pw_reader_stop(struct pw_reader *reader)
{
	bool purging;

	if (!pw_table_owned(reader->table) || reader->joined)
		return true;
	purging = pw_table_stop(reader->table);
	wake(reader);
	return !purging && pw_reader_ended(reader, STOP_MS);
}

bool pw_reader_ended(struct pw_reader *reader, unsigned int ms)
{
	struct timespec until;

	if (!pw_table_owned(reader->table) || reader->joined)
		return true;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	reader->joined = !pthread_timedjoin_np(reader->thread, NULL, &until);
	return reader->joined;
}

void pw_reader_free(struct pw_reader *reader)
{
	pw_table_destroy(reader->table);
	pinwatch_close(reader->dev);
	close(reader->wake_fd);
	free(reader);
}
