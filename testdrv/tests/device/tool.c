// SPDX-License-Identifier: MIT
/* Runs of the tool, and a process for the tool to watch; part of each program device_tool_*. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"
#include "device.h"
#include "tool.h"

struct tool tool_run(const char *const *argv)
{
	struct tool tool;
	int fds[2];

	CHECK_EQ(pipe2(fds, O_CLOEXEC), 0);
	tool.pid = fork_child();
	if (!tool.pid) {
		dup2(fds[1], STDOUT_FILENO);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		FAIL("%s: %s", argv[0], strerror(errno));
	}
	close(fds[1]);
	tool.out = fds[0];
	return tool;
}

bool line_read(struct tool *tool)
{
	size_t nr = 0;
	char c;

	while (nr < sizeof(tool->line) - 1 && read(tool->out, &c, 1) == 1) {
		tool->line[nr++] = c;
		if (c == '\n')
			break;
	}
	tool->line[nr] = '\0';
	return nr > 0;
}

const char *tool_expect(struct tool *tool, const char *text)
{
	while (line_read(tool))
		if (strstr(tool->line, text))
			return tool->line;
	FAIL("the tool did not say '%s'", text);
}

int tool_end(struct tool *tool)
{
	int status;

	while (line_read(tool))
		;
	close(tool->out);
	CHECK_EQ(waitpid(tool->pid, &status, 0), tool->pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

int status_of(const char *verb, const char *option, const char *value, const char *more)
{
	struct tool tool = tool_start(verb, option, value, more);

	return tool_end(&tool);
}

char *map_more(void)
{
	char *addr = mmap((void *)0x600000000000, NR * page_size(), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	CHECK(addr != MAP_FAILED);
	return addr;
}

#define MANY_ADDR	((char *)0x500000000000)

/* Each page is a mapping of its own, as every second page is read-only. */
static void map_many(size_t nr)
{
	char *addr = mmap(MANY_ADDR, nr * page_size(), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	size_t i;

	CHECK(addr != MAP_FAILED);
	for (i = 0; i < nr; i += 2)
		CHECK_EQ(mprotect(addr + i * page_size(), page_size(), PROT_READ), 0);
}

static void turn_do(int channel, char *addr, enum turn turn)
{
	char *argv[] = { "device_tool_watch", "--target", NULL };

	if (turn == DISCARD)
		dontneed(addr, page_size());
	else if (turn == MAP_MORE)
		map_more();
	else if (turn == DISCARD_MORE)
		dontneed((void *)0x600000000000, page_size());
	else if (turn == MAP_100)
		map_many(100);
	else if (turn == MAP_20000)
		map_many(NR_MANY);
	else if (turn == UNMAP_MANY)
		CHECK_EQ(munmap(MANY_ADDR, NR_MANY * page_size()), 0);
	else if (dup2(channel, CHANNEL_FD) == CHANNEL_FD)
		execv("/proc/self/exe", argv);
}

void target_main(int channel, char *addr)
{
	char turn;

	prctl(PR_SET_NAME, "target");
	while (read(channel, &turn, 1) == 1) {
		turn_do(channel, addr, turn);
		CHECK_EQ(write(channel, &turn, 1), 1);
	}
	_exit(0);
}

struct target target_start_at(char *addr)
{
	struct target target = { .addr = addr };

	target.pid = fork_peer(&target.channel);
	if (!target.pid)
		target_main(target.channel, target.addr);
	snprintf(target.pid_text, sizeof(target.pid_text), "%d", target.pid);
	return target;
}

struct target target_start(void)
{
	return target_start_at(map_pages(NR));
}

void target_turn(const struct target *target, enum turn turn)
{
	char byte = (char)turn;

	CHECK_EQ(write(target->channel, &byte, 1), 1);
	CHECK_EQ(read(target->channel, &byte, 1), 1);
}

void target_end(const struct target *target)
{
	close(target->channel);
	wait_child(target->pid);
}

static void second_thread_run(void *data)
{
	struct target *target = data;

	target_main(target->channel, target->addr);
}

struct target target_start_without_first_thread(void)
{
	static struct target target;

	target.addr = map_pages(NR);
	target.pid = fork_peer(&target.channel);
	if (!target.pid)
		first_thread_exit(second_thread_run, &target);
	snprintf(target.pid_text, sizeof(target.pid_text), "%d", target.pid);
	target_turn(&target, DISCARD);
	return target;
}
