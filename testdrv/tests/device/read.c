// SPDX-License-Identifier: MIT
/* Event records: read() and poll(). */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "device.h"

/* Returns revents, 0 when there is nothing within @timeout_ms. */
static int poll_events(int fd, int timeout_ms)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	CHECK(poll(&pollfd, 1, timeout_ms) >= 0);
	return pollfd.revents;
}

TEST(read_record)
{
	char *addr = map_pages(4);
	int fd = open_device(O_NONBLOCK);
	const struct pinwatch_gen *words = map_generations(fd);
	struct pinwatch_watch_add watch = add(fd, addr, 4 * page_size(), WATCH, 0x1234567890abcdef);
	struct pinwatch_event event;
	uint64_t begin = now_ns();

	dontneed(addr + 2 * page_size(), page_size());
	CHECK_EQ(try_read_events(fd, &event, 1), 1);
	CHECK_EQ(event.cookie, 0x1234567890abcdef);
	CHECK_EQ(event.id, watch.id);
	CHECK_EQ(event.events, PINWATCH_EVENT_CLEAR);
	CHECK(event.start >= (uintptr_t)addr);
	CHECK(event.start <= (uintptr_t)addr + 2 * page_size());
	CHECK(event.end >= (uintptr_t)addr + 3 * page_size());
	CHECK(event.end <= (uintptr_t)addr + 4 * page_size());
	CHECK_EQ(event.generation, generation(&words[watch.id]));
	CHECK(event.generation > watch.generation);
	CHECK(event.count >= 1);
	CHECK(event.time_ns >= begin && event.time_ns <= now_ns());
	CHECK_EQ(event.touched_shift, watch.touched_shift);
	CHECK(event.touched >> 2 & 1);
	CHECK_EQ(event.causes, PINWATCH_CAUSE_MADVISE);
	CHECK_EQ(event.flags, PINWATCH_EVENT_F_ACTOR);
	CHECK_EQ(event.tid, gettid());
	CHECK_EQ(event.tgid, getpid());
	CHECK_EQ(strcmp(event.comm, program_invocation_short_name), 0);
	CHECK(!event.reserved[0] && !event.reserved[1] && !event.reserved[2]);
	CHECK_EQ(try_read_events(fd, &event, 1), -EAGAIN);
}

TEST(read_einval_short)
{
	char *addr = map_pages(1);
	int fd = open_device(O_NONBLOCK);
	struct pinwatch_event event;

	CHECK(read(fd, &event, sizeof(event) - 1) == -1 && errno == EINVAL);
	CHECK(read(fd, &event, 0) == -1 && errno == EINVAL);
	add(fd, addr, page_size(), WATCH, 0);
	dontneed(addr, page_size());
	CHECK(read(fd, &event, sizeof(event) - 1) == -1 && errno == EINVAL);
	CHECK_EQ(try_read_events(fd, &event, 1), 1);
}

TEST(read_whole_records)
{
	struct pinwatch_event events[4];
	char *addr = map_pages(3);
	int i, fd = open_device(O_NONBLOCK);

	for (i = 0; i < 3; i++)
		add(fd, addr + (size_t)i * page_size(), page_size(), WATCH, (uint64_t)i);
	dontneed(addr, 3 * page_size());
	CHECK_EQ(read(fd, events, 2 * sizeof(events[0]) - 1), sizeof(events[0]));
	CHECK_EQ(try_read_events(fd, events, 4), 2);
	CHECK_EQ(try_read_events(fd, events, 4), -EAGAIN);
}

TEST(read_efault_keeps)
{
	struct pinwatch_event *events;
	struct pinwatch_event event;
	char *addr = map_pages(2), *buf = map_pages(2);
	int fd = open_device(O_NONBLOCK);

	add(fd, addr, page_size(), WATCH, 0);
	add(fd, addr + page_size(), page_size(), WATCH, 1);
	dontneed(addr, 2 * page_size());
	CHECK_EQ(munmap(buf + page_size(), page_size()), 0);

	CHECK_EQ(try_read_events(fd, (void *)(buf + page_size()), 2), -EFAULT);
	/* The buffer has room for one of two records. The second record stays queued. */
	events = (void *)(buf + page_size() - sizeof(*events));
	CHECK_EQ(try_read_events(fd, events, 2), 1);
	CHECK_EQ(try_read_events(fd, &event, 1), 1);
	CHECK(event.cookie != events->cookie);
	CHECK(event.count >= 1);
	CHECK_EQ(try_read_events(fd, &event, 1), -EAGAIN);
}

