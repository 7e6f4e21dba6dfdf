// SPDX-License-Identifier: MIT
/* The requests of the netlink family, and the privileges for each. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>

#include "credentials.h"
#include "device.h"
#include "genl.h"

#define MANY		500	/* watches: more than a datagram holds */

static void check_watch(const struct genl_message *message,
			const struct pinwatch_watch_query *query)
{
	CHECK_EQ(message->cmd, PINWATCH_CMD_WATCH_GET);
	CHECK_EQ(message_u32(message, PINWATCH_A_ID), query->id);
	CHECK_EQ(message_u32(message, PINWATCH_A_PID), getpid());
	CHECK_EQ(message_u32(message, PINWATCH_A_STATE), query->state);
	CHECK_EQ(message_u64(message, PINWATCH_A_ADDR), query->addr);
	CHECK_EQ(message_u64(message, PINWATCH_A_LENGTH), query->length);
	CHECK_EQ(message_u64(message, PINWATCH_A_COOKIE), query->cookie);
	CHECK_EQ(message_u64(message, PINWATCH_A_GENERATION), query->generation);
	CHECK_EQ(message_u64(message, PINWATCH_A_VALID_GENERATION), query->valid_generation);
	CHECK_EQ(message_u64(message, PINWATCH_A_HITS), query->hits);
	CHECK_EQ(message_u64(message, PINWATCH_A_TIME_NS), query->time_ns);
	CHECK_EQ(message_u64(message, PINWATCH_A_CAUSES), query->causes);
	CHECK_EQ(message_u32(message, PINWATCH_A_EVENTS), query->events);
	CHECK_EQ(message_u32(message, PINWATCH_A_WATCH_FLAGS), query->watch_flags);
	CHECK_EQ(message_u32(message, PINWATCH_A_IGNORE_EVENTS), query->ignore_events);
	CHECK_EQ(message_u64(message, PINWATCH_A_NR_PAGES), query->nr_pages);
	CHECK_EQ(message_u64(message, PINWATCH_A_NR_PINNED), query->nr_pinned);
}

/* The result of a dump of watches. */
struct seen {
	int fds[2];
	uint32_t files[2];	/* file numbers of the test's process, in the order of the dump */
	size_t nr[2];
	uint32_t next[2];	/* ids ascend */
};

static void seen_watch(const struct genl_message *message, void *data)
{
	uint32_t id = message_u32(message, PINWATCH_A_ID);
	uint32_t file = message_u32(message, PINWATCH_A_FILE);
	struct pinwatch_watch_query now;
	struct seen *seen = data;
	int i = !!seen->files[0] && seen->files[0] != file;

	if (!seen->files[i])
		seen->files[i] = file;
	CHECK_EQ(seen->files[i], file);
	CHECK(file && id >= seen->next[i]);
	seen->next[i] = id + 1;
	seen->nr[i]++;
	now = query(seen->fds[i], id);
	check_watch(message, &now);
}

static void dump(struct genl *genl, uint32_t file, struct seen *seen)
{
	struct genl_request request;
	struct genl_ack ack;

	request_begin(&request, genl, PINWATCH_CMD_WATCH_GET, NLM_F_DUMP);
	if (file)
		request_u32(&request, PINWATCH_A_FILE, file);
	CHECK_EQ(genl_ask(genl, &request, &ack, seen_watch, seen), 0);
}

/* The number of the only file with watches. */
static uint32_t file_number(struct genl *genl, int fd)
{
	struct seen seen = { .fds = { fd, -1 } };

	dump(genl, 0, &seen);
	CHECK(seen.files[0]);
	return seen.files[0];
}

