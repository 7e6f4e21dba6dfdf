// SPDX-License-Identifier: MIT
/* The tool's view of everybody's watches: monitor, watches, mms. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "credentials.h"
#include "device.h"

#define FLOOD	20000	/* watches on one page */

static FILE *tool_start(const char *arguments)
{
	char command[256];
	FILE *out;

	fflush(NULL);
	snprintf(command, sizeof(command), "exec pinwatch %s 2>&1", arguments);
	out = popen(command, "re");
	CHECK(out);
	return out;
}

/* Read a line, which must contain all @words. */
static void expect_line(FILE *out, const char *const *words)
{
	char line[4096];

	CHECK(fgets(line, sizeof(line), out));
	for (; *words; words++)
		if (!strstr(line, *words))
			FAIL("no '%s' in: %s", *words, line);
}

#define expect_words(out, ...) expect_line(out, (const char *const[]){ __VA_ARGS__, NULL })

/* Wait for the end of the tool. Returns its exit status. */
static int tool_end(FILE *out)
{
	int status = pclose(out);

	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

TEST(monitor_json)
{
	char *pages = map_pages(2), start[64], pid[32], tid[32];
	int fd = open_device(0);
	FILE *out;

	add(fd, pages, 2 * page_size(), PIN, 0);
	out = tool_start("monitor --json --actors --count 2");
	expect_words(out, "\"listening\":\"actors\"");
	dontneed(pages + page_size(), page_size());
	dontneed(pages, page_size());
	snprintf(start, sizeof(start), "\"start\":%" PRIuPTR ",",
		 (uintptr_t)pages + page_size());
	snprintf(pid, sizeof(pid), "\"pid\":%d,", getpid());
	snprintf(tid, sizeof(tid), "\"tid\":%ld,", syscall(SYS_gettid));
	expect_words(out, start, pid, tid, "\"causes\":[\"madvise\"]", "\"events\":[\"clear\"]",
		     "\"comm\":\"device_monitor\"", "\"lost\":0", "\"atomic\":false");
	expect_words(out, pid, "\"causes\":[\"madvise\"]");
	CHECK_EQ(tool_end(out), 0);
}

TEST(monitor_text)
{
	char *pages = map_pages(1), range[64], pid[32];
	int fd = open_device(0);
	FILE *out;

	add(fd, pages, page_size(), WATCH, 0);
	out = tool_start("monitor --count 1");
	expect_words(out, "CAUSE", "RANGE", "GENERATION\n");
	dontneed(pages, page_size());
	snprintf(range, sizeof(range), " %#" PRIxPTR "-%#" PRIxPTR " ", (uintptr_t)pages,
		 (uintptr_t)pages + page_size());
	snprintf(pid, sizeof(pid), " %d ", getpid());
	expect_words(out, range, pid, " madvise ", " clear ");
	CHECK_EQ(tool_end(out), 0);
}

static uint64_t number_after(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	CHECK(at);
	return strtoull(at + strlen(key), NULL, 10);
}

/* However many: each event is printed, or counted as lost. */
TEST(monitor_counts_what_is_lost)
{
	uint64_t printed = 0, lost = 0;
	char *page = map_pages(1), line[4096];
	int fd = open_device(0);
	static FILE *out;	/* the tool ends with the test */

	add_many(fd, page, FLOOD);
	out = tool_start("monitor --json");
	expect_words(out, "\"listening\":\"events\"");
	dontneed(page, page_size());
	while (printed + lost < FLOOD) {
		CHECK(fgets(line, sizeof(line), out));
		printed += !!strstr(line, "\"generation\":");
		lost += number_after(line, "\"lost\":");
	}
	test_note("%llu printed, %llu lost", (unsigned long long)printed,
		  (unsigned long long)lost);
	CHECK_EQ(printed + lost, FLOOD);
	CHECK(printed && lost);
}

TEST(monitor_watches)
{
	char *pages = map_pages(4), range[64], pid[32], file[64];
	int fd = open_device(0);
	FILE *out;

	add(fd, pages, page_size(), WATCH, 0);
	add(fd, pages + page_size(), 2 * page_size(), PIN_RW, 0);
	dontneed(pages, page_size());
	snprintf(pid, sizeof(pid), " %d ", getpid());
	snprintf(range, sizeof(range), " %#" PRIxPTR "-%#" PRIxPTR " ",
		 (uintptr_t)pages + page_size(), (uintptr_t)pages + 3 * page_size());
	out = tool_start("watches");
	expect_words(out, "PID", "RANGE", "CAUSES\n");
	expect_words(out, pid, " active ", " ----- ", "madvise");
	expect_words(out, pid, " active ", " PW--- ", range, " -\n");
	CHECK_EQ(tool_end(out), 0);

	out = tool_start("watches --json");
	expect_words(out, "[");
	expect_words(out, "{");
	snprintf(pid, sizeof(pid), "\"pid\": %d,", getpid());
	expect_words(out, pid);
	CHECK(fgets(file, sizeof(file), out));
	CHECK_EQ(tool_end(out), 0);

	snprintf(range, sizeof(range), "watches --file %llu",
		 (unsigned long long)number_after(file, "\"file\": "));
	out = tool_start(range);
	expect_words(out, "PID");
	expect_words(out, " ----- ");
	expect_words(out, " PW--- ");
	CHECK_EQ(tool_end(out), 0);
	out = tool_start("watches --file 2147483646");
	expect_words(out, "No such file");
	CHECK_EQ(tool_end(out), 3);
}

TEST(monitor_mms)
{
	char *pages = map_pages(1), pid[32], line[256];
	int fd = open_device(0);
	bool seen = false;
	FILE *out;

	add(fd, pages, page_size(), WATCH, 0);
	snprintf(pid, sizeof(pid), " %d ", getpid());
	out = tool_start("mms");
	expect_words(out, "PID", "SUBSCRIPTIONS", "VETO\n");
	while (fgets(line, sizeof(line), out))
		seen |= strstr(line, pid) && strstr(line, " no\n");
	CHECK(seen);
	CHECK_EQ(tool_end(out), 0);
	out = tool_start("mms --json");
	expect_words(out, "[");
	CHECK_EQ(tool_end(out), 0);
}

TEST(monitor_unprivileged_is_refused)
{
	static const char *const arguments[] = { "monitor", "monitor --actors", "watches", "mms" };
	char line[256];
	FILE *out;
	size_t i;

	/* The root directory of a guest may be closed to nobody. */
	CHECK_EQ(chmod("/", 0755), 0);
	credentials_nobody();
	for (i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
		bool refused = false;

		out = tool_start(arguments[i]);
		while (fgets(line, sizeof(line), out))
			refused |= !!strstr(line, "it needs root");
		CHECK(refused);
		CHECK_EQ(tool_end(out), 3);
	}
}
