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
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"

/* Returns revents, 0 when there is nothing within @timeout_ms. */
static int x_poll(int fd, int timeout_ms)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	CHECK(poll(&pollfd, 1, timeout_ms) >= 0);
	return pollfd.revents;
}

TEST(read_record)
{
	char *addr = x_pages(4);
	int fd = x_open(O_NONBLOCK);
	const struct pinwatch_gen *words = x_map(fd);
	struct pinwatch_watch_add add = x_add(fd, addr, 4 * page_size(), WATCH, 0x1234567890abcdef);
	struct pinwatch_event event;
	uint64_t begin = now_ns();

	x_dontneed(addr + 2 * page_size(), page_size());
	CHECK_EQ(__read_events(fd, &event, 1), 1);
	CHECK_EQ(event.cookie, 0x1234567890abcdef);
	CHECK_EQ(event.id, add.id);
	CHECK_EQ(event.events, PINWATCH_EVENT_CLEAR);
	CHECK(event.start >= (uintptr_t)addr);
	CHECK(event.start <= (uintptr_t)addr + 2 * page_size());
	CHECK(event.end >= (uintptr_t)addr + 3 * page_size());
	CHECK(event.end <= (uintptr_t)addr + 4 * page_size());
	CHECK_EQ(event.generation, generation(&words[add.id]));
	CHECK(event.generation > add.generation);
	CHECK(event.count >= 1);
	CHECK(event.time_ns >= begin && event.time_ns <= now_ns());
	CHECK_EQ(event.touched_shift, add.touched_shift);
	CHECK(event.touched >> 2 & 1);
	CHECK_EQ(event.causes, PINWATCH_CAUSE_MADVISE);
	CHECK_EQ(event.flags, PINWATCH_EVENT_F_ACTOR);
	CHECK_EQ(event.tid, gettid());
	CHECK_EQ(event.tgid, getpid());
	CHECK_EQ(strcmp(event.comm, program_invocation_short_name), 0);
	CHECK(!event.reserved[0] && !event.reserved[1] && !event.reserved[2]);
	CHECK_EQ(__read_events(fd, &event, 1), -EAGAIN);
}

TEST(read_einval_short)
{
	char *addr = x_pages(1);
	int fd = x_open(O_NONBLOCK);
	struct pinwatch_event event;

	CHECK(read(fd, &event, sizeof(event) - 1) == -1 && errno == EINVAL);
	CHECK(read(fd, &event, 0) == -1 && errno == EINVAL);
	x_add(fd, addr, page_size(), WATCH, 0);
	x_dontneed(addr, page_size());
	CHECK(read(fd, &event, sizeof(event) - 1) == -1 && errno == EINVAL);
	CHECK_EQ(__read_events(fd, &event, 1), 1);
}

TEST(read_whole_records)
{
	struct pinwatch_event events[4];
	char *addr = x_pages(3);
	int i, fd = x_open(O_NONBLOCK);

	for (i = 0; i < 3; i++)
		x_add(fd, addr + (size_t)i * page_size(), page_size(), WATCH, (uint64_t)i);
	x_dontneed(addr, 3 * page_size());
	CHECK_EQ(read(fd, events, 2 * sizeof(events[0]) - 1), sizeof(events[0]));
	CHECK_EQ(__read_events(fd, events, 4), 2);
	CHECK_EQ(__read_events(fd, events, 4), -EAGAIN);
}

TEST(read_efault_keeps)
{
	struct pinwatch_event *events;
	struct pinwatch_event event;
	char *addr = x_pages(2), *buf = x_pages(2);
	int fd = x_open(O_NONBLOCK);

	x_add(fd, addr, page_size(), WATCH, 0);
	x_add(fd, addr + page_size(), page_size(), WATCH, 1);
	x_dontneed(addr, 2 * page_size());
	CHECK_EQ(munmap(buf + page_size(), page_size()), 0);

	CHECK_EQ(__read_events(fd, (void *)(buf + page_size()), 2), -EFAULT);
	/* One fits before the end of the buffer; the other stays. */
	events = (void *)(buf + page_size() - sizeof(*events));
	CHECK_EQ(__read_events(fd, events, 2), 1);
	CHECK_EQ(__read_events(fd, &event, 1), 1);
	CHECK(event.cookie != events->cookie);
	CHECK(event.count >= 1);
	CHECK_EQ(__read_events(fd, &event, 1), -EAGAIN);
}

TEST(read_merges)
{
	char *addr = x_pages(8);
	int fd = x_open(O_NONBLOCK);
	struct pinwatch_event event;
	uint64_t first;

	x_add(fd, addr, 8 * page_size(), WATCH, 0);
	x_dontneed(addr + page_size(), page_size());
	first = now_ns();
	CHECK_EQ(mprotect(addr + 6 * page_size(), page_size(), PROT_READ), 0);
	x_dontneed(addr + 3 * page_size(), page_size());
	CHECK_EQ(__read_events(fd, &event, 1), 1);
	CHECK_EQ(event.events, PINWATCH_EVENT_CLEAR | PINWATCH_EVENT_PROTECT);
	CHECK(event.count >= 3);
	CHECK(event.start <= (uintptr_t)addr + page_size());
	CHECK(event.end >= (uintptr_t)addr + 7 * page_size());
	CHECK(event.time_ns <= first);
	CHECK_EQ(__read_events(fd, &event, 1), -EAGAIN);
}