static volatile sig_atomic_t alarms;

static void count_alarm(int number)
{
	(void)number;
	alarms++;
}

/* A call that waits although a record is there ends at the alarm. */
static ssize_t readv_within(int fd, const struct iovec *segments, int nr, unsigned int seconds)
{
	struct sigaction action = { .sa_handler = count_alarm };
	ssize_t ret;

	CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
	alarm(seconds);
	ret = readv(fd, segments, nr);
	alarm(0);
	return ret;
}

TEST(readv_does_not_wait_after_a_record)
{
	struct pinwatch_event events[2] = { { .count = 0 } };
	const struct iovec segments[] = {
		{ &events[0], sizeof(events[0]) },
		{ &events[1], sizeof(events[1]) },
	};
	char *addr = map_pages(1);
	int fd = open_device(0);

	add(fd, addr, page_size(), WATCH, 7);
	dontneed(addr, page_size());
	CHECK_EQ(readv_within(fd, segments, 2, 3), sizeof(events[0]));
	CHECK_EQ(alarms, 0);
	CHECK_EQ(events[0].cookie, 7);
	CHECK_EQ(events[1].count, 0);
}

TEST(readv_record_crosses_segments)
{
	char *addr = map_pages(2);
	int fd = open_device(O_NONBLOCK);
	struct pinwatch_event events[2];
	struct iovec segments[8];
	size_t i, part = sizeof(events) / 8;

	for (i = 0; i < 8; i++)
		segments[i] = (struct iovec){ (char *)events + i * part, part };
	CHECK_EQ(readv(fd, segments, 8), -1);
	CHECK_EQ(errno, EAGAIN);
	for (i = 0; i < 2; i++)
		add(fd, addr + i * page_size(), page_size(), WATCH, i);
	dontneed(addr, 2 * page_size());
	CHECK_EQ(readv(fd, segments, 3), -1);
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(readv(fd, segments, 8), sizeof(events));
	CHECK_EQ(events[0].cookie, 0);
	CHECK_EQ(events[1].cookie, 1);
}

/* The second segment of the second record faults: that record comes with the next read(). */
TEST(readv_efault_keeps)
{
	char *addr = map_pages(2);
	int fd = open_device(O_NONBLOCK);
	struct pinwatch_event events[2];
	const struct iovec segments[] = {
		{ events, sizeof(events) - 8 },
		{ NULL, 8 },
	};
	size_t i;

	for (i = 0; i < 2; i++)
		add(fd, addr + i * page_size(), page_size(), WATCH, i);
	dontneed(addr, 2 * page_size());
	CHECK_EQ(readv(fd, segments, 2), sizeof(events[0]));
	CHECK_EQ(events[0].cookie, 0);
	CHECK_EQ(readv(fd, segments + 1, 1), -1);
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(try_read_events(fd, events, 2), 1);
	CHECK_EQ(events[0].cookie, 1);
	CHECK_EQ(events[0].count, 1);
}

TEST(read_merges)
{
	char *addr = map_pages(8);
	int fd = open_device(O_NONBLOCK);
	struct pinwatch_event event;
	uint64_t first;

	add(fd, addr, 8 * page_size(), WATCH, 0);
	dontneed(addr + page_size(), page_size());
	first = now_ns();
	CHECK_EQ(mprotect(addr + 6 * page_size(), page_size(), PROT_READ), 0);
	dontneed(addr + 3 * page_size(), page_size());
	CHECK_EQ(try_read_events(fd, &event, 1), 1);
	CHECK_EQ(event.events, PINWATCH_EVENT_CLEAR | PINWATCH_EVENT_PROTECT);
	CHECK(event.count >= 3);
	CHECK(event.start <= (uintptr_t)addr + page_size());
	CHECK(event.end >= (uintptr_t)addr + 7 * page_size());
	CHECK(event.time_ns <= first);
	CHECK_EQ(try_read_events(fd, &event, 1), -EAGAIN);
}

TEST(poll_readable)
{
	char *addr = map_pages(1);
	int fd = open_device(O_NONBLOCK);
	struct pinwatch_event event;

	add(fd, addr, page_size(), WATCH, 0);
	CHECK_EQ(poll_events(fd, 0), 0);
	dontneed(addr, page_size());
	CHECK_EQ(poll_events(fd, -1), POLLIN);
	CHECK_EQ(poll_events(fd, 0), POLLIN);
	CHECK_EQ(try_read_events(fd, &event, 1), 1);
	CHECK_EQ(poll_events(fd, 0), 0);
}

