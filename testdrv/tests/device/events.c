// SPDX-License-Identifier: MIT
/* Events over netlink: attributes, lost events, and rmmod. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "credentials.h"
#include "device.h"
#include "genl.h"

#define MODULE		"/lib/pinwatch/pinwatch.ko"
#define FLOOD		20000	/* watches on one page */
#define LARGE_BUFFER	(256 << 20)
#define SMALL_BUFFER	4096
#define QUIET_HITS	200
#define MS		(NS_PER_S / 1000)

#ifndef SO_RCVBUFFORCE
#define SO_RCVBUFFORCE	33
#endif

static void join_group(struct genl *genl, bool actors)
{
	genl_open(genl);
	CHECK_EQ(genl_join(genl, actors ? genl->actors : genl->events), 0);
}

static void next_event(struct genl *genl, struct genl_message *message)
{
	CHECK_EQ(genl_event(genl, message), 0);
	CHECK_EQ(message->cmd, PINWATCH_CMD_EVENT);
}

/* No event is pending: the next event is of a new watch. */
static void check_no_more(struct genl *genl, int fd, uint64_t seq)
{
	char *addr = map_pages(1);
	struct genl_message message;

	add(fd, addr, page_size(), WATCH, 0);
	dontneed(addr, page_size());
	next_event(genl, &message);
	CHECK_EQ(message_u64(&message, PINWATCH_A_SEQ), seq + 1);
}

static bool is_of(const struct genl_message *message, pid_t pid)
{
	return message->at[PINWATCH_A_PID] && message_u32(message, PINWATCH_A_PID) == (uint32_t)pid;
}

static void check_event(const struct genl_message *message, const char *addr, size_t length,
			uint32_t id)
{
	CHECK(message_u32(message, PINWATCH_A_FILE));
	CHECK_EQ(message_u32(message, PINWATCH_A_ID), id);
	CHECK_EQ(message_u32(message, PINWATCH_A_PID), getpid());
	CHECK_EQ(message_u64(message, PINWATCH_A_ADDR), (uintptr_t)addr);
	CHECK_EQ(message_u64(message, PINWATCH_A_LENGTH), length);
	CHECK(message_u64(message, PINWATCH_A_TIME_NS));
	CHECK(!message->at[PINWATCH_A_LOST]);
}

TEST(events_attributes)
{
	char *pages = map_pages(8);
	struct pinwatch_watch_query now;
	struct genl_message message;
	struct genl genl;
	int fd = open_device(0);
	uint64_t seq;
	uint32_t id;

	join_group(&genl, false);
	add(fd, pages + 7 * page_size(), page_size(), WATCH, 0);
	id = add(fd, pages, 6 * page_size(), WATCH, 0).id;
	dontneed(pages + 2 * page_size(), 5 * page_size());
	next_event(&genl, &message);
	now = query(fd, id);
	check_event(&message, pages + 2 * page_size(), 4 * page_size(), id);
	CHECK_EQ(message_u64(&message, PINWATCH_A_GENERATION), now.generation);
	CHECK_EQ(message_u64(&message, PINWATCH_A_TIME_NS), now.time_ns);
	CHECK_EQ(message_u32(&message, PINWATCH_A_EVENTS), PINWATCH_EVENT_CLEAR);
	CHECK_EQ(message_u64(&message, PINWATCH_A_CAUSES), PINWATCH_CAUSE_MADVISE);
	CHECK_EQ(message_u32(&message, PINWATCH_A_FLAGS), 0);
	CHECK(!message.at[PINWATCH_A_TID] && !message.at[PINWATCH_A_TGID] &&
	      !message.at[PINWATCH_A_COMM]);
	seq = message_u64(&message, PINWATCH_A_SEQ);
	check_no_more(&genl, fd, seq);
}

