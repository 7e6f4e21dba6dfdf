// SPDX-License-Identifier: MIT
/*
 * pinwatch mr in a guest with an RDMA device: it finds registrations whose pages mr_remap
 * exchanges, and no others.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#define OUTPUT	"/tmp/mr.json"

/* A run of pinwatch mr, whose lines are an array. */
struct run {
	int status;
	pid_t puncher;
	json_t *lines;
	json_t *end;
};

static void lines_read(struct run *run)
{
	FILE *file = fopen(OUTPUT, "r");
	json_t *line;

	CHECK(file);
	run->lines = json_array();
	while ((line = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL)))
		json_array_append_new(run->lines, line);
	fclose(file);
	CHECK(json_array_size(run->lines) > 0);
	run->end = json_array_get(run->lines, json_array_size(run->lines) - 1);
	CHECK(json_object_get(run->end, "ended"));
}

static struct run run_mode(const char *mode)
{
	struct run run = { 0 };
	char command[256], line[64];
	FILE *output;

	snprintf(command, sizeof(command),
		 "pinwatch mr --json --output " OUTPUT " --exit-code 42 -- mr_remap %s", mode);
	output = popen(command, "r");
	CHECK(output);
	while (fgets(line, sizeof(line), output))
		if (!strncmp(line, "puncher ", 8))
			run.puncher = (pid_t)strtol(line + 8, NULL, 10);
	run.status = pclose(output);
	CHECK(WIFEXITED(run.status));
	run.status = WEXITSTATUS(run.status);
	lines_read(&run);
	return run;
}

static int number_of(const json_t *json, const char *key)
{
	const json_t *value = json_object_get(json, key);

	if (!json_is_integer(value))
		FAIL("no number %s", key);
	return (int)json_integer_value(value);
}

/* The line that has @key with the number @finding. */
static json_t *line_of(const struct run *run, const char *key, int finding)
{
	size_t i;

	for (i = 0; i < json_array_size(run->lines); i++) {
		json_t *line = json_array_get(run->lines, i);
		const json_t *value = json_object_get(line, key);

		if (json_is_integer(value) && json_integer_value(value) == finding)
			return line;
	}
	FAIL("no line has %s %d", key, finding);
}

static int uses_of(const struct run *run, size_t finding)
{
	return number_of(json_array_get(json_object_get(run->end, "findings"), finding - 1),
			 "uses");
}

static bool array_has(const json_t *array, const char *text)
{
	size_t i;

	for (i = 0; i < json_array_size(array); i++)
		if (strstr(json_string_value(json_array_get(array, i)), text))
			return true;
	return false;
}

static void findings_check(const struct run *run, size_t nr)
{
	CHECK_EQ(json_array_size(json_object_get(run->end, "findings")), nr);
	CHECK_EQ(number_of(run->end, "unwatched"), 0);
	if (nr)
		CHECK_EQ(run->status, 42);
}

static void cause_check(const struct run *run, int finding, const char *cause)
{
	const json_t *line = line_of(run, "finding", finding);
	char *text;

	if (array_has(json_object_get(line, "causes"), cause))
		return;
	text = json_dumps(line, 0);
	FAIL("no cause %s: %s", cause, text);
}

TEST(keep_is_silent)
{
	struct run run = run_mode("keep");

	findings_check(&run, 0);
	CHECK_EQ(run.status, 0);
	CHECK_EQ(number_of(run.end, "registrations"), 2);
}

TEST(munmap_is_found)
{
	struct run run = run_mode("munmap");
	const json_t *line;

	findings_check(&run, 1);
	cause_check(&run, 1, "munmap");
	line = line_of(&run, "finding", 1);
	CHECK_EQ(number_of(line, "length"), 65536);
	CHECK(array_has(json_object_get(line, "registered_at"), "mr_remap+0x"));
	CHECK_EQ(number_of(json_object_get(line, "actor"), "tid"), number_of(line, "tid"));
	CHECK_EQ(uses_of(&run, 1), 2);
	line = line_of(&run, "used", 1);
	CHECK(array_has(json_object_get(line, "used_at"), "mr_remap+0x"));
}

TEST(dontneed_without_use_is_found)
{
	struct run run = run_mode("dontneed");

	findings_check(&run, 1);
	cause_check(&run, 1, "madvise");
	CHECK_EQ(uses_of(&run, 1), 0);
}

TEST(hole_punched_by_another_process_is_found)
{
	struct run run = run_mode("punch");
	const json_t *actor;

	findings_check(&run, 1);
	cause_check(&run, 1, "truncate");
	actor = json_object_get(line_of(&run, "finding", 1), "actor");
	CHECK(run.puncher > 0);
	CHECK_EQ(number_of(actor, "tgid"), run.puncher);
	CHECK_EQ(uses_of(&run, 1), 1);
}

TEST(killed_program_loses_nothing)
{
	struct run run = run_mode("killed");

	findings_check(&run, 1);
	CHECK_EQ(uses_of(&run, 1), 1);
	CHECK_EQ(number_of(run.end, "status"), 9);
}

TEST(program_that_exits_at_once_loses_nothing)
{
	struct run run = run_mode("exit");

	findings_check(&run, 1);
	CHECK_EQ(number_of(run.end, "status"), 7);
}

TEST(program_that_closes_descriptors_loses_nothing)
{
	struct run run = run_mode("closed");

	findings_check(&run, 2);
	CHECK_EQ(uses_of(&run, 1), 1);
	CHECK_EQ(uses_of(&run, 2), 2);
}

TEST(exec_is_no_exchange)
{
	struct run run = run_mode("exec");

	findings_check(&run, 1);
	cause_check(&run, 1, "munmap");
	CHECK_EQ(number_of(run.end, "processes"), 2);
}

TEST(child_is_watched)
{
	struct run run = run_mode("child");

	findings_check(&run, 1);
	CHECK_EQ(number_of(run.end, "processes"), 2);
	CHECK_EQ(uses_of(&run, 1), 2);
}

TEST(threads_are_silent)
{
	struct run run = run_mode("threads");

	findings_check(&run, 0);
	CHECK_EQ(run.status, 0);
	CHECK_EQ(number_of(run.end, "registrations"), 200);
}

static int status_of(const char *command)
{
	int status = system(command);

	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

TEST(status_and_table)
{
	CHECK_EQ(status_of("pinwatch mr -- mr_remap munmap"), 1);
	CHECK_EQ(status_of("pinwatch mr --exit-code 0 -- mr_remap munmap"), 0);
	CHECK_EQ(status_of("pinwatch mr -- mr_remap keep 2>/dev/null"), 0);
	CHECK_EQ(status_of("pinwatch mr -- /bin/sh -c 'exit 5' 2>/dev/null"), 5);
	CHECK_EQ(status_of("pinwatch mr -- /no-program 2>/dev/null"), 127);
	CHECK_EQ(status_of("pinwatch mr 2>/dev/null"), 2);
	CHECK_EQ(status_of("pinwatch mr --exit-code 256 -- true 2>/dev/null"), 2);
}

TEST(preload_that_is_missing)
{
	CHECK_EQ(status_of("mkdir -p /tmp/bin && cp /usr/bin/pinwatch /tmp/bin/"), 0);
	CHECK_EQ(status_of("/tmp/bin/pinwatch mr -- true 2>/tmp/said"), 3);
	CHECK_EQ(status_of("grep -q 'libpinwatch-mr.so is not installed' /tmp/said"), 0);
}