static void make_watches(int fd)
{
	char *pages = map_pages(8);
	struct pinwatch_watch_add watch = {
		.size = sizeof(watch), .addr = (uintptr_t)pages, .length = 3 * page_size(),
		.flags = PIN_RW | PINWATCH_WATCH_F_ONESHOT, .cookie = ~0ULL >> 1,
		.ignore_events = PINWATCH_EVENT_PROTECT | PINWATCH_EVENT_OTHER,
	};
	uint32_t gap;

	add(fd, pages + 4 * page_size(), page_size(), WATCH, 1);
	gap = add(fd, pages, page_size(), WATCH, 2).id;
	add(fd, pages, 8 * page_size(), PIN, 3);
	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_WATCH_ADD, &watch), 0);
	CHECK_EQ(try_del(fd, gap), 0);
	dontneed(pages + page_size(), 5 * page_size());
}

TEST(netlink_get_equals_query)
{
	int fd = open_device(0);
	struct seen seen = { .fds = { fd, -1 } };
	struct genl_request request;
	struct genl_ack ack;
	struct genl genl;
	uint32_t number;

	genl_open(&genl);
	make_watches(fd);
	number = file_number(&genl, fd);
	request_begin(&request, &genl, PINWATCH_CMD_WATCH_GET, 0);
	request_u32(&request, PINWATCH_A_FILE, number);
	request_u32(&request, PINWATCH_A_ID, 3);
	CHECK_EQ(genl_ask(&genl, &request, &ack, seen_watch, &seen), 0);
	CHECK_EQ(seen.nr[0], 1);
	CHECK_EQ(seen.files[0], number);
	CHECK_EQ(seen.next[0], 4);
}

TEST(netlink_dump_equals_query)
{
	int fds[] = { open_device(0), open_device(0) };
	struct seen seen = { .fds = { fds[0], fds[1] } };
	char *page = map_pages(1);
	struct genl genl;
	size_t i;

	genl_open(&genl);
	dump(&genl, 0, &seen);
	CHECK_EQ(seen.nr[0], 0);
	make_watches(fds[0]);
	for (i = 0; i < MANY; i++)
		add(fds[1], page, page_size(), WATCH, i);
	dump(&genl, 0, &seen);
	CHECK_EQ(seen.nr[0], 3);
	CHECK_EQ(seen.nr[1], MANY);
}

TEST(netlink_dump_of_a_file)
{
	int fds[] = { open_device(0), open_device(0) };
	struct seen seen = { .fds = { fds[0], fds[1] } };
	struct seen one = { .fds = { fds[0], -1 } };
	struct genl genl;

	genl_open(&genl);
	make_watches(fds[0]);
	make_watches(fds[1]);
	dump(&genl, 0, &seen);
	CHECK_EQ(seen.nr[0] + seen.nr[1], 6);
	dump(&genl, seen.files[0], &one);
	CHECK_EQ(one.nr[0], 3);
	CHECK_EQ(one.files[0], seen.files[0]);
}

struct closing {
	int fd;			/* descriptor of the first file, until closed */
	uint32_t first;		/* number of the first file */
	size_t nr[2];
};

static void closing_watch(const struct genl_message *message, void *data)
{
	uint32_t file = message_u32(message, PINWATCH_A_FILE);
	struct closing *closing = data;

	if (!closing->first)
		closing->first = file;
	closing->nr[file != closing->first]++;
	if (closing->fd >= 0)
		CHECK_EQ(close(closing->fd), 0);
	closing->fd = -1;
}

/* A file that is closed during a dump does not hide watches of the next file. */
TEST(netlink_dump_while_closing)
{
	struct closing closing = { .fd = open_device(0) };
	int other = open_device(0);
	struct genl_request request;
	char *page = map_pages(1);
	struct genl_ack ack;
	struct genl genl;

	add_many(closing.fd, page, 4UL * MANY);
	add_many(other, page, 4UL * MANY);
	genl_open(&genl);
	request_begin(&request, &genl, PINWATCH_CMD_WATCH_GET, NLM_F_DUMP);
	CHECK_EQ(genl_ask(&genl, &request, &ack, closing_watch, &closing), 0);
	CHECK(closing.nr[0] > 0 && closing.nr[0] < 4UL * MANY);
	CHECK_EQ(closing.nr[1], 4UL * MANY);
	CHECK_EQ(close(other), 0);
}

