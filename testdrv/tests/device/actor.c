// SPDX-License-Identifier: MIT
/* Causes, actors and stacks of invalidations, and the privileges to read them. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "credentials.h"
#include "device.h"

static uint64_t causes_of(int fd)
{
	struct pinwatch_event event = read_event(fd);

	CHECK_EQ(event.flags & PINWATCH_EVENT_F_ATOMIC, 0);
	return event.causes;
}

/* Operations of the caller, each on fresh pages. */
TEST(cause_self)
{
	int fd = open_device(O_NONBLOCK);
	size_t length = 4 * page_size();
	char *addr;
	pid_t pid;

	addr = map_pages(4);
	add(fd, addr, length, WATCH, 0);
	CHECK_EQ(mprotect(addr, length, PROT_READ), 0);
	CHECK_EQ(causes_of(fd), PINWATCH_CAUSE_MPROTECT);
	CHECK(mmap(addr, length, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == addr);
	CHECK_EQ(causes_of(fd), PINWATCH_CAUSE_MMAP);
	/* The zero page, and then a private page. */
	CHECK_EQ(*(volatile char *)addr, 0);
	*(volatile char *)addr = 1;
	CHECK_EQ(causes_of(fd), PINWATCH_CAUSE_COW);
	CHECK_EQ(madvise(addr, length, MADV_FREE), 0);
	CHECK_EQ(causes_of(fd), PINWATCH_CAUSE_MADVISE);
	memset(addr, 'f', length);
	pid = fork_child();
	if (!pid)
		_exit(0);
	wait_child(pid);
	CHECK_EQ(causes_of(fd), PINWATCH_CAUSE_FORK);
	CHECK(mremap(addr, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, map_pages(4)) !=
	      MAP_FAILED);
	CHECK_EQ(causes_of(fd), PINWATCH_CAUSE_MREMAP);

	addr = map_pages(4);
	add(fd, addr, length, WATCH, 0);
	CHECK_EQ(munmap(addr, length), 0);
	CHECK_EQ(causes_of(fd), PINWATCH_CAUSE_MUNMAP);
}

/* The kernel writes for the caller: the fault is in the middle of another call. */
TEST(cause_copy_to_user)
{
	char *addr = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open_device(O_NONBLOCK), zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	CHECK(addr != MAP_FAILED && zero >= 0);
	CHECK_EQ(*(volatile char *)addr, 0);
	add(fd, addr, page_size(), WATCH, 0);
	CHECK_EQ(read(zero, addr, 1), 1);
	CHECK_EQ(causes_of(fd), PINWATCH_CAUSE_COW);
}

TEST(cause_truncate)
{
	int file = memfd_create("actor", MFD_CLOEXEC), fd = open_device(O_NONBLOCK);
	char *addr;

	CHECK_EQ(ftruncate(file, (off_t)page_size()), 0);
	addr = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(addr != MAP_FAILED);
	*(volatile char *)addr = 1;
	add(fd, addr, page_size(), WATCH, 0);
	CHECK_EQ(ftruncate(file, 0), 0);
	CHECK_EQ(causes_of(fd), PINWATCH_CAUSE_TRUNCATE);
	CHECK_EQ(ftruncate(file, (off_t)page_size()), 0);
	*(volatile char *)addr = 1;
	CHECK_EQ(madvise(addr, page_size(), MADV_REMOVE), 0);
	CHECK_EQ(causes_of(fd), PINWATCH_CAUSE_TRUNCATE);
}

static void *dontneed_thread(void *addr)
{
	dontneed(addr, page_size());
	return (void *)(intptr_t)gettid();
}

TEST(actor_thread)
{
	char *addr = map_pages(1);
	int fd = open_device(O_NONBLOCK);
	struct pinwatch_event event;
	pthread_t thread;
	void *tid;

	add(fd, addr, page_size(), WATCH, 0);
	CHECK_EQ(pthread_create(&thread, NULL, dontneed_thread, addr), 0);
	CHECK_EQ(pthread_join(thread, &tid), 0);
	dontneed(addr, page_size());
	event = read_event(fd);
	CHECK_EQ(event.flags, PINWATCH_EVENT_F_ACTOR | PINWATCH_EVENT_F_ACTORS);
	CHECK_EQ(event.tid, (intptr_t)tid);
	CHECK_EQ(event.tgid, getpid());
	CHECK_EQ(event.count, 2);
}

/* A child writes to the parent's zero page. */
static pid_t remote_write(char *addr)
{
	pid_t parent = getpid(), pid = fork_child();

	if (!pid) {
		char byte = 'r';
		struct iovec local = { &byte, 1 }, remote = { addr, 1 };

		CHECK_EQ(process_vm_writev(parent, &local, 1, &remote, 1, 0), 1);
		_exit(0);
	}
	wait_child(pid);
	return pid;
}

static char *zero_page(void)
{
	char *addr = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(addr != MAP_FAILED);
	CHECK_EQ(*(volatile char *)addr, 0);
	/* fork() must not cause an event. */
	CHECK_EQ(madvise(addr, page_size(), MADV_DONTFORK), 0);
	return addr;
}

TEST(actor_other_process)
{
	char *addr = zero_page();
	int fd = open_device(O_NONBLOCK);
	struct pinwatch_event event;
	pid_t pid;

	add(fd, addr, page_size(), WATCH, 0);
	pid = remote_write(addr);
	event = read_event(fd);
	CHECK_EQ(event.causes, PINWATCH_CAUSE_REMOTE_WRITE);
	/* The process has ended. Root still gets its number. */
	CHECK_EQ(event.flags, PINWATCH_EVENT_F_ACTOR);
	CHECK_EQ(event.tid, pid);
	CHECK_EQ(event.tgid, pid);
	CHECK_EQ(strcmp(event.comm, program_invocation_short_name), 0);
}

TEST(actor_hidden_unprivileged)
{
	static const struct pinwatch_event nobody;
	char *addr = zero_page();
	int fd = open_device(O_NONBLOCK);
	struct pinwatch_event event;

	add(fd, addr, page_size(), WATCH, 0);
	remote_write(addr);
	credentials_nobody();
	event = read_event(fd);
	CHECK_EQ(event.causes, PINWATCH_CAUSE_REMOTE_WRITE);
	CHECK_EQ(event.flags, 0);
	CHECK_EQ(event.tid, 0);
	CHECK_EQ(event.tgid, 0);
	CHECK_EQ(memcmp(event.comm, nobody.comm, sizeof(event.comm)), 0);
	/* A process may see the actions of its threads without a privilege. */
	dontneed(addr, page_size());
	event = read_event(fd);
	CHECK_EQ(event.flags, PINWATCH_EVENT_F_ACTOR);
	CHECK_EQ(event.tid, getpid());
}

/* A reader in another PID namespace. */
TEST(actor_pid_namespace)
{
	char *addr = map_pages(1);
	int fd = open_device(0);
	pid_t pid;

	CHECK_EQ(unshare(CLONE_NEWPID), 0);
	pid = fork_child();
	if (!pid) {
		int own = open_device(O_NONBLOCK);
		struct pinwatch_event event;

		CHECK_EQ(getpid(), 1);
		/* The parent has no number in the PID namespace of the reader. */
		event = read_event(fd);
		CHECK_EQ(event.flags & PINWATCH_EVENT_F_ACTOR, 0);
		CHECK_EQ(event.tid, 0);
		CHECK_EQ(event.tgid, 0);
		CHECK_EQ(event.comm[0], 0);
		add(own, addr, page_size(), WATCH, 0);
		dontneed(addr, page_size());
		event = read_event(own);
		CHECK_EQ(event.flags, PINWATCH_EVENT_F_ACTOR);
		CHECK_EQ(event.tid, 1);
		CHECK_EQ(event.tgid, 1);
		_exit(0);
	}
	add(fd, addr, page_size(), WATCH, 0);
	dontneed(addr, page_size());
	wait_child(pid);
}

/* The address of a kernel function's end is not known: names do, in order. */
static int stack_has(const struct pinwatch_watch_stack *stack, const char *name)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	unsigned long long addr, start = 0, end = 0;
	char line[512], symbol[256];
	unsigned int i;

	CHECK(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx %*c %255s", &addr, symbol) != 2)
			continue;
		if (!strcmp(symbol, name))
			start = addr;
		else if (start && addr > start && (!end || addr < end))
			end = addr;
	}
	fclose(file);
	CHECK(start && end);
	for (i = 0; i < stack->nr_entries; i++)
		if (stack->entries[i] > start && stack->entries[i] <= end)
			return 1;
	return 0;
}