TEST(poll_readable)
{
	char *addr = x_pages(1);
	int fd = x_open(O_NONBLOCK);
	struct pinwatch_event event;

	x_add(fd, addr, page_size(), WATCH, 0);
	CHECK_EQ(x_poll(fd, 0), 0);
	x_dontneed(addr, page_size());
	CHECK_EQ(x_poll(fd, -1), POLLIN);
	CHECK_EQ(x_poll(fd, 0), POLLIN);
	CHECK_EQ(__read_events(fd, &event, 1), 1);
	CHECK_EQ(x_poll(fd, 0), 0);
}

/* Edge-triggered: told once for each watch that becomes dirty. */
TEST(poll_edge_triggered)
{
	struct epoll_event want = { .events = EPOLLIN | EPOLLET }, got;
	char *addr = x_pages(2);
	int fd = x_open(O_NONBLOCK), ep = epoll_create1(EPOLL_CLOEXEC);

	CHECK(ep >= 0);
	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &want), 0);
	x_add(fd, addr, page_size(), WATCH, 0);
	x_add(fd, addr + page_size(), page_size(), WATCH, 1);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
	x_dontneed(addr, page_size());
	CHECK_EQ(epoll_wait(ep, &got, 1, -1), 1);
	CHECK_EQ(got.events, EPOLLIN);
	CHECK_EQ(epoll_wait(ep, &got, 1, 0), 0);
	x_dontneed(addr + page_size(), page_size());
	CHECK_EQ(epoll_wait(ep, &got, 1, -1), 1);
	x_read_event(fd);
	x_read_event(fd);
	x_dontneed(addr, page_size());
	CHECK_EQ(epoll_wait(ep, &got, 1, -1), 1);
	close(ep);
}

/* The child waits; only the parent's hits can end that. */
static void wait_in_child(int fd, int ready, int by_poll)
{
	struct pinwatch_event event;
	char byte = 0;

	CHECK_EQ(write(ready, &byte, 1), 1);
	if (by_poll)
		CHECK_EQ(x_poll(fd, -1), POLLIN);
	CHECK_EQ(__read_events(fd, &event, 1), 1);
	CHECK_EQ(event.cookie, 77);
	_exit(0);
}

TEST(read_waits)
{
	int by_poll, ready[2];
	char byte;

	CHECK_EQ(pipe(ready), 0);
	for (by_poll = 0; by_poll <= 1; by_poll++) {
		char *addr = x_pages(1);
		int fd = x_open(0);
		pid_t pid;

		/* Added after the fork, or that would be a hit. */
		pid = x_fork();
		if (!pid)
			wait_in_child(fd, ready[1], by_poll);
		CHECK_EQ(read(ready[0], &byte, 1), 1);
		x_add(fd, addr, page_size(), WATCH, 77);
		x_dontneed(addr, page_size());
		x_wait(pid);
	}
}

#define NR_KILLS	300

/* Killed at any point of a read() that always finds something. */
TEST(read_killed)
{
	char *addr = x_pages(64);
	int i, fd = x_open(0);

	for (i = 0; i < 64; i++)
		x_add(fd, addr + (size_t)i * page_size(), page_size(), WATCH, 0);
	for (i = 0; i < NR_KILLS; i++) {
		pid_t pid = x_fork();
		int k;

		if (!pid) {
			struct pinwatch_event event;

			while (__read_events(fd, &event, 1) == 1)
				;
			_exit(1);
		}
		for (k = 0; k < i % 20; k++)
			x_dontneed(addr, 64 * page_size());
		CHECK_EQ(kill(pid, SIGKILL), 0);
		x_dontneed(addr, 64 * page_size());
		/* The test's own alarm ends it if this does not. */
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
	int fd = x_open(0);

	CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
	CHECK_EQ(__read_events(fd, &event, 1), -EINTR);
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

	while ((ret = __read_events(reader->fd, events, 3)) > 0)
		for (i = 0; i < ret; i++)
			reader->seen[events[i].cookie]++;
	CHECK_EQ(ret, -EAGAIN);
	return NULL;
}

/* Several readers of one descriptor: each record goes to one of them. */
TEST(read_readers_share)
{
	static struct reader readers[3];
	char *addr = x_pages(NR_WATCHES);
	int i, fd = x_open(O_NONBLOCK);
	pthread_t threads[3];

	for (i = 0; i < NR_WATCHES; i++)
		x_add(fd, addr + (size_t)i * page_size(), page_size(), WATCH, (uint64_t)i);
	x_dontneed(addr, NR_WATCHES * page_size());
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
	char *addr = x_pages(1);
	int first = x_open(O_NONBLOCK), second = x_open(O_NONBLOCK);
	struct pinwatch_event event;

	x_add(first, addr, page_size(), WATCH, 1);
	x_add(second, addr, page_size(), WATCH, 2);
	x_dontneed(addr, page_size());
	CHECK_EQ(__read_events(first, &event, 1), 1);
	CHECK_EQ(event.cookie, 1);
	CHECK_EQ(__read_events(second, &event, 1), 1);
	CHECK_EQ(event.cookie, 2);
}

TEST(read_del_forgets)
{
	char *addr = x_pages(1);
	int fd = x_open(O_NONBLOCK);
	struct pinwatch_event event;
	uint32_t id = x_add(fd, addr, page_size(), WATCH, 0).id;

	x_dontneed(addr, page_size());
	CHECK_EQ(__del(fd, id), 0);
	CHECK_EQ(x_poll(fd, 0), 0);
	CHECK_EQ(__read_events(fd, &event, 1), -EAGAIN);
	CHECK_EQ(x_add(fd, addr, page_size(), WATCH, 0).id, id);
	CHECK_EQ(__read_events(fd, &event, 1), -EAGAIN);
}
