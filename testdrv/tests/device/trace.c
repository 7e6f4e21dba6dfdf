// SPDX-License-Identifier: MIT
/* Tracepoints of watches, and the counters in debugfs. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "device.h"
#include "tracing.h"

#define DEBUGFS	"/sys/kernel/debug/pinwatch/"

static void trace_begin(void)
{
	CHECK(tracing_mount());
	tracing_clear();
	tracing_enable("", true);
}

/* The only line of @event with @word. */
static void expect_line(const char *event, const char *word, char *line, size_t size)
{
	const char *const words[] = { event, word, NULL };
	size_t nr = tracing_count(words, line, size);

	if (nr != 1)
		FAIL("%zu lines of %s %s", nr, event, word);
}

static void check_field(const char *line, const char *name, uint64_t expected, int base)
{
	char value[64];

	if (!tracing_field(line, name, value, sizeof(value)))
		FAIL("no %s in: %s", name, line);
	if (strtoull(value, NULL, base) != expected)
		FAIL("%s is %s, not %llu in: %s", name, value,
		     (unsigned long long)expected, line);
}

static void check_text(const char *line, const char *name, const char *expected)
{
	char value[64];

	if (!tracing_field(line, name, value, sizeof(value)) || strcmp(value, expected) != 0)
		FAIL("%s is not %s in: %s", name, expected, line);
}

/* The life of a watch: address space, watch, invalidation, hit, end. */
TEST(trace_life_of_a_watch)
{
	char *pages = map_pages(4), line[1024], actor[64];
	uint64_t start = (uintptr_t)pages, after;
	struct pinwatch_watch_add watch;
	int fd = open_device(0);

	trace_begin();
	watch = add(fd, pages, 4 * page_size(), PIN_RW, 0x5eed);
	dontneed(pages + page_size(), 8 * page_size() / 4);
	after = query(fd, watch.id).generation;
	CHECK_EQ(try_del(fd, watch.id), 0);
	tracing_enable("", false);

	snprintf(actor, sizeof(actor), "-%ld ", syscall(SYS_gettid));
	expect_line("pinwatch_mm_register:", actor, line, sizeof(line));
	expect_line("pinwatch_watch_add:", "cookie=0x5eed", line, sizeof(line));
	check_field(line, "id", watch.id, 10);
	check_field(line, "start", start, 16);
	check_field(line, "end", start + 4 * page_size(), 16);
	check_field(line, "generation", watch.generation, 10);
	check_text(line, "flags", "pin|write");
	expect_line("pinwatch_hit:", "cause=madvise", line, sizeof(line));
	check_field(line, "cookie", 0x5eed, 16);
	check_field(line, "start", start + page_size(), 16);
	check_field(line, "end", start + 3 * page_size(), 16);
	check_field(line, "generation", after, 10);
	check_field(line, "atomic", 0, 10);
	check_text(line, "event", "clear");
	CHECK(strstr(line, actor));	/* the tracer reports the task */
	expect_line("pinwatch_watch_del:", "cookie=0x5eed", line, sizeof(line));
	check_field(line, "generation", after + 1, 10);
}

TEST(trace_invalidate)
{
	char *pages = map_pages(2), line[1024], start[64];
	int i, fd = open_device(0);

	for (i = 0; i < 20; i++)
		add(fd, pages, page_size(), WATCH, 0);
	trace_begin();
	dontneed(pages + page_size(), page_size());	/* nobody is called */
	dontneed(pages, 2 * page_size());
	tracing_enable("", false);
	snprintf(start, sizeof(start), "start=0x%" PRIxPTR " ", (uintptr_t)pages);
	expect_line("pinwatch_invalidate:", start, line, sizeof(line));
	check_field(line, "end", (uintptr_t)pages + 2 * page_size(), 16);
	check_field(line, "callbacks", 20, 10);
	check_field(line, "blockable", 1, 10);
	check_text(line, "event", "clear");
	snprintf(start, sizeof(start), "start=0x%" PRIxPTR " ",
		 (uintptr_t)pages + page_size());
	CHECK_EQ(tracing_count((const char *const[]){ "pinwatch_invalidate:", start, NULL },
			       line, sizeof(line)), 0);
}

TEST(trace_release)
{
	char line[1024], actor[64];
	int fd = open_device(0), i;
	size_t nr = 0;
	pid_t pid;

	trace_begin();
	pid = fork_child();
	if (!pid) {
		CHECK_EQ(try_bind(fd), 0);
		add(fd, map_pages(1), page_size(), WATCH, 0xdead);
		_exit(0);
	}
	wait_child(pid);
	expect_line("pinwatch_hit:", "cookie=0xdead", line, sizeof(line));
	check_text(line, "event", "release");
	check_text(line, "cause", "exit");
	snprintf(actor, sizeof(actor), "-%d ", pid);
	CHECK(strstr(line, actor));
	close(fd);
	/* The address space is released with the last subscription. */
	for (i = 0; i < 5000 && !nr; i++) {
		nr = tracing_count((const char *const[]){ "pinwatch_mm_release:", NULL },
				   line, sizeof(line));
		usleep(1000);
	}
	tracing_enable("", false);
	CHECK(nr);
}

static void read_table(const char *name, char *text, size_t size)
{
	char path[128];
	struct stat st;
	size_t length;
	FILE *file;

	snprintf(path, sizeof(path), DEBUGFS "%s", name);
	CHECK_EQ(stat(path, &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0400);
	file = fopen(path, "re");
	CHECK(file);
	length = fread(text, 1, size - 1, file);
	text[length] = '\0';
	CHECK(!ferror(file));
	fclose(file);
	/* No kernel address is printed. */
	CHECK(!strstr(text, "ffff"));
}

static void check_counter(const char *text, const char *name, uint64_t expected)
{
	const char *at = strstr(text, name);

	if (!at || strtoull(at + strlen(name), NULL, 10) != expected)
		FAIL("%s is not %llu in: %s", name,
		     (unsigned long long)expected, text);
}

TEST(trace_debugfs_counters)
{
	char text[4096];
	char *pages = map_pages(3);
	int fd = open_device(0);

	add(fd, pages, page_size(), WATCH, 0);
	add(fd, pages + page_size(), 2 * page_size(), PIN, 0);
	dontneed(pages, page_size());

	read_table("counters", text, sizeof(text));
	check_counter(text, "nr_files", 1);
	check_counter(text, "nr_watches", 2);
	check_counter(text, "pinned_pages", 2);
	check_counter(text, "nr_subscriptions", 2);
}
