// SPDX-License-Identifier: MIT
/* libpinwatch with the real module: each function and its ioctl. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "libpinwatch.h"

#define NR	4UL

static struct pinwatch *library_open(void)
{
	struct pinwatch *dev;

	CHECK_EQ(pinwatch_open(&dev, NULL, PINWATCH_OPEN_NONBLOCK), 0);
	return dev;
}

static struct pinwatch_watch library_add(struct pinwatch *dev, const char *addr, uint32_t flags,
					 uint32_t ignore_events)
{
	const struct pinwatch_watch_attr attr = {
		.size = sizeof(attr), .flags = flags, .addr = (uintptr_t)addr,
		.length = NR * page_size(), .cookie = 7, .ignore_events = ignore_events,
	};
	struct pinwatch_watch watch;

	CHECK_EQ(pinwatch_watch_add_attr(dev, &attr, &watch), 0);
	CHECK_EQ(watch.nr_pages, NR);
	CHECK(pinwatch_valid(&watch));
	return watch;
}

TEST(library_events)
{
	struct pinwatch *dev = library_open();
	struct pinwatch_watch watch, deaf;
	struct pinwatch_event events[4];
	char *addr = map_pages(NR);

	watch = library_add(dev, addr, WATCH, 0);
	deaf = library_add(dev, addr, WATCH, PINWATCH_EVENT_ALL & ~PINWATCH_EVENT_RELEASE);
	dontneed(addr + page_size(), page_size());
	CHECK(!pinwatch_valid(&watch) && !pinwatch_valid(&deaf));
	CHECK_EQ(pinwatch_read_events(dev, events, 4), 1);
	CHECK_EQ(events[0].id, watch.id);
	CHECK_EQ(events[0].cookie, 7);
	CHECK_EQ(events[0].causes, PINWATCH_CAUSE_MADVISE);
	CHECK_EQ(events[0].touched_shift, watch.touched_shift);
	CHECK_EQ(events[0].touched, 2);
	CHECK_EQ(pinwatch_read_events(dev, events, 4), -EAGAIN);
	pinwatch_close(dev);
}

TEST(library_repin)
{
	struct pinwatch *dev = library_open();
	char *addr = map_pages(NR);
	struct pinwatch_watch watch = library_add(dev, addr, PIN_RW, 0);
	struct pinwatch_watch_verify result;

	dontneed(addr, NR * page_size());
	memset(addr, 'n', NR * page_size());
	CHECK_EQ(pinwatch_watch_verify(dev, watch.id, 0, 0, NULL, &result), 0);
	CHECK_EQ(result.verdict, PINWATCH_VERDICT_MOVED);
	CHECK_EQ(pinwatch_watch_repin(dev, &watch), 0);
	CHECK(pinwatch_valid(&watch));
	CHECK_EQ(pinwatch_watch_verify(dev, watch.id, 0, 0, NULL, &result), 0);
	CHECK_EQ(result.verdict, PINWATCH_VERDICT_SAME);
	CHECK_EQ(result.nr[PINWATCH_VERDICT_SAME], NR);
	CHECK_EQ(pinwatch_watch_del(dev, &watch), 0);
	CHECK_EQ(pinwatch_watch_repin(dev, &watch), -ENOENT);
	pinwatch_close(dev);
}

TEST(library_verify_pages)
{
	struct pinwatch *dev = library_open();
	uint8_t verdicts[3] = { 99, 99, 99 };
	struct pinwatch_watch_verify result;
	char *addr = map_pages(NR);
	struct pinwatch_watch watch = library_add(dev, addr, PIN_RW, 0);

	dontneed(addr + 2 * page_size(), page_size());
	CHECK_EQ(pinwatch_watch_verify(dev, watch.id, 1, 2, verdicts, &result), 0);
	CHECK_EQ(verdicts[0], PINWATCH_VERDICT_SAME);
	CHECK_EQ(verdicts[1], PINWATCH_VERDICT_NOT_PRESENT);
	CHECK_EQ(verdicts[2], 99);
	CHECK_EQ(result.verdict, PINWATCH_VERDICT_NOT_PRESENT);
	CHECK_EQ(result.nr_pages, 2);
	pinwatch_close(dev);
}

TEST(library_query)
{
	struct pinwatch *dev = library_open();
	struct pinwatch_watch_query figures;
	char *addr = map_pages(NR);
	struct pinwatch_watch first = library_add(dev, addr, PIN, 0);
	struct pinwatch_watch second = library_add(dev, addr, WATCH, 0);
	uint32_t next = 0;

	dontneed(addr, page_size());
	CHECK_EQ(pinwatch_watch_query_next(dev, &next, &figures), 1);
	CHECK_EQ(figures.id, first.id);
	CHECK_EQ(figures.nr_pinned, NR);
	CHECK_EQ(figures.addr, (uintptr_t)addr);
	CHECK_EQ(pinwatch_watch_query_next(dev, &next, &figures), 1);
	CHECK_EQ(figures.id, second.id);
	CHECK_EQ(figures.nr_pinned, 0);
	CHECK_EQ(figures.hits, 1);
	CHECK_EQ(figures.valid_generation, second.generation);
	CHECK_EQ(figures.generation, pinwatch_generation(&second));
	CHECK_EQ(pinwatch_watch_query_next(dev, &next, &figures), 0);
	CHECK_EQ(pinwatch_watch_query(dev, next, &figures), -ENOENT);
	pinwatch_close(dev);
}

TEST(library_stack)
{
	struct pinwatch *dev = library_open();
	struct pinwatch_watch_stack stack;
	char *addr = map_pages(NR);
	struct pinwatch_watch watch = library_add(dev, addr, PINWATCH_WATCH_F_STACK, 0);

	CHECK_EQ(pinwatch_watch_stack(dev, watch.id, &stack), 0);
	CHECK_EQ(stack.nr_entries, 0);
	dontneed(addr, page_size());
	CHECK_EQ(pinwatch_watch_stack(dev, watch.id, &stack), 0);
	CHECK(stack.nr_entries > 2);
	CHECK_EQ(stack.generation, pinwatch_generation(&watch));
	pinwatch_close(dev);
}

/* In a child, which does not inherit the mapping of the generations. */
TEST(library_resync_in_a_child)
{
	struct pinwatch *dev = library_open();
	char *addr = map_pages(NR);
	struct pinwatch_watch watch;
	struct pinwatch_gen gens[8];
	pid_t pid;

	CHECK_EQ(madvise(addr, NR * page_size(), MADV_DONTFORK), 0);
	watch = library_add(dev, addr, WATCH, 0);
	pid = fork_child();
	if (!pid) {
		CHECK_EQ(pinwatch_resync(dev, watch.id, gens, 8), 8);
		CHECK_EQ(gens[0].generation, watch.generation);
		CHECK_EQ(gens[1].generation, 0);
		pinwatch_close(dev);
		_exit(0);
	}
	wait_child(pid);
	pinwatch_close(dev);
}

/* Watch a range of the child by pidfd until the child exits. */
TEST(library_attach)
{
	struct pinwatch *dev = library_open(), *late = library_open();
	char *addr = map_pages(NR);
	struct pinwatch_watch watch;
	struct pinwatch_event event;
	int pidfd;
	pid_t pid = fork_child();

	if (!pid) {
		pause();
		_exit(0);
	}
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	CHECK(pidfd >= 0);
	CHECK_EQ(pinwatch_attach(dev, pidfd), 0);
	CHECK_EQ(pinwatch_attach(dev, pidfd), -EBUSY);
	watch = library_add(dev, addr, WATCH, 0);
	dontneed(addr, page_size());
	CHECK(pinwatch_valid(&watch));
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK(!pinwatch_valid(&watch));
	CHECK_EQ(pinwatch_read_events(dev, &event, 1), 1);
	CHECK(event.events & PINWATCH_EVENT_RELEASE);
	CHECK_EQ(pinwatch_attach(late, pidfd), -ESRCH);
	CHECK_EQ(pinwatch_attach_pid(late, pid), -ESRCH);
	CHECK_EQ(pinwatch_attach_pid(late, getpid()), 0);
	pinwatch_close(dev);
	pinwatch_close(late);
}
