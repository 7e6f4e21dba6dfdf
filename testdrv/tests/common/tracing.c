// SPDX-License-Identifier: MIT
/* See tracing.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "test.h"
#include "tracing.h"

#define TRACEFS	"/sys/kernel/tracing"

bool tracing_mount(void)
{
	if (!access(TRACEFS "/trace", F_OK))
		return true;
	return !mount("tracefs", TRACEFS, "tracefs", 0, NULL) || errno == EBUSY;
}

static FILE *file_open(const char *path, const char *mode)
{
	FILE *file = fopen(path, mode);

	if (!file)
		FAIL("%s: %s", path, strerror(errno));
	return file;
}

void tracing_enable(const char *event, bool on)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), TRACEFS "/events/pinwatch/%s%senable", event,
		 event[0] ? "/" : "");
	file = file_open(path, "we");
	CHECK(fputs(on ? "1" : "0", file) >= 0);
	CHECK_EQ(fclose(file), 0);
}

void tracing_clear(void)
{
	CHECK_EQ(fclose(file_open(TRACEFS "/trace", "we")), 0);
}

size_t tracing_count(const char *const *words, char *line, size_t size)
{
	FILE *file = file_open(TRACEFS "/trace", "re");
	const char *const *word;
	char text[1024];
	size_t nr = 0;

	while (fgets(text, sizeof(text), file)) {
		for (word = words; *word && strstr(text, *word); word++)
			;
		if (*word || text[0] == '#')
			continue;
		nr++;
		snprintf(line, size, "%.*s", (int)strcspn(text, "\n"), text);
	}
	fclose(file);
	return nr;
}

bool tracing_field(const char *line, const char *name, char *value, size_t size)
{
	char key[64];
	const char *at;

	snprintf(key, sizeof(key), " %s=", name);
	at = strstr(line, key);
	if (!at)
		return false;
	at += strlen(key);
	snprintf(value, size, "%.*s", (int)strcspn(at, " "), at);
	return true;
}