TEST(events_actor_is_this_thread)
{
	struct genl_message message;
	char *pages = map_pages(1);
	struct genl genl;
	int fd = open_device(0);
	uint32_t id;

	join_group(&genl, true);
	id = add(fd, pages, page_size(), PIN_RW, 0).id;
	dontneed(pages, page_size());
	next_event(&genl, &message);
	check_event(&message, pages, page_size(), id);
	CHECK_EQ(message_u32(&message, PINWATCH_A_FLAGS), PINWATCH_EVENT_F_ACTOR);
	CHECK_EQ(message_u32(&message, PINWATCH_A_TID), syscall(SYS_gettid));
	CHECK_EQ(message_u32(&message, PINWATCH_A_TGID), getpid());
	CHECK(!strcmp(message_string(&message, PINWATCH_A_COMM), "device_events"));
}

static int file_make(size_t nr_pages)
{
	int fd = (int)syscall(SYS_memfd_create, "events", 0);

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, (off_t)(nr_pages * page_size())), 0);
	return fd;
}

/* Another process changes a shared mapping. */
TEST(events_actor_is_another_process)
{
	int fd = open_device(0), file = file_make(2);
	struct genl_message message;
	struct genl genl;
	char *pages;
	uint32_t id;
	pid_t pid;

	join_group(&genl, true);
	pages = mmap(NULL, 2 * page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(pages != MAP_FAILED);
	memset(pages, 'p', 2 * page_size());
	id = add(fd, pages, 2 * page_size(), WATCH, 0).id;
	pid = fork_child();
	if (!pid)
		_exit(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
				(off_t)page_size()));
	wait_child(pid);
	do {
		next_event(&genl, &message);	/* fork() may be told, too */
	} while (message_u64(&message, PINWATCH_A_CAUSES) & PINWATCH_CAUSE_FORK);
	check_event(&message, pages, page_size(), id);
	CHECK_EQ(message_u64(&message, PINWATCH_A_CAUSES), PINWATCH_CAUSE_TRUNCATE);
	CHECK_EQ(message_u32(&message, PINWATCH_A_TGID), pid);
	CHECK_EQ(message_u32(&message, PINWATCH_A_TID), pid);
}

/* Events that ignore_events hides from read() are sent over netlink. */
TEST(events_ignored_ones_are_sent)
{
	char *pages = map_pages(1);
	struct pinwatch_watch_add watch = {
		.size = sizeof(watch), .addr = (uintptr_t)pages, .length = page_size(),
		.ignore_events = PINWATCH_EVENT_ALL & ~PINWATCH_EVENT_RELEASE,
	};
	struct pinwatch_event event;
	struct genl_message message;
	int fd = open_device(O_NONBLOCK);
	struct genl genl;

	join_group(&genl, false);
	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_WATCH_ADD, &watch), 0);
	dontneed(pages, page_size());
	next_event(&genl, &message);
	check_event(&message, pages, page_size(), watch.id);
	CHECK_EQ(try_read_events(fd, &event, 1), -EAGAIN);
}

/* The exit of a process sends the last event of its watch. */
TEST(events_exit_is_told)
{
	struct genl_message message;
	int fd = open_device(0);
	struct genl genl;
	pid_t pid;

	join_group(&genl, true);
	pid = fork_child();
	if (!pid) {
		CHECK_EQ(try_bind(fd), 0);
		add(fd, map_pages(1), page_size(), WATCH, 0);
		_exit(0);
	}
	wait_child(pid);
	next_event(&genl, &message);
	CHECK_EQ(message_u32(&message, PINWATCH_A_PID), pid);
	CHECK_EQ(message_u32(&message, PINWATCH_A_TGID), pid);
	CHECK_EQ(message_u32(&message, PINWATCH_A_EVENTS), PINWATCH_EVENT_RELEASE);
	CHECK_EQ(message_u64(&message, PINWATCH_A_CAUSES), PINWATCH_CAUSE_EXIT);
}

/* Add FLOOD watches on one page. */
static char *flood_prepare(int fd)
{
	char *page = map_pages(1);

	add_many(fd, page, FLOOD);
	return page;
}

struct counts {
	uint64_t sent;
	uint64_t lost;
};