/* The prefix of the symbol of a system call, for the word size of the test. */
#ifdef __x86_64__
#define SYSCALL "__x64_sys_"
#else
#define SYSCALL "__ia32_sys_"
#endif

TEST(stack_entries)
{
	struct pinwatch_watch_stack stack = { .size = sizeof(stack) };
	char *addr = map_pages(1);
	int fd = open_device(0);
	struct pinwatch_watch_add watch;

	watch = add(fd, addr, page_size(), PINWATCH_WATCH_F_STACK, 0);
	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_WATCH_STACK, &stack), 0);
	CHECK_EQ(stack.nr_entries, 0);
	CHECK_EQ(munmap(addr, page_size()), 0);
	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_WATCH_STACK, &stack), 0);
	CHECK(stack.nr_entries > 3);
	CHECK_EQ(stack.generation, query(fd, watch.id).generation);
	CHECK(stack_has(&stack, "__mmu_notifier_invalidate_range_start"));
	CHECK(stack_has(&stack, SYSCALL "munmap"));
	CHECK(!stack_has(&stack, SYSCALL "madvise"));
}

TEST(stack_enodata_eperm)
{
	struct pinwatch_watch_stack stack = { .size = sizeof(stack) };
	char *addr = map_pages(1);
	struct pinwatch_watch_add watch;
	int fd = open_device(0);

	add(fd, addr, page_size(), WATCH, 0);
	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_WATCH_STACK, &stack), -ENODATA);
	add(fd, addr, page_size(), PINWATCH_WATCH_F_STACK, 0);
	stack.id = 1;
	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_WATCH_STACK, &stack), 0);
	credentials_nobody();
	CHECK_EQ(try_ioctl(fd, PINWATCH_IOC_WATCH_STACK, &stack), -EPERM);
	CHECK_EQ(try_add(fd, addr, page_size(), PINWATCH_WATCH_F_STACK, 0, &watch), -EPERM);
	CHECK_EQ(try_add(fd, addr, page_size(), WATCH, 0, &watch), 0);
}
