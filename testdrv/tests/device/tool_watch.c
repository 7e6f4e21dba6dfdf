// SPDX-License-Identifier: MIT
/* pinwatch watch, on a process under control of the test. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device.h"
#include "tool.h"

#define POLLS		5000	/* of a millisecond */

static struct tool watch_start(const struct target *target, const char *option,
			       const char *value)
{
	struct tool tool = tool_start("watch", "-p", target->pid_text, "--json", "--interval", "0",
				      option, value);

	tool_expect(&tool, "\"ranges\":");
	return tool;
}

static void soft_dirty_reset(const struct target *target)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/clear_refs", target->pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "4", 1), 1);
	close(fd);
}

static void start_is(const char *line, const void *addr)
{
	char text[32];

	snprintf(text, sizeof(text), "\"start\":%lu,", (unsigned long)(uintptr_t)addr);
	if (!strstr(line, text))
		FAIL("no '%s' in %s", text, line);
}

TEST(watch_pages)
{
	struct target target = target_start();
	struct tool tool = watch_start(&target, "--pages", NULL);

	soft_dirty_reset(&target);
	target_turn(&target, DISCARD);
	CHECK(line_read(&tool));
	CHECK(strstr(tool.line, "\"madvise\""));
	target_end(&target);
	tool_end(&tool);
}

TEST(watch)
{
	struct target target = target_start();
	struct tool tool = watch_start(&target, NULL, NULL);
	const char *line;

	target_turn(&target, DISCARD);
	line = tool_expect(&tool, "\"madvise\"");
	start_is(line, target.addr);
	CHECK(strstr(line, "\"comm\":\"target\""));
	CHECK(strstr(line, "\"mapping\":\"anon\""));
	CHECK(strstr(line, "\"stack\":null"));
	target_end(&target);
	tool_expect(&tool, "\"exit\"");
	line = tool_expect(&tool, "\"ended\":\"the process ended\"");
	CHECK(strstr(line, "\"causes\":[\"madvise\"],\"comm\":\"target\",\"mapping\":\"anon\""));
	CHECK_EQ(tool_end(&tool), 0);
}

TEST(watch_stack)
{
	struct target target = target_start();
	struct tool tool = watch_start(&target, "--stack", NULL);

	target_turn(&target, DISCARD);
	CHECK(strstr(tool_expect(&tool, "\"madvise\""), "madvise\",\"do_syscall_64\"") ||
	      strstr(tool.line, "sys_madvise"));
	target_end(&target);
	CHECK_EQ(tool_end(&tool), 0);
}

/* Only one of two pages is watched, and reported. */
TEST(watch_range)
{
	struct target target = target_start();
	struct tool tool;
	char range[64];

	snprintf(range, sizeof(range), "%p-%p", (void *)target.addr,
		 (void *)(target.addr + page_size()));
	tool = tool_start("watch", "-p", target.pid_text, "--json", "--count", "1", "--range",
			  range);
	CHECK(strstr(tool_expect(&tool, "\"ranges\":"), "\"ranges\":1"));
	target_turn(&target, MAP_MORE);
	target_turn(&target, DISCARD_MORE);
	target_turn(&target, DISCARD);
	start_is(tool_expect(&tool, "\"causes\""), target.addr);
	tool_expect(&tool, "\"ended\":\"as many as were asked for\",\"records\":1");
	CHECK_EQ(tool_end(&tool), 0);
	target_end(&target);
}

static void wait_watches(uint64_t more_than)
{
	int i;

	for (i = 0; i < POLLS && get_stats().nr_watches <= more_than; i++)
		usleep(1000);
	CHECK(get_stats().nr_watches > more_than);
}

TEST(watch_new_mapping)
{
	struct target target = target_start();
	struct tool tool = watch_start(&target, "--map", "anon");
	uint64_t nr_watches = get_stats().nr_watches;

	target_turn(&target, MAP_MORE);
	wait_watches(nr_watches);
	target_turn(&target, DISCARD_MORE);
	start_is(tool_expect(&tool, "\"madvise\""), (void *)0x600000000000);
	target_end(&target);
	CHECK_EQ(tool_end(&tool), 0);
}

