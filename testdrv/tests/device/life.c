// SPDX-License-Identifier: MIT
/* Ends: of a watch, a descriptor, a process, an address space. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "device.h"
#include "pagemap.h"

/*
 * Does fork() copy the page for the child? fork() copies a page with a FOLL_PIN reference,
 * so that the page stays mapped once, and shares each other page.
 */
static bool page_held(char *addr)
{
	struct pagemap_snapshot snapshot;
	struct pagemap pagemap;
	int go[2];
	char byte;
	pid_t pid;

	CHECK_EQ(pipe(go), 0);
	pid = fork_child();
	if (!pid) {
		close(go[1]);
		_exit(read(go[0], &byte, 1) != 0);
	}
	CHECK_EQ(pagemap_open(&pagemap, getpid()), 0);
	CHECK_EQ(pagemap_read(&pagemap, addr, page_size(), &snapshot), 0);
	pagemap_close(&pagemap);
	close(go[0]);
	close(go[1]);
	wait_child(pid);
	CHECK(snapshot.pages[0].present);
	return snapshot.pages[0].exclusive;
}

TEST(pin_is_released)
{
	char *addr = map_pages(1);
	int fd = open_device(0);
	uint32_t id = add(fd, addr, page_size(), PIN_RW, 0).id;

	CHECK(page_held(addr));
	CHECK_EQ(try_del(fd, id), 0);
	CHECK(!page_held(addr));
	*(volatile char *)addr = 1;

	add(fd, addr, page_size(), PIN_RW, 0);
	CHECK(page_held(addr));
	CHECK_EQ(close(fd), 0);
	CHECK(!page_held(addr));
}

/* The child exits. The parent queries its watch through the passed descriptor. */
TEST(exit_while_pinned_fd_passed)
{
	uint64_t pinned = get_stats().pinned_pages, watches = get_stats().nr_watches;
	const struct pinwatch_gen *words;
	struct pinwatch_watch_add again;
	struct pinwatch_event event;
	int channel, fd, flags;
	uint64_t before;
	pid_t pid;

	pid = fork_peer(&channel);
	if (!pid) {
		fd = open_device(O_NONBLOCK);
		add(fd, map_pages(16), 16 * page_size(), PIN_RW, 5);
		CHECK_EQ(channel_send(channel, fd), 0);
		CHECK_EQ(channel_receive(channel, NULL), 0);
		_exit(0);
	}
	CHECK_EQ(channel_receive(channel, &fd), 0);
	flags = fcntl(fd, F_GETFL);
	CHECK(flags >= 0 && (flags & O_NONBLOCK));
	words = map_generations(fd);
	before = generation(&words[0]);
	CHECK(before != 0);
	CHECK_EQ(get_stats().pinned_pages, pinned + 16);
	CHECK_EQ(channel_send(channel, -1), 0);
	wait_child(pid);
	CHECK(generation(&words[0]) > before);
	wait_pinned_pages(pinned);
	CHECK_EQ(try_read_events(fd, &event, 1), 1);
	CHECK_EQ(event.cookie, 5);
	CHECK(event.events & PINWATCH_EVENT_RELEASE);
	/* The watch still exists, without pages. */
	CHECK_EQ(get_info(fd).nr_watches, 1);
	CHECK_EQ(try_add(fd, map_pages(1), page_size(), WATCH, 0, &again), -EXDEV);
	CHECK_EQ(try_del(fd, 0), 0);
	CHECK_EQ(get_stats().nr_watches, watches);
}

/* The program after exec(), with the inherited descriptor. */
static int after_exec(int fd)
{
	struct pinwatch_watch_add watch;

	CHECK_EQ(get_info(fd).nr_watches, 1);
	CHECK_EQ(try_add(fd, map_pages(1), page_size(), PIN, 0, &watch), -EXDEV);
	wait_pinned_pages(0);
	CHECK_EQ(try_del(fd, 0), 0);
	return 0;
}