/* The watches of a process that exited are dumped as dead. */
static void dead_watch(const struct genl_message *message, void *data)
{
	size_t *nr = data;

	CHECK_EQ(message_u32(message, PINWATCH_A_STATE), PINWATCH_STATE_DEAD);
	CHECK(message_u64(message, PINWATCH_A_CAUSES) & PINWATCH_CAUSE_EXIT);
	CHECK(message_u32(message, PINWATCH_A_EVENTS) & PINWATCH_EVENT_RELEASE);
	CHECK(message_u32(message, PINWATCH_A_PID) != (uint32_t)getpid());
	++*nr;
}

TEST(netlink_dump_of_the_dead)
{
	int fd = open_device(0);
	struct genl_request request;
	struct genl_ack ack;
	struct genl genl;
	size_t nr = 0;
	pid_t pid;

	genl_open(&genl);
	pid = fork_child();
	if (!pid) {
		CHECK_EQ(try_bind(fd), 0);
		add(fd, map_pages(1), page_size(), PIN, 0);
		_exit(0);
	}
	wait_child(pid);
	wait_pinned_pages(0);
	request_begin(&request, &genl, PINWATCH_CMD_WATCH_GET, NLM_F_DUMP);
	CHECK_EQ(genl_ask(&genl, &request, &ack, dead_watch, &nr), 0);
	CHECK_EQ(nr, 1);
}

/* Find the address space of the test's process. */
struct mm {
	uint64_t number;
	uint64_t nr_subscriptions;
	size_t nr;
};

static void seen_mm(const struct genl_message *message, void *data)
{
	struct mm *mm = data;

	CHECK_EQ(message->cmd, PINWATCH_CMD_MM_GET);
	CHECK(message_u64(message, PINWATCH_A_MM));
	message_u32(message, PINWATCH_A_IN_FLIGHT);
	message_u32(message, PINWATCH_A_NR_WALKS);
	message_u32(message, PINWATCH_A_NR_WAITERS);
	CHECK_EQ(message_u32(message, PINWATCH_A_MM_FLAGS), 0);
	if (message_u32(message, PINWATCH_A_PID) != (uint32_t)getpid())
		return;
	mm->number = message_u64(message, PINWATCH_A_MM);
	mm->nr_subscriptions = message_u64(message, PINWATCH_A_NR_SUBSCRIPTIONS);
	mm->nr++;
}

TEST(netlink_mms)
{
	struct mm mm = { 0 }, again = { 0 };
	struct genl_request request;
	struct genl_ack ack;
	struct genl genl;
	int fd = open_device(0);

	genl_open(&genl);
	make_watches(fd);
	request_begin(&request, &genl, PINWATCH_CMD_MM_GET, NLM_F_DUMP);
	CHECK_EQ(genl_ask(&genl, &request, &ack, seen_mm, &mm), 0);
	CHECK_EQ(mm.nr, 1);
	CHECK_EQ(mm.nr_subscriptions, 3);
	request_begin(&request, &genl, PINWATCH_CMD_MM_GET, 0);
	request_u64(&request, PINWATCH_A_MM, mm.number);
	CHECK_EQ(genl_ask(&genl, &request, &ack, seen_mm, &again), 0);
	CHECK_EQ(again.nr, 1);
	CHECK_EQ(again.number, mm.number);
	CHECK_EQ(again.nr_subscriptions, 3);
}

#define NR_CHILDREN	200

/* Children with a watch, of which those with an even index exit during the dump. */
struct exiting {
	pid_t pids[NR_CHILDREN];
	unsigned int nr[NR_CHILDREN];
	bool exit;
};

static pid_t child_with_watch(void)
{
	int told[2];
	char byte = 0;
	pid_t pid;

	CHECK_EQ(pipe(told), 0);
	pid = fork_child();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		add(open_device(0), map_pages(1), page_size(), WATCH, 0);
		CHECK_EQ(write(told[1], &byte, 1), 1);
		for (;;)
			pause();
	}
	CHECK_EQ(read(told[0], &byte, 1), 1);
	close(told[0]);
	close(told[1]);
	return pid;
}

