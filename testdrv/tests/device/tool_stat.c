// SPDX-License-Identifier: MIT
/* pinwatch stat -p, on this process and on another process; and pinwatch-demo bench. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "device.h"
#include "tool.h"

TEST(stat_process)
{
	char *addr = map_pages(NR), pid[16];
	int fd = open_device(0);
	struct tool tool;
	const char *line;

	/* fork() invalidates the pages that fork() copies. */
	CHECK_EQ(madvise(addr, NR * page_size(), MADV_DONTFORK), 0);
	add(fd, addr, page_size(), PIN_RW, 0);
	add(fd, addr + page_size(), page_size(), WATCH, 0);
	dontneed(addr + page_size(), page_size());
	snprintf(pid, sizeof(pid), "%d", getpid());
	tool = tool_start("stat", "-p", pid);
	line = tool_expect(&tool, " valid ");
	CHECK(strstr(line, " 1        1 "));
	line = tool_expect(&tool, " changed ");
	CHECK(strstr(line, "madvise"));
	CHECK_EQ(tool_end(&tool), 0);
	close(fd);
	CHECK_EQ(status_of("stat", "-p", "4194303", NULL), 1);
	CHECK_EQ(status_of("stat", "-p", "0", NULL), 2);
}

/* The number of the device decides, and not the name of the node or of another file. */
TEST(stat_process_names)
{
	int fd, log = open("/tmp/pinwatch", O_RDWR | O_CREAT, 0600);
	struct tool tool;
	struct stat st;
	char pid[16];

	CHECK(log >= 0);
	CHECK_EQ(stat("/dev/pinwatch", &st), 0);
	CHECK_EQ(mknod("/tmp/other", S_IFCHR | 0600, st.st_rdev), 0);
	fd = open("/tmp/other", O_RDWR);
	CHECK(fd >= 0);
	add(fd, map_pages(1), page_size(), PIN_RW, 0);
	snprintf(pid, sizeof(pid), "%d", getpid());
	tool = tool_start("stat", "-p", pid, "--json");
	tool_expect(&tool, "\"pinned\": 1");
	CHECK_EQ(tool_end(&tool), 0);
	tool = tool_start("stat", "-p", pid, "--json", "--device", "/tmp/other");
	tool_expect(&tool, "\"pinned\": 1");
	CHECK_EQ(tool_end(&tool), 0);
	CHECK_EQ(status_of("stat", "-p", pid, "--device=/tmp/pinwatch"), 3);
	CHECK_EQ(unlink("/tmp/other"), 0);
	CHECK_EQ(unlink("/tmp/pinwatch"), 0);
}

/* The tool copies the descriptors of another thread, which needs Linux 6.9. */
TEST(stat_process_first_thread_exited)
{
	int pidfd, fd = open_device(0);
	struct target target;
	struct tool tool;

	add(fd, map_pages(1), page_size(), WATCH, 0);
	target = target_start_without_first_thread();
	pidfd = (int)syscall(SYS_pidfd_open, getpid(), O_EXCL);
	tool = tool_start("stat", "-p", target.pid_text, "--json");
	if (pidfd >= 0)
		tool_expect(&tool, "\"pages\": 1");
	CHECK_EQ(tool_end(&tool), pidfd >= 0 ? 0 : 1);
	target_end(&target);
}

/* The tool reports a limit of the parameters, and does not fail. */
TEST(bench, .full = true)
{
	struct tool tool = demo_start("bench", "--json", "--large");

	tool_expect(&tool, "\"watch add\"");
	tool_expect(&tool, "\"pinned watch add, pages\"");
	tool_expect(&tool, "\"io_uring");
	tool_expect(&tool, "\"event records read\"");
	tool_expect(&tool, "\"validation\"");
	tool_expect(&tool, "max_watches_per_file");
	CHECK_EQ(tool_end(&tool), 0);
}