/* After exec(), the tool watches the memory of the new program. */
TEST(watch_exec)
{
	struct target target = target_start();
	struct tool tool = watch_start(&target, "--range", "600000000000-600000004000");

	target_turn(&target, EXEC);
	tool_expect(&tool, "\"exec\"");
	tool_expect(&tool, "\"ranges\":");
	target_turn(&target, DISCARD);
	start_is(tool_expect(&tool, "\"madvise\""), (void *)0x600000000000);
	target_end(&target);
	tool_expect(&tool, "\"ended\":\"the process ended\"");
	CHECK_EQ(tool_end(&tool), 0);
}

/* More mappings than the tool once had ranges; one mapped later is watched as well. */
TEST(watch_many_mappings, .full = true)
{
	struct target target = target_start();
	struct tool tool;
	uint64_t nr_watches;

	target_turn(&target, MAP_20000);
	tool = watch_start(&target, NULL, NULL);
	CHECK(strstr(tool.line, "\"unwatched\":0"));
	nr_watches = get_stats().nr_watches;
	CHECK(nr_watches > NR_MANY);
	target_turn(&target, MAP_MORE);
	wait_watches(nr_watches);
	target_turn(&target, DISCARD_MORE);
	start_is(tool_expect(&tool, "\"madvise\""), (void *)0x600000000000);
	target_end(&target);
	CHECK_EQ(tool_end(&tool), 0);
}

/*
 * Discard until the tool says so. The tool may attach before the new program has mapped its
 * range, and may report other events of the new program.
 */
static void discard_until_told(const struct target *target, struct tool *tool)
{
	struct pollfd pollfd = { .fd = tool->out, .events = POLLIN };

	do {
		if (poll(&pollfd, 1, 200))
			CHECK(line_read(tool));
		else
			target_turn(target, DISCARD);
	} while (!strstr(tool->line, "\"madvise\""));
}

/* The tool reports a limit, and watches new mappings once old mappings are gone. */
TEST(watch_limit)
{
	unsigned long limit = param_get("max_watches_per_file");
	struct target target = target_start();
	struct tool tool;
	int i;

	target_turn(&target, MAP_100);
	param_set("max_watches_per_file", 64);
	tool = watch_start(&target, "--map", "anon");
	param_set("max_watches_per_file", limit);
	CHECK(strstr(tool.line, "\"ranges\":64"));
	CHECK(!strstr(tool.line, "\"unwatched\":0"));
	for (i = 0; i < 2; i++) {
		target_turn(&target, UNMAP_MANY);
		tool_expect(&tool, "\"unwatched\":0");
		target_turn(&target, MAP_100);
		tool_expect(&tool, "\"ranges\":64");
	}
	target_turn(&target, EXEC);
	tool_expect(&tool, "\"exec\"");
	tool_expect(&tool, "\"unwatched\":0");
	discard_until_told(&target, &tool);
	start_is(tool.line, (void *)0x600000000000);
	target_end(&target);
	tool_expect(&tool, "\"ended\"");
	CHECK(!strstr(tool.line, "\"unwatched\":0"));
	CHECK_EQ(tool_end(&tool), 0);
}

/* Map a file with a path of more than 255 bytes that ends in @name. */
static char *map_file(const char *name)
{
	char dir[256], path[512], *addr;
	int fd;

	snprintf(dir, sizeof(dir), "/tmp/%0200d", 0);
	CHECK(!mkdir(dir, 0700) || errno == EEXIST);
	snprintf(path, sizeof(path), "%s/%0100d%s", dir, 0, name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, (off_t)(NR * page_size())), 0);
	addr = mmap(NULL, NR * page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(addr != MAP_FAILED);
	memset(addr, 'n', NR * page_size());
	close(fd);
	return addr;
}

/* @text: the end of the name as JSON. */
static void watch_name(const char *name, const char *text)
{
	struct target target = target_start_at(map_file(name));
	struct tool tool = tool_start("watch", "-p", target.pid_text, "--json", "--interval", "0",
				      "--map", name);

	CHECK(strstr(tool_expect(&tool, "\"ranges\":"), "\"ranges\":1,"));
	target_turn(&target, DISCARD);
	start_is(tool_expect(&tool, "\"madvise\""), target.addr);
	CHECK(strstr(tool.line, text));
	target_end(&target);
	CHECK(strstr(tool_expect(&tool, "\"ended\""), text));
	CHECK_EQ(tool_end(&tool), 0);
}

