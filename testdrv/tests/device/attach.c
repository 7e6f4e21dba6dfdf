// SPDX-License-Identifier: MIT
/* ATTACH: watching another process. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "credentials.h"
#include "device.h"

#define NR	4UL

/* A process that discards a page of its range at each turn. */
struct target {
	pid_t pid;
	int channel;
	char *addr;
};

static void target_main(int channel, char *addr) __attribute__((noreturn));
static void target_main(int channel, char *addr)
{
	while (!channel_receive(channel, NULL)) {
		dontneed(addr + page_size(), page_size());
		CHECK_EQ(channel_send(channel, -1), 0);
	}
	_exit(0);
}

static struct target target_start(void)
{
	struct target target = { .addr = map_pages(NR) };

	target.pid = fork_peer(&target.channel);
	if (!target.pid)
		target_main(target.channel, target.addr);
	return target;
}

static void target_turn(struct target *target)
{
	CHECK_EQ(channel_send(target->channel, -1), 0);
	CHECK_EQ(channel_receive(target->channel, NULL), 0);
}

static void target_end(struct target *target)
{
	close(target->channel);
	wait_child(target->pid);
}

TEST(attach_watch)
{
	struct target target = target_start();
	int fd = open_device(O_NONBLOCK);
	const struct pinwatch_gen *words = map_generations(fd);
	struct pinwatch_watch_add watch;
	struct pinwatch_event event;

	CHECK_EQ(try_attach(fd, target.pid), 0);
	watch = add(fd, target.addr, NR * page_size(), WATCH, 9);
	/* An invalidation of the same addresses in the test's process is no hit. */
	dontneed(target.addr, NR * page_size());
	CHECK_EQ(generation(&words[watch.id]), watch.generation);
	target_turn(&target);
	CHECK(generation(&words[watch.id]) > watch.generation);
	event = read_event(fd);
	CHECK_EQ(event.cookie, 9);
	CHECK_EQ(event.tid, target.pid);
	CHECK_EQ(event.causes, PINWATCH_CAUSE_MADVISE);
	CHECK_EQ(event.touched, 2);
	CHECK(repin(fd, watch.id) > event.generation);
	target_end(&target);
	CHECK_EQ(read_event(fd).events, PINWATCH_EVENT_RELEASE);
	CHECK_EQ(query(fd, watch.id).state, PINWATCH_STATE_DEAD);
	CHECK_EQ(try_del(fd, watch.id), 0);
}

TEST(attach_verify)
{
	struct target target = target_start();
	struct pinwatch_watch_verify verify;
	uint8_t verdicts[NR];
	int fd = open_device(0);

	CHECK_EQ(try_attach(fd, target.pid), 0);
	add(fd, target.addr, NR * page_size(), WATCH, 0);
	CHECK_EQ(try_verify(fd, 0, verdicts, &verify), 0);
	CHECK_EQ(verify.verdict, PINWATCH_VERDICT_SAME);
	target_turn(&target);
	CHECK_EQ(try_verify(fd, 0, verdicts, &verify), 0);
	CHECK_EQ(verdicts[1], PINWATCH_VERDICT_NOT_PRESENT);
	CHECK_EQ(verdicts[2], PINWATCH_VERDICT_UNKNOWN);
	target_end(&target);
}

/* The stack of PID 1, at the end of the address space. */
static void stack_of_init(uint64_t *start, uint64_t *end)
{
	FILE *file = fopen("/proc/1/maps", "re");
	char line[512];
	bool found = false;

	CHECK(file);
	while (!found && fgets(line, sizeof(line), file))
		found = strstr(line, "[stack]") &&
			sscanf(line, "%" SCNx64 "-%" SCNx64, start, end) == 2;
	fclose(file);
	CHECK(found);
}

/* PID 1 is a 64-bit program, also for a 32-bit test. */
TEST(attach_watch_high)
{
	struct pinwatch_watch_add watch = { .size = sizeof(watch) };
	uint64_t start, end;
	int fd = open_device(0);

	CHECK_EQ(try_attach(fd, 1), 0);
	stack_of_init(&start, &end);
	CHECK(start > UINT32_MAX);
	watch.addr = start;
	watch.length = end - start;
	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_WATCH_ADD, &watch), 0);
	CHECK_EQ(watch.nr_pages, (end - start) / page_size());
	/* The end of the address space. */
	watch.addr = (1ULL << 63) - page_size();
	watch.length = page_size();
	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_WATCH_ADD, &watch), -EOVERFLOW);
	CHECK_EQ(close(fd), 0);
}

static void second_thread_run(void *data)
{
	struct target *target = data;

	target_main(target->channel, target->addr);
}

