// SPDX-License-Identifier: MIT
/* See leftover.h. */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "leftover.h"

static void file_print(const char *task, const char *name)
{
	char path[300], line[300];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", task, name);
	file = fopen(path, "re");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file))
		printf("# %s: %s%s", path, line, strchr(line, '\n') ? "" : "\n");
	fclose(file);
}

/* @task, "/proc/PID/task/TID", is of another process with the name of the caller. */
static int is_ours(const char *task)
{
	char path[300], name[32] = "";
	FILE *file;

	if (strtol(task + strlen("/proc/"), NULL, 10) == getpid())
		return 0;
	snprintf(path, sizeof(path), "%s/comm", task);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (!fgets(name, sizeof(name), file))
		name[0] = '\0';
	fclose(file);
	name[strcspn(name, "\n")] = '\0';
	return !strcmp(name, program_invocation_short_name);
}

void processes_print(void)
{
	static const char *const names[] = { "stat", "wchan", "syscall", "stack" };
	glob_t tasks;
	size_t i, j;

	if (glob("/proc/[0-9]*/task/[0-9]*", GLOB_NOSORT, NULL, &tasks))
		return;
	for (i = 0; i < tasks.gl_pathc; i++)
		for (j = 0; j < 4 && is_ours(tasks.gl_pathv[i]); j++)
			file_print(tasks.gl_pathv[i], names[j]);
	globfree(&tasks);
}