static void seen_counts(const struct genl_message *message, void *data)
{
	struct counts *counts = data;

	counts->sent = message_u64(message, PINWATCH_A_EVENTS_SENT);
	counts->lost = message_u64(message, PINWATCH_A_EVENTS_LOST);
}

/* Read the counters through a new socket. */
static struct counts get_counts(void)
{
	struct genl_request request;
	struct counts counts;
	struct genl_ack ack;
	struct genl genl;

	genl_open(&genl);
	request_begin(&request, &genl, PINWATCH_CMD_STATS_GET, 0);
	CHECK_EQ(genl_ask(&genl, &request, &ack, seen_counts, &counts), 0);
	genl_close(&genl);
	return counts;
}

/*
 * More events than the buffer of the module holds: each event is either received, or counted
 * as lost in a later message.
 */
TEST(events_lost_are_counted)
{
	uint64_t received = 0, lost = 0, seq = 0, now, before;
	int fd = open_device(0), size = LARGE_BUFFER, i;
	struct genl_message message;
	struct counts counts;
	struct genl genl;
	char *page;

	join_group(&genl, false);
	CHECK_EQ(setsockopt(genl.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)), 0);
	page = flood_prepare(fd);
	counts = get_counts();
	dontneed(page, page_size());
	while (received + lost < FLOOD) {
		next_event(&genl, &message);
		now = message_u64(&message, PINWATCH_A_SEQ);
		before = message.at[PINWATCH_A_LOST] ?
			 message_u64(&message, PINWATCH_A_LOST) : 0;
		received += !!message.at[PINWATCH_A_FILE];
		lost += before;
		if (seq)
			CHECK_EQ(now, seq + before + !!message.at[PINWATCH_A_FILE]);
		seq = now;
	}
	test_note("%llu received, %llu lost", (unsigned long long)received,
		  (unsigned long long)lost);
	CHECK_EQ(received + lost, FLOOD);
	CHECK(lost && received);
	CHECK_EQ(get_counts().lost - counts.lost, lost);
	/* The module counts an event after the event was sent. */
	for (i = 0; i < 5000 && get_counts().sent - counts.sent < received; i++)
		usleep(1000);
	CHECK_EQ(get_counts().sent - counts.sent, received);
	check_no_more(&genl, fd, seq);
}

/* Hit 1,000 watches at once, again and again. */
static void hit_for_ever(void)
{
	char *page = map_pages(1);
	int fd, i;

	credentials_nobody();
	fd = open_device(0);
	for (i = 0; i < 1000; i++)
		add(fd, page, page_size(), WATCH, 0);
	for (;;)
		dontneed(page, page_size());
}

/* A user with many hits takes no more than half of the ring. */
TEST(events_of_two_users)
{
	int fd = open_device(0), size = LARGE_BUFFER, i, quiet = 0;
	char *page = map_pages(1);
	struct genl_message message;
	struct counts counts;
	struct genl genl;
	uint64_t end;
	pid_t pid;

	join_group(&genl, false);
	CHECK_EQ(setsockopt(genl.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)), 0);
	add(fd, page, page_size(), WATCH, 0);
	credentials_device_mode(0666);
	pid = fork_child();
	if (!pid)
		hit_for_ever();
	next_event(&genl, &message);
	counts = get_counts();
	for (i = 0; i < QUIET_HITS; i++) {
		dontneed(page, page_size());
		for (end = now_ns() + 10 * MS; now_ns() < end;)
			if (!genl_event(&genl, &message) && is_of(&message, getpid()))
				quiet++;
	}
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	for (end = now_ns() + 60 * NS_PER_S; quiet < QUIET_HITS && now_ns() < end;) {
		if (genl_event(&genl, &message))
			break;
		quiet += is_of(&message, getpid());
	}
	test_note("%d of %d events of the quiet user; %llu of the other user were lost", quiet,
		  QUIET_HITS, (unsigned long long)(get_counts().lost - counts.lost));
	CHECK(get_counts().lost > counts.lost);
	CHECK(quiet >= QUIET_HITS - 1);
}