static void exiting_mm(const struct genl_message *message, void *data)
{
	uint32_t pid = message_u32(message, PINWATCH_A_PID);
	struct exiting *exiting = data;
	size_t i;

	for (i = 0; i < NR_CHILDREN; i++)
		exiting->nr[i] += exiting->pids[i] == (pid_t)pid;
	for (i = 0; exiting->exit && i < NR_CHILDREN; i += 2) {
		CHECK_EQ(kill(exiting->pids[i], SIGKILL), 0);
		CHECK_EQ(waitpid(exiting->pids[i], NULL, 0), exiting->pids[i]);
	}
	exiting->exit = false;
}

static void exiting_dump(struct genl *genl, struct exiting *exiting)
{
	struct genl_request request;
	struct genl_ack ack;

	memset(exiting->nr, 0, sizeof(exiting->nr));
	request_begin(&request, genl, PINWATCH_CMD_MM_GET, NLM_F_DUMP);
	CHECK_EQ(genl_ask(genl, &request, &ack, exiting_mm, exiting), 0);
}

/* A dump has each address space that stays, once, and says that others have gone. */
TEST(netlink_mms_while_exiting)
{
	struct exiting exiting = { .exit = false };
	struct genl genl;
	size_t i;

	for (i = 0; i < NR_CHILDREN; i++)
		exiting.pids[i] = child_with_watch();
	genl_socket(&genl);
	genl.receive_size = 4096;	/* many messages for a dump */
	CHECK_EQ(genl_resolve(&genl), 0);

	exiting_dump(&genl, &exiting);
	CHECK(!genl.interrupted);
	for (i = 0; i < NR_CHILDREN; i++)
		CHECK_EQ(exiting.nr[i], 1);

	exiting.exit = true;
	exiting_dump(&genl, &exiting);
	CHECK(genl.interrupted);
	for (i = 1; i < NR_CHILDREN; i += 2) {
		CHECK_EQ(exiting.nr[i], 1);
		CHECK_EQ(kill(exiting.pids[i], SIGKILL), 0);
		CHECK_EQ(waitpid(exiting.pids[i], NULL, 0), exiting.pids[i]);
	}
}

static void seen_stats(const struct genl_message *message, void *data)
{
	const struct pinwatch_stats *stats = data;

	CHECK_EQ(message->cmd, PINWATCH_CMD_STATS_GET);
	CHECK_EQ(message_u64(message, PINWATCH_A_NR_MMS), stats->nr_mms);
	CHECK_EQ(message_u64(message, PINWATCH_A_NR_SUBSCRIPTIONS), stats->nr_subscriptions);
	/* The file for the ioctl is closed again. */
	CHECK_EQ(message_u64(message, PINWATCH_A_NR_FILES), stats->nr_files - 1);
	CHECK_EQ(message_u64(message, PINWATCH_A_NR_WATCHES), stats->nr_watches);
	CHECK_EQ(message_u64(message, PINWATCH_A_PINNED_PAGES), stats->pinned_pages);
	CHECK_EQ(message_u64(message, PINWATCH_A_WALKS), stats->walks);
	CHECK_EQ(message_u64(message, PINWATCH_A_CALLBACKS), stats->callbacks);
	CHECK_EQ(message_u64(message, PINWATCH_A_WAITS), stats->waits);
	CHECK_EQ(message_u64(message, PINWATCH_A_REMOVE_WAITS), stats->remove_waits);
	CHECK_EQ(message_u64(message, PINWATCH_A_OVERFLOWS), stats->overflows);
	CHECK_EQ(message_u64(message, PINWATCH_A_VETOES), stats->vetoes);
	message_u64(message, PINWATCH_A_EVENTS_SENT);
	message_u64(message, PINWATCH_A_EVENTS_LOST);
}