/* POLLHUP means that no event follows: RELEASE has to be read first. */
TEST(poll_hangup)
{
	int channel, fd;
	pid_t pid = fork_peer(&channel);
	struct pinwatch_event events[3];

	if (!pid) {
		char *addr = map_pages(2);

		fd = open_device(O_NONBLOCK);
		add(fd, addr, page_size(), WATCH, 0);
		add(fd, addr + page_size(), page_size(), PIN_RW, 1);
		CHECK_EQ(channel_send(channel, fd), 0);
		CHECK_EQ(channel_receive(channel, NULL), 0);
		_exit(0);
	}
	CHECK_EQ(channel_receive(channel, &fd), 0);
	CHECK_EQ(poll_events(fd, 0), 0);
	CHECK_EQ(channel_send(channel, -1), 0);
	wait_child(pid);
	CHECK_EQ(poll_events(fd, 0), POLLIN);
	CHECK_EQ(try_read_events(fd, events, 3), 2);
	CHECK_EQ(poll_events(fd, 0), POLLHUP);
	CHECK_EQ(try_del(fd, 0), 0);
	CHECK_EQ(poll_events(fd, 0), POLLHUP);
}

/* Edge-triggered epoll reports the hang-up once the last record is read. */
TEST(poll_hangup_edge_triggered)
{
	struct epoll_event want = { .events = EPOLLIN | EPOLLET }, got;
	int channel, fd, ep = epoll_create1(EPOLL_CLOEXEC);
	pid_t pid = fork_peer(&channel);

	if (!pid) {
		fd = open_device(O_NONBLOCK);
		add(fd, map_pages(1), page_size(), WATCH, 0);
		CHECK_EQ(channel_send(channel, fd), 0);
		CHECK_EQ(channel_receive(channel, NULL), 0);
		_exit(0);
	}
	CHECK_EQ(channel_receive(channel, &fd), 0);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &want), 0);
	CHECK_EQ(channel_send(channel, -1), 0);
	wait_child(pid);
	CHECK_EQ(epoll_wait(ep, &got, 1, 5000), 1);
	CHECK_EQ(got.events, EPOLLIN);
	read_event(fd);
	CHECK_EQ(epoll_wait(ep, &got, 1, 5000), 1);
	CHECK_EQ(got.events, EPOLLHUP);
}

TEST(poll_hangup_unwatched)
{
	CHECK_EQ(poll_events(open_device(0), 0), 0);
}

/* Edge-triggered epoll reports each watch once when the watch becomes dirty. */
TEST(poll_edge_triggered)
{
	struct epoll_event want = { .events = EPOLLIN | EPOLLET }, got;
	char *addr = map_pages(2);
	int fd = open_device(O_NONBLOCK), ep = epoll_create1(EPOLL_CLOEXEC);

	CHECK(ep >= 0);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &want), 0);
	add(fd, addr, page_size(), WATCH, 0);
	add(fd, addr + page_size(), page_size(), WATCH, 1);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
	dontneed(addr, page_size());
	CHECK_EQ(epoll_wait(ep, &got, 1, -1), 1);
	CHECK_EQ(got.events, EPOLLIN);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
	dontneed(addr + page_size(), page_size());
	CHECK_EQ(epoll_wait(ep, &got, 1, -1), 1);
	read_event(fd);
	read_event(fd);
	dontneed(addr, page_size());
	CHECK_EQ(epoll_wait(ep, &got, 1, -1), 1);
	close(ep);
}

/* The child waits in read() until a hit of the parent. */
static void wait_in_child(int fd, int ready, int by_poll)
{
	struct pinwatch_event event;
	char byte = 0;

	CHECK_EQ(write(ready, &byte, 1), 1);
	if (by_poll)
		CHECK_EQ(poll_events(fd, -1), POLLIN);
	CHECK_EQ(try_read_events(fd, &event, 1), 1);
	CHECK_EQ(event.cookie, 77);
	_exit(0);
}

