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
#include "device.h"

#define NOBODY	65534
#define NR	4UL

/* A process with a range, that takes the range's pages away at each turn. */
struct target {
	pid_t pid;
	int channel;
	char *addr;
};

static void target_main(int channel, char *addr) __attribute__((noreturn));
static void target_main(int channel, char *addr)
{
	while (!channel_receive(channel, NULL)) {
		x_dontneed(addr + page_size(), page_size());
		CHECK_EQ(channel_send(channel, -1), 0);
	}
	_exit(0);
}

static struct target target_start(void)
{
	struct target target = { .addr = x_pages(NR) };
	int ends[2];

	CHECK_EQ(channel_open(ends), 0);
	target.pid = x_fork();
	if (!target.pid) {
		close(ends[0]);
		target_main(ends[1], target.addr);
	}
	close(ends[1]);
	target.channel = ends[0];
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
	x_wait(target->pid);
}

TEST(attach_watch)
{
	struct target target = target_start();
	int fd = x_open(O_NONBLOCK);
	const struct pinwatch_gen *words = x_map(fd);
	struct pinwatch_watch_add add;
	struct pinwatch_event event;

	CHECK_EQ(__attach(fd, target.pid), 0);
	add = x_add(fd, target.addr, NR * page_size(), WATCH, 9);
	/* What this process does with the same addresses is nothing to it. */
	x_dontneed(target.addr, NR * page_size());
	CHECK_EQ(generation(&words[add.id]), add.generation);
	target_turn(&target);
	CHECK(generation(&words[add.id]) > add.generation);
	event = x_read_event(fd);
	CHECK_EQ(event.cookie, 9);
	CHECK_EQ(event.tid, target.pid);
	CHECK_EQ(event.causes, PINWATCH_CAUSE_MADVISE);
	CHECK_EQ(event.touched, 2);
	CHECK(x_repin(fd, add.id) > event.generation);
	target_end(&target);
	CHECK_EQ(x_read_event(fd).events, PINWATCH_EVENT_RELEASE);
	CHECK_EQ(x_query(fd, add.id).state, PINWATCH_STATE_DEAD);
	CHECK_EQ(__del(fd, add.id), 0);
}

TEST(attach_verify)
{
	struct target target = target_start();
	struct pinwatch_watch_verify verify;
	uint8_t verdicts[NR];
	int fd = x_open(0);

	CHECK_EQ(__attach(fd, target.pid), 0);
	x_add(fd, target.addr, NR * page_size(), WATCH, 0);
	CHECK_EQ(__verify(fd, 0, verdicts, &verify), 0);
	CHECK_EQ(verify.verdict, PINWATCH_VERDICT_SAME);
	target_turn(&target);
	CHECK_EQ(__verify(fd, 0, verdicts, &verify), 0);
	CHECK_EQ(verdicts[1], PINWATCH_VERDICT_NOT_PRESENT);
	CHECK_EQ(verdicts[2], PINWATCH_VERDICT_UNKNOWN);
	target_end(&target);
}

/* The range of the first process's stack, which lies at the end of its memory. */
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

/* It is a 64-bit program, whatever this one is. */
TEST(attach_watch_high)
{
	struct pinwatch_watch_add add = { .size = sizeof(add) };
	uint64_t start, end;
	int fd = x_open(0);

	CHECK_EQ(__attach(fd, 1), 0);
	stack_of_init(&start, &end);
	CHECK(start > UINT32_MAX);
	add.addr = start;
	add.length = end - start;
	CHECK_EQ(__device_ioctl(fd, PINWATCH_IOC_WATCH_ADD, &add), 0);
	CHECK_EQ(add.nr_pages, (end - start) / page_size());
	/* And there its end is. */
	add.addr = (1ULL << 63) - page_size();
	add.length = page_size();
	CHECK_EQ(__device_ioctl(fd, PINWATCH_IOC_WATCH_ADD, &add), -EOVERFLOW);
	CHECK_EQ(close(fd), 0);
}

TEST(add_eopnotsupp_attached)
{
	struct target target = target_start();
	struct pinwatch_watch_add add;
	int fd = x_open(0);

	CHECK_EQ(__attach(fd, target.pid), 0);
	CHECK_EQ(__add(fd, target.addr, page_size(), PIN, 0, &add), -EOPNOTSUPP);
	CHECK_EQ(__add(fd, target.addr, page_size(), PIN_RW, 0, &add), -EOPNOTSUPP);
	CHECK_EQ(__add(fd, target.addr, page_size(), WATCH, 0, &add), 0);
	target_end(&target);
}

TEST(attach_ebusy)
{
	struct target target = target_start();
	int fd = x_open(0), other = x_open(0);

	CHECK_EQ(__attach(fd, target.pid), 0);
	CHECK_EQ(__attach(fd, target.pid), -EBUSY);
	x_add(other, x_pages(1), page_size(), WATCH, 0);
	CHECK_EQ(__attach(other, target.pid), -EBUSY);
	target_end(&target);
}

TEST(attach_esrch)
{
	struct target target = target_start();
	struct pinwatch_watch_add add;
	int fd = x_open(0);

	target_end(&target);
	CHECK_EQ(__attach(fd, target.pid), -ESRCH);
	/* The kernel's own threads have none. */
	CHECK_EQ(__attach(fd, 2), -ESRCH);
	/* Attached in time, and gone since. */
	target = target_start();
	CHECK_EQ(__attach(fd, target.pid), 0);
	target_end(&target);
	CHECK_EQ(__add(fd, target.addr, page_size(), WATCH, 0, &add), -ESRCH);
	CHECK_EQ(x_info(fd).nr_watches, 0);
}

TEST(attach_einval)
{
	int fd = x_open(0);

	CHECK_EQ(__attach(fd, 0), -EINVAL);
	CHECK_EQ(__attach(fd, -1), -EINVAL);
	CHECK_EQ(__attach(fd, getpid()), 0);
}

TEST(attach_eperm)
{
	struct target target = target_start();
	int fd = x_open(0);

	CHECK_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
	CHECK_EQ(__attach(fd, target.pid), -EPERM);
	CHECK_EQ(__attach(fd, getpid()), -EPERM);
	x_add(fd, target.addr, page_size(), WATCH, 0);
	close(target.channel);
	x_wait(target.pid);
}

#define NR_KILLS	100

/* The target dies while it is being watched. */
TEST(attach_kill)
{
	int i;

	for (i = 0; i < NR_KILLS; i++) {
		struct target target = target_start();
		int k, ret = 0, fd = x_open(0);

		CHECK_EQ(__attach(fd, target.pid), 0);
		for (k = 0; !ret; k++) {
			struct pinwatch_watch_add add;

			if (k == i)
				CHECK_EQ(kill(target.pid, SIGKILL), 0);
			ret = __add(fd, target.addr, page_size(), WATCH, 0, &add);
		}
		CHECK_EQ(ret, -ESRCH);
		CHECK_EQ(waitpid(target.pid, NULL, 0), target.pid);
		close(target.channel);
		close(fd);
	}
}
