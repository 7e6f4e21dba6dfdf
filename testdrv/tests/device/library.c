// SPDX-License-Identifier: MIT
/* libpinwatch with the real module: each function and its ioctl. */
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
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

/* fork(). The child's PID in the innermost namespace is @pids[0], in its parent @pids[1]. */
static pid_t fork_with_pids(const pid_t *pids, size_t nr)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD, .set_tid = (uintptr_t)pids, .set_tid_size = nr,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));

	if (pid < 0)
		FAIL("clone3 with PID %d: %s", pids[0], strerror(errno));
	return pid;
}

/* The PID of @pidfd in the PID namespace of /proc. */
static pid_t fdinfo_pid(int pidfd)
{
	char path[64], line[128];
	pid_t pid = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	file = fopen(path, "re");
	CHECK(file);
	while (!pid && fgets(line, sizeof(line), file))
		sscanf(line, "Pid: %d", &pid);
	fclose(file);
	CHECK(pid > 0);
	return pid;
}

/* The kernel has PIDFD_GET_INFO, with the structure of Linux 6.13. */
static bool has_pidfd_info(int pidfd)
{
	uint64_t info[8] = { 1 };

	return !ioctl(pidfd, _IOWR(0xFF, 11, info), info);
}

static void child_kill(pid_t pid)
{
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

/* In a PID namespace whose /proc is that of the parent namespace. */
static void attach_with_foreign_proc(void)
{
	struct pinwatch *dev = library_open(), *by_pidfd = library_open();
	char *addr = map_pages(NR);
	struct pinwatch_watch watch, second = { 0 };
	pid_t target, foreign, decoy;
	bool has_info;
	int pidfd;

	target = fork_child();
	if (!target) {
		pause();
		_exit(0);
	}
	pidfd = (int)syscall(SYS_pidfd_open, target, 0);
	CHECK(pidfd >= 0);
	/* Another process has here the PID that the target has in the parent namespace. */
	foreign = fdinfo_pid(pidfd);
	CHECK(foreign != target);
	decoy = fork_with_pids(&foreign, 1);
	if (!decoy) {
		pause();
		_exit(0);
	}
	CHECK_EQ(pinwatch_attach_pid(dev, target), 0);
	watch = library_add(dev, addr, WATCH, 0);
	has_info = has_pidfd_info(pidfd);
	CHECK_EQ(pinwatch_attach(by_pidfd, pidfd), has_info ? 0 : -EXDEV);
	if (has_info)
		second = library_add(by_pidfd, addr, WATCH, 0);
	child_kill(decoy);
	CHECK(pinwatch_valid(&watch) && (!has_info || pinwatch_valid(&second)));
	child_kill(target);
	CHECK(!pinwatch_valid(&watch) && (!has_info || !pinwatch_valid(&second)));
	pinwatch_close(dev);
	pinwatch_close(by_pidfd);
}

/* Run @child in a new PID namespace, as its first process. */
static void in_pid_namespace(void (*child)(void))
{
	pid_t pid = fork_child(), init;

	if (!pid) {
		CHECK_EQ(unshare(CLONE_NEWPID), 0);
		init = fork_child();
		if (!init) {
			child();
			_exit(0);
		}
		wait_child(init);
		_exit(0);
	}
	wait_child(pid);
}

TEST(library_attach_foreign_proc)
{
	in_pid_namespace(attach_with_foreign_proc);
}

static void attach_with_equal_pids(void)
{
	const pid_t pids[] = { 30000, 30000 };
	pid_t pid = fork_with_pids(pids, 2);

	if (!pid) {
		attach_with_foreign_proc();
		_exit(0);
	}
	wait_child(pid);
}

/* The caller has the same PID in both namespaces: /proc/self links to getpid(). */
TEST(library_attach_foreign_proc_equal_pids)
{
	in_pid_namespace(attach_with_equal_pids);
}

/* The child and the grandchild have zeros where the parent has the generations. */
TEST(library_valid_is_false_in_a_child)
{
	struct pinwatch *dev = library_open();
	char *addr = map_pages(NR);
	struct pinwatch_watch watch = library_add(dev, addr, PINWATCH_WATCH_F_PAGES, 0);
	pid_t pid = fork_child();

	if (!pid) {
		CHECK(!pinwatch_valid(&watch));
		CHECK_EQ(pinwatch_generation(&watch), 0);
		pid = fork_child();
		if (pid)
			wait_child(pid);
		CHECK(!pinwatch_valid(&watch));
		pinwatch_close(dev);
		_exit(0);
	}
	wait_child(pid);
	CHECK(pinwatch_valid(&watch));
	pinwatch_close(dev);
}

/* pinwatch_bind() maps the generations in the child. */
TEST(library_bind_in_a_child)
{
	struct pinwatch *dev = library_open();
	char *addr = map_pages(NR);
	struct pinwatch_watch watch;
	pid_t pid = fork_child();

	if (!pid) {
		CHECK_EQ(pinwatch_watch_add(dev, addr, page_size(), 0, 0, &watch), -EXDEV);
		CHECK_EQ(pinwatch_bind(dev), 0);
		watch = library_add(dev, addr, PINWATCH_WATCH_F_PIN, 0);
		CHECK(pinwatch_valid(&watch));
		CHECK_EQ(munmap(addr, page_size()), 0);
		CHECK(!pinwatch_valid(&watch));
		CHECK_EQ(pinwatch_hits(dev), 2);
		pinwatch_close(dev);
		_exit(0);
	}
	wait_child(pid);
	CHECK_EQ(pinwatch_watch_add(dev, addr, page_size(), 0, 0, &watch), -EXDEV);
	CHECK_EQ(pinwatch_bind(dev), -EBUSY);
	pinwatch_close(dev);
}

/* In a child of the first process of a PID namespace: map memory at the words, and close. */
static void close_keeps_memory(struct pinwatch *dev, int flags)
{
	size_t nr, length;
	char *words = (char *)(uintptr_t)pinwatch_map_generations(dev, &nr);

	CHECK_EQ(getpid(), 1);
	length = nr * sizeof(struct pinwatch_gen);
	CHECK(mmap(words, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags,
		   -1, 0) == words);
	memset(words, 1, length);
	pinwatch_close(dev);
	CHECK_EQ(words[length - 1], 1);
	_exit(0);
}

static void close_with_equal_pids(void)
{
	struct pinwatch *dev = library_open();
	pid_t pid;

	CHECK_EQ(getpid(), 1);
	CHECK_EQ(unshare(CLONE_NEWPID), 0);
	pid = fork_child();
	if (!pid)
		close_keeps_memory(dev, MAP_FIXED);
	wait_child(pid);
	pinwatch_close(dev);
}

static void close_after_clone_with_equal_pids(void)
{
	struct pinwatch *dev = library_open();
	pid_t pid;

	CHECK_EQ(getpid(), 1);
	pid = (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, NULL);
	CHECK(pid >= 0);
	if (!pid)
		close_keeps_memory(dev, MAP_FIXED_NOREPLACE);
	wait_child(pid);
	pinwatch_close(dev);
}

TEST(library_close_in_a_child_with_equal_pid)
{
	in_pid_namespace(close_with_equal_pids);
	in_pid_namespace(close_after_clone_with_equal_pids);
}