TEST(netlink_stats_equal_the_ioctl)
{
	struct genl_request request;
	struct pinwatch_stats stats;
	struct genl_ack ack;
	int i, fd = open_device(0);
	struct genl genl;

	genl_open(&genl);
	make_watches(fd);
	/* Address spaces of earlier tests are let go of in the background. */
	for (i = 0, stats = get_stats(); i < 5000 && stats.nr_mms > 1; i++, stats = get_stats())
		usleep(1000);
	CHECK_EQ(stats.nr_mms, 1);
	CHECK_EQ(stats.nr_watches, 3);
	request_begin(&request, &genl, PINWATCH_CMD_STATS_GET, 0);
	CHECK_EQ(genl_ask(&genl, &request, &ack, seen_stats, &stats), 0);
}

/* Each request must fail with @expected. */
static void check_requests(struct genl *genl, int expected)
{
	static const struct { uint8_t cmd; uint16_t flags; } requests[] = {
		{ PINWATCH_CMD_WATCH_GET, 0 },
		{ PINWATCH_CMD_WATCH_GET, NLM_F_DUMP },
		{ PINWATCH_CMD_MM_GET, 0 },
		{ PINWATCH_CMD_MM_GET, NLM_F_DUMP },
		{ PINWATCH_CMD_STATS_GET, 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct genl_request request;
		struct genl_ack ack;

		request_begin(&request, genl, requests[i].cmd, requests[i].flags);
		CHECK_EQ(genl_ask(genl, &request, &ack, NULL, NULL), expected);
	}
}

TEST(netlink_unprivileged_eperm)
{
	struct genl genl;

	make_watches(open_device(0));
	credentials_nobody();
	genl_open(&genl);		/* an unprivileged process may resolve the family */
	check_requests(&genl, -EPERM);
	CHECK_EQ(genl_join(&genl, genl.events), -EPERM);
	CHECK_EQ(genl_join(&genl, genl.actors), -EPERM);
}

/* A socket that root opened grants no privilege. */
TEST(netlink_unprivileged_inherits_eperm)
{
	struct genl genl;

	genl_open(&genl);
	credentials_nobody();
	check_requests(&genl, -EPERM);
	CHECK_EQ(genl_join(&genl, genl.events), -EPERM);
	CHECK_EQ(genl_join(&genl, genl.actors), -EPERM);
}

static void keep_capability(int capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	data[capability / 32].effective = 1U << capability % 32;
	data[capability / 32].permitted = 1U << capability % 32;
	CHECK_EQ(syscall(SYS_capset, &header, data), 0);
}

TEST(netlink_net_admin_sees_no_actors)
{
	struct genl_request request;
	struct genl_ack ack;
	struct genl genl;

	keep_capability(CAP_NET_ADMIN);
	genl_open(&genl);
	request_begin(&request, &genl, PINWATCH_CMD_STATS_GET, 0);
	CHECK_EQ(genl_ask(&genl, &request, &ack, NULL, NULL), 0);
	CHECK_EQ(genl_join(&genl, genl.events), 0);
	CHECK_EQ(genl_join(&genl, genl.actors), -EPERM);
}

TEST(netlink_sys_admin_joins_actors)
{
	struct genl genl;

	keep_capability(CAP_SYS_ADMIN);
	genl_open(&genl);
	check_requests(&genl, -EPERM);
	CHECK_EQ(genl_join(&genl, genl.events), -EPERM);
	CHECK_EQ(genl_join(&genl, genl.actors), 0);
}

/* The family does not exist in another network namespace. */
TEST(netlink_other_namespaces_enoent)
{
	struct genl genl, inside;

	genl_open(&genl);
	CHECK_EQ(unshare(CLONE_NEWUSER | CLONE_NEWNET), 0);
	check_requests(&genl, -EPERM);
	CHECK_EQ(genl_join(&genl, genl.events), -EPERM);
	genl_socket(&inside);
	CHECK_EQ(genl_resolve(&inside), -ENOENT);
	inside.family = genl.family;
	check_requests(&inside, -ENOENT);
}