/* A process whose first thread has exited before the first turn. */
static struct target target_start_without_first_thread(void)
{
	static struct target target;

	target.addr = map_pages(NR);
	target.pid = fork_peer(&target.channel);
	if (!target.pid)
		first_thread_exit(second_thread_run, &target);
	target_turn(&target);
	return target;
}

TEST(attach_first_thread_exited)
{
	struct target target = target_start_without_first_thread();
	int fd = open_device(O_NONBLOCK), late = open_device(0);
	const struct pinwatch_gen *words = map_generations(fd);
	struct pinwatch_watch_add watch;
	struct pinwatch_event event;

	CHECK_EQ(try_attach(fd, target.pid), 0);
	watch = add(fd, target.addr, NR * page_size(), WATCH, 0);
	target_turn(&target);
	CHECK(generation(&words[watch.id]) > watch.generation);
	event = read_event(fd);
	CHECK_EQ(event.tgid, target.pid);
	CHECK(event.tid != target.pid);
	/* All threads have exited, and no process has waited for the process. */
	close(target.channel);
	CHECK_EQ(waitid(P_PID, (id_t)target.pid, NULL, WEXITED | WNOWAIT), 0);
	CHECK_EQ(try_attach(late, target.pid), -ESRCH);
	wait_child(target.pid);
}

TEST(add_eopnotsupp_attached)
{
	struct target target = target_start();
	struct pinwatch_watch_add watch;
	int fd = open_device(0);

	CHECK_EQ(try_attach(fd, target.pid), 0);
	CHECK_EQ(try_add(fd, target.addr, page_size(), PIN, 0, &watch), -EOPNOTSUPP);
	CHECK_EQ(try_add(fd, target.addr, page_size(), PIN_RW, 0, &watch), -EOPNOTSUPP);
	CHECK_EQ(try_add(fd, target.addr, page_size(), WATCH, 0, &watch), 0);
	target_end(&target);
}

TEST(attach_ebusy)
{
	struct target target = target_start();
	int fd = open_device(0), other = open_device(0);

	CHECK_EQ(try_attach(fd, target.pid), 0);
	CHECK_EQ(try_attach(fd, target.pid), -EBUSY);
	add(other, map_pages(1), page_size(), WATCH, 0);
	CHECK_EQ(try_attach(other, target.pid), -EBUSY);
	target_end(&target);
}

TEST(attach_esrch)
{
	struct target target = target_start();
	struct pinwatch_watch_add watch;
	int fd = open_device(0);

	target_end(&target);
	CHECK_EQ(try_attach(fd, target.pid), -ESRCH);
	/* A kernel thread has no address space. */
	CHECK_EQ(try_attach(fd, 2), -ESRCH);
	/* Attached in time, and gone since. */
	target = target_start();
	CHECK_EQ(try_attach(fd, target.pid), 0);
	target_end(&target);
	CHECK_EQ(try_add(fd, target.addr, page_size(), WATCH, 0, &watch), -ESRCH);
	CHECK_EQ(get_info(fd).nr_watches, 0);
}

TEST(attach_einval)
{
	int fd = open_device(0);

	CHECK_EQ(try_attach(fd, 0), -EINVAL);
	CHECK_EQ(try_attach(fd, -1), -EINVAL);
	CHECK_EQ(try_attach(fd, getpid()), 0);
}

TEST(attach_eperm)
{
	struct target target = target_start();
	int fd = open_device(0);

	credentials_nobody();
	CHECK_EQ(try_attach(fd, target.pid), -EPERM);
	CHECK_EQ(try_attach(fd, getpid()), -EPERM);
	add(fd, target.addr, page_size(), WATCH, 0);
	close(target.channel);
	wait_child(target.pid);
}

#define NR_KILLS	100

/* Kill the target between two calls of WATCH_ADD, after another number of calls each time. */
TEST(attach_kill)
{
	int i;

	for (i = 0; i < NR_KILLS; i++) {
		struct target target = target_start();
		int k, ret = 0, fd = open_device(0);

		CHECK_EQ(try_attach(fd, target.pid), 0);
		for (k = 0; !ret; k++) {
			struct pinwatch_watch_add watch;

			if (k == i)
				CHECK_EQ(kill(target.pid, SIGKILL), 0);
			ret = try_add(fd, target.addr, page_size(), WATCH, 0, &watch);
			/* max_watches_per_page: the target may die late. */
			if (!ret && k > i)
				CHECK_EQ(try_del(fd, watch.id), 0);
		}
		CHECK_EQ(ret, -ESRCH);
		CHECK_EQ(waitpid(target.pid, NULL, 0), target.pid);
		close(target.channel);
		close(fd);
	}
}