/* A full socket buffer: recv() returns ENOBUFS, and the sequence numbers have a gap. */
TEST(events_full_socket_enobufs)
{
	int fd = open_device(0), size = SMALL_BUFFER, i, err;
	char *page = map_pages(1);
	struct genl_message message;
	uint64_t first, last;
	struct counts counts;
	struct genl genl;

	join_group(&genl, false);
	CHECK_EQ(setsockopt(genl.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	add(fd, page, page_size(), WATCH, 0);
	counts = get_counts();
	dontneed(page, page_size());
	next_event(&genl, &message);
	first = message_u64(&message, PINWATCH_A_SEQ);
	for (i = 0; i < 100; i++)
		dontneed(page, page_size());
	/* Wait until all events are sent and counted. */
	for (i = 0; i < 5000 && get_counts().sent < counts.sent + 101; i++)
		usleep(1000);
	CHECK_EQ(get_counts().sent, counts.sent + 101);
	CHECK_EQ(get_counts().lost, counts.lost);
	/* Empty the socket buffer, so that the next event fits and shows the gap. */
	CHECK_EQ(fcntl(genl.fd, F_SETFL, O_NONBLOCK), 0);
	CHECK_EQ(genl_event(&genl, &message), -ENOBUFS);
	while ((err = genl_event(&genl, &message)) != -EAGAIN) {
		CHECK(!err || err == -ENOBUFS);
		if (!err)
			CHECK_EQ(message_u64(&message, PINWATCH_A_SEQ), ++first);
	}
	CHECK_EQ(fcntl(genl.fd, F_SETFL, 0), 0);
	dontneed(page, page_size());
	next_event(&genl, &message);
	last = message_u64(&message, PINWATCH_A_SEQ);
	CHECK(last > first + 1);
	CHECK(!message.at[PINWATCH_A_LOST]);
	test_note("events %llu to %llu did not fit", (unsigned long long)first + 1,
		  (unsigned long long)last - 1);
}

static int module_open(void)
{
	int file = open(MODULE, O_RDONLY | O_CLOEXEC);

	if (file < 0)
		SKIP("%s is not there to load it again", MODULE);
	return file;
}

/* Unload the module with a listener and with pending events, and load the module again. */
TEST(events_unload_under_a_listener)
{
	int fd, file = module_open(), err, i;
	struct genl_message message;
	struct genl genl, fresh;
	uint16_t family;
	char *page;

	join_group(&genl, true);
	CHECK_EQ(genl_join(&genl, genl.events), 0);
	family = genl.family;
	fd = open_device(0);
	page = flood_prepare(fd);
	dontneed(page, page_size());
	close(fd);
	CHECK_EQ(syscall(SYS_delete_module, "pinwatch", O_NONBLOCK), 0);
	genl_socket(&fresh);
	CHECK_EQ(genl_resolve(&fresh), -ENOENT);
	/* Events from before the unload can be read, then no more. */
	for (i = 0; !(err = recv(genl.fd, &message, sizeof(message), MSG_DONTWAIT) < 0 ?
			    -errno : 0) || err == -ENOBUFS; i++)
		;
	CHECK_EQ(err, -EAGAIN);
	CHECK(i > 0);
	CHECK_EQ(syscall(SYS_finit_module, file, "", 0), 0);
	CHECK_EQ(genl_resolve(&fresh), 0);
	test_note("%d datagrams; family %u, then %u", i, family, fresh.family);
}

/* An unfinished dump holds a reference on the module. */
TEST(events_unload_refused_in_a_dump)
{
	struct genl_request request;
	int fd = open_device(0);
	struct genl genl;

	module_open();
	genl_open(&genl);
	add_many(fd, map_pages(1), 2000);
	request_begin(&request, &genl, PINWATCH_CMD_WATCH_GET, NLM_F_DUMP);
	CHECK_EQ(send(genl.fd, &request, request.header.nlmsg_len, 0),
		 request.header.nlmsg_len);
	close(fd);
	CHECK_EQ(syscall(SYS_delete_module, "pinwatch", O_NONBLOCK) ? -errno : 0, -EAGAIN);
	genl_close(&genl);
}