TEST(read_waits)
{
	int by_poll, ready[2];
	char byte;

	CHECK_EQ(pipe(ready), 0);
	for (by_poll = 0; by_poll <= 1; by_poll++) {
		char *addr = map_pages(1);
		int fd = open_device(0);
		pid_t pid;

		/* Add the watch after fork(), since fork() would be a hit. */
		pid = fork_child();
		if (!pid)
			wait_in_child(fd, ready[1], by_poll);
		CHECK_EQ(read(ready[0], &byte, 1), 1);
		add(fd, addr, page_size(), WATCH, 77);
		dontneed(addr, page_size());
		wait_child(pid);
	}
}

#define NR_KILLS	300

/* Kill the child at a random point of read() with queued events. */
TEST(read_killed)
{
	char *addr = map_pages(64);
	int i, fd = open_device(0);

	for (i = 0; i < 64; i++)
		add(fd, addr + (size_t)i * page_size(), page_size(), WATCH, 0);
	for (i = 0; i < NR_KILLS; i++) {
		pid_t pid = fork_child();
		int k;

		if (!pid) {
			struct pinwatch_event event;

			while (try_read_events(fd, &event, 1) == 1)
				;
			_exit(1);
		}
		for (k = 0; k < i % 20; k++)
			dontneed(addr, 64 * page_size());
		CHECK_EQ(kill(pid, SIGKILL), 0);
		dontneed(addr, 64 * page_size());
		/* The timeout of the test ends the test if the signal does not end read(). */
		CHECK_EQ(waitpid(pid, NULL, 0), pid);
	}
}

static void signal_ignore(int number)
{
	(void)number;
}

TEST(read_eintr)
{
	struct sigaction action = { .sa_handler = signal_ignore };
	struct itimerval timer = { { 0, 1000 }, { 0, 1000 } };
	struct pinwatch_event event;
	int fd = open_device(0);

	CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
	CHECK_EQ(try_read_events(fd, &event, 1), -EINTR);
}

#define NR_WATCHES	256

struct reader {
	int fd;
	unsigned int seen[NR_WATCHES];
};

static void *reader_run(void *data)
{
	struct reader *reader = data;
	struct pinwatch_event events[3];
	int i, ret;

	while ((ret = try_read_events(reader->fd, events, 3)) > 0)
		for (i = 0; i < ret; i++)
			reader->seen[events[i].cookie]++;
	CHECK_EQ(ret, -EAGAIN);
	return NULL;
}

/* Several readers of a descriptor: each record goes to exactly one reader. */
TEST(read_readers_share)
{
	static struct reader readers[3];
	char *addr = map_pages(NR_WATCHES);
	int i, fd = open_device(O_NONBLOCK);
	pthread_t threads[3];

	for (i = 0; i < NR_WATCHES; i++)
		add(fd, addr + (size_t)i * page_size(), page_size(), WATCH, (uint64_t)i);
	dontneed(addr, NR_WATCHES * page_size());
	for (i = 0; i < 3; i++) {
		readers[i].fd = fd;
		CHECK_EQ(pthread_create(&threads[i], NULL, reader_run, &readers[i]), 0);
	}
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < NR_WATCHES; i++)
		CHECK_EQ(readers[0].seen[i] + readers[1].seen[i] + readers[2].seen[i], 1);
}

/* Two descriptors with a watch each on the same range: each is told. */
TEST(read_files_are_apart)
{
	char *addr = map_pages(1);
	int first = open_device(O_NONBLOCK), second = open_device(O_NONBLOCK);
	struct pinwatch_event event;

	add(first, addr, page_size(), WATCH, 1);
	add(second, addr, page_size(), WATCH, 2);
	dontneed(addr, page_size());
	CHECK_EQ(try_read_events(first, &event, 1), 1);
	CHECK_EQ(event.cookie, 1);
	CHECK_EQ(try_read_events(second, &event, 1), 1);
	CHECK_EQ(event.cookie, 2);
}

TEST(read_del_forgets)
{
	char *addr = map_pages(1);
	int fd = open_device_of(1, O_NONBLOCK);
	struct pinwatch_event event;
	uint32_t id = add(fd, addr, page_size(), WATCH, 0).id;

	dontneed(addr, page_size());
	CHECK_EQ(try_del(fd, id), 0);
	CHECK_EQ(poll_events(fd, 0), 0);
	CHECK_EQ(try_read_events(fd, &event, 1), -EAGAIN);
	CHECK_EQ(add(fd, addr, page_size(), WATCH, 0).id, id);
	CHECK_EQ(try_read_events(fd, &event, 1), -EAGAIN);
}