TEST(watch_names)
{
	watch_name("\303\251t\303\251.db", "00\\u00E9t\\u00E9.db\"");
	/* Not UTF-8: a byte of Latin-1, and a character that is cut. */
	watch_name("caf\351.db", "00caf\\u00E9.db\"");
	watch_name("cut\342\202", "00cut\\u00E2\\u0082\"");
	watch_name("\"\\\033[31m", "00\\\"\\\\\\u001B[31m\"");
}

TEST(watch_first_thread_exited)
{
	struct target target = target_start_without_first_thread();
	struct tool tool = watch_start(&target, NULL, NULL);

	target_turn(&target, DISCARD);
	start_is(tool_expect(&tool, "\"madvise\""), target.addr);
	CHECK(strstr(tool.line, "\"mapping\":\"anon\""));
	target_end(&target);
	tool_expect(&tool, "\"ended\":\"the process ended\"");
	CHECK_EQ(tool_end(&tool), 0);
}

/* In a PID namespace whose /proc is that of the parent namespace. */
static void watch_with_foreign_proc(void)
{
	struct target target = target_start();
	struct tool tool = watch_start(&target, NULL, NULL);

	target_turn(&target, DISCARD);
	start_is(tool_expect(&tool, "\"madvise\""), target.addr);
	target_end(&target);
	CHECK_EQ(tool_end(&tool), 0);
}

TEST(watch_foreign_proc)
{
	pid_t pid;

	CHECK_EQ(unshare(CLONE_NEWPID), 0);
	pid = fork_child();
	if (!pid) {
		watch_with_foreign_proc();
		_exit(0);
	}
	wait_child(pid);
}

TEST(watch_interrupted)
{
	struct target target = target_start();
	struct tool tool = watch_start(&target, NULL, NULL);

	CHECK_EQ(kill(tool.pid, SIGINT), 0);
	tool_expect(&tool, "\"ended\":\"interrupted\"");
	CHECK_EQ(tool_end(&tool), 0);
	target_end(&target);
}

/* For people, and not for a terminal: the same, without colour. */
TEST(watch_table)
{
	struct target target = target_start();
	struct tool tool = tool_start("watch", "-p", target.pid_text);
	const char *line;

	tool_expect(&tool, "SECONDS");
	target_turn(&target, DISCARD);
	line = tool_expect(&tool, "madvise");
	CHECK(strstr(line, "target/"));
	CHECK(!strchr(line, '\033'));
	target_end(&target);
	tool_expect(&tool, "INVALIDATIONS");
	tool_expect(&tool, "in all: the process ended");
	CHECK_EQ(tool_end(&tool), 0);
}

TEST(watch_errors)
{
	struct target target = target_start();

	CHECK_EQ(status_of("watch", NULL, NULL, NULL), 2);
	CHECK_EQ(status_of("watch", "-p", "0", NULL), 2);
	CHECK_EQ(status_of("watch", "-p", "x", NULL), 2);
	CHECK_EQ(status_of("watch", "-p", target.pid_text, "--range=1"), 2);
	CHECK_EQ(status_of("watch", "-p", target.pid_text, "--range=2-1"), 2);
	CHECK_EQ(status_of("watch", "-p", target.pid_text, "--count=0"), 2);
	CHECK_EQ(status_of("watch", "-p", target.pid_text, "--map=no such thing"), 1);
	CHECK_EQ(status_of("watch", "-p", "4194303", NULL), 1);
	CHECK_EQ(status_of("watch", "-p", target.pid_text, "--device=/dev/no-such"), 3);
	/* Root without the capability is refused, too. */
	CHECK_EQ(prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE), 0);
	CHECK_EQ(status_of("watch", "-p", target.pid_text, NULL), 3);
	target_end(&target);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--target")) {
		char *addr = map_more();

		/* End of the turn that began with execv(). */
		CHECK_EQ(write(CHANNEL_FD, "", 1), 1);
		target_main(CHANNEL_FD, addr);
	}
	return test_main(argc, argv);
}