TEST(exec_while_pinned_fd_kept)
{
	int fd = open_device(0);
	pid_t pid = fork_child();
	char number[16];

	if (!pid) {
		CHECK_EQ(try_bind(fd), 0);
		add(fd, map_pages(4), 4 * page_size(), PIN_RW, 0);
		CHECK_EQ(fcntl(fd, F_SETFD, 0), 0);
		snprintf(number, sizeof(number), "%d", fd);
		execl("/proc/self/exe", "device_life", "after-exec", number, NULL);
		FAIL("exec: %s", strerror(errno));
	}
	wait_child(pid);
}

/* The exit of the process closes the last copy of the descriptor. */
TEST(exit_closes)
{
	struct pinwatch_stats before = get_stats(), after;
	pid_t pid = fork_child();

	if (!pid) {
		int i, fd = open_device(0);

		for (i = 0; i < 100; i++)
			add(fd, map_pages(2), 2 * page_size(), i % 2 ? PIN_RW : WATCH, 0);
		_exit(0);
	}
	wait_child(pid);
	after = get_stats();
	CHECK_EQ(after.nr_files, before.nr_files);
	CHECK_EQ(after.nr_watches, before.nr_watches);
	CHECK_EQ(after.pinned_pages, before.pinned_pages);
}

static void add_for_ever(int *rounds) __attribute__((noreturn));
static void add_for_ever(int *rounds)
{
	char *addr = map_pages(16);
	int fd = open_device(0);

	for (;;) {
		uint32_t id = add(fd, addr, 16 * page_size(), PIN_RW, 0).id;

		__atomic_add_fetch(rounds, 1, __ATOMIC_RELEASE);
		CHECK_EQ(try_del(fd, id), 0);
	}
}

#define NR_KILLS	100

/* Killed at any point of WATCH_ADD or WATCH_DEL. */
TEST(kill_while_adding)
{
	struct pinwatch_stats before = get_stats(), after;
	int *rounds = mmap(NULL, page_size(), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int i;

	CHECK(rounds != MAP_FAILED);
	for (i = 0; i < NR_KILLS; i++) {
		pid_t pid;

		*rounds = 0;
		pid = fork_child();
		if (!pid)
			add_for_ever(rounds);
		while (__atomic_load_n(rounds, __ATOMIC_ACQUIRE) <= i)
			;
		CHECK_EQ(kill(pid, SIGKILL), 0);
		CHECK_EQ(waitpid(pid, NULL, 0), pid);
	}
	after = get_stats();
	CHECK_EQ(after.nr_files, before.nr_files);
	CHECK_EQ(after.nr_watches, before.nr_watches);
	CHECK_EQ(after.pinned_pages, before.pinned_pages);
}

static int try_unload(void)
{
	return syscall(SYS_delete_module, "pinwatch", O_NONBLOCK) ? -errno : 0;
}

/* An open descriptor and a mapping each hold a reference on the module. */
TEST(unload_refused_while_used)
{
	char *addr = map_pages(1);
	int fd = open_device(0);
	const struct pinwatch_gen *words;

	CHECK_EQ(try_unload(), -EAGAIN);
	add(fd, addr, page_size(), PIN, 0);
	words = map_generations(fd);
	CHECK_EQ(try_unload(), -EAGAIN);
	CHECK_EQ(close(fd), 0);
	/* The mapping alone. */
	CHECK_EQ(try_unload(), -EAGAIN);
	CHECK(generation(&words[0]) != 0);
}

/* close() of the last copy releases the file. */
TEST(dup_shares)
{
	uint64_t pinned = get_stats().pinned_pages;
	char *addr = map_pages(1);
	int fd = open_device(0), copy = dup(fd);

	CHECK(copy >= 0);
	add(fd, addr, page_size(), PIN, 0);
	CHECK_EQ(close(fd), 0);
	CHECK_EQ(get_stats().pinned_pages, pinned + 1);
	CHECK_EQ(try_del(copy, 0), 0);
	CHECK_EQ(get_stats().pinned_pages, pinned);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "after-exec"))
		return after_exec(atoi(argv[2]));
	return test_main(argc, argv);
}
