// SPDX-License-Identifier: MIT
/* See device_setup.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "execute.h"
#include "device_setup.h"

#define PARAMETERS	"/sys/module/pinwatch/parameters/"
#define SETTLE_POLLS	10000	/* of one millisecond */

static struct limit {
	const char *path;
	unsigned long value;
	unsigned long old;
} limits[] = {
	{ PARAMETERS "max_watches_per_file", EXECUTION_IDS, 0 },
	{ PARAMETERS "max_watches_per_user", 96, 0 },
	{ PARAMETERS "max_pin_pages", 14, 0 },
};

#define NR_LIMITS	(sizeof(limits) / sizeof(limits[0]))

static bool limit_set(const char *path, unsigned long value)
{
	FILE *file = fopen(path, "we");
	bool done = file && fprintf(file, "%lu", value) > 0;

	if (file && fclose(file))
		done = false;
	if (!done)
		printf("# %s: %s\n", path, strerror(errno));
	return done;
}

static bool limit_get(struct limit *limit)
{
	FILE *file = fopen(limit->path, "re");
	bool done = file && fscanf(file, "%lu", &limit->old) == 1;

	if (file)
		fclose(file);
	if (!done)
		printf("# %s: %s\n", limit->path, strerror(errno));
	return done;
}

bool device_prepare(void)
{
	size_t i;

	for (i = 0; i < NR_LIMITS; i++)
		if (!limit_get(&limits[i]) || !limit_set(limits[i].path, limits[i].value))
			return false;
	if (!chmod(PINWATCH_DEVICE, 0666))
		return true;
	printf("# %s: %s\n", PINWATCH_DEVICE, strerror(errno));
	return false;
}

void device_restore(void)
{
	size_t i;

	for (i = 0; i < NR_LIMITS; i++)
		limit_set(limits[i].path, limits[i].old);
	if (chmod(PINWATCH_DEVICE, 0600))
		printf("# %s: %s\n", PINWATCH_DEVICE, strerror(errno));
}

bool device_stats(struct pinwatch_stats *stats)
{
	int fd = open(PINWATCH_DEVICE, O_RDWR | O_CLOEXEC);
	bool done;

	*stats = (struct pinwatch_stats){ .size = sizeof(*stats) };
	done = fd >= 0 && !ioctl(fd, PINWATCH_IOC_GET_STATS, stats);
	if (!done)
		printf("# %s: %s\n", PINWATCH_DEVICE, strerror(errno));
	if (fd >= 0)
		close(fd);
	return done;
}

static bool same(const struct pinwatch_stats *a, const struct pinwatch_stats *b)
{
	return a->nr_mms == b->nr_mms && a->nr_subscriptions == b->nr_subscriptions &&
	       a->nr_files == b->nr_files && a->nr_watches == b->nr_watches &&
	       a->pinned_pages == b->pinned_pages;
}

static void stats_print(const char *when, const struct pinwatch_stats *s)
{
	printf("# %s: %llu address spaces, %llu subscriptions, %llu files, %llu watches,",
	       when, (unsigned long long)s->nr_mms, (unsigned long long)s->nr_subscriptions,
	       (unsigned long long)s->nr_files, (unsigned long long)s->nr_watches);
	printf(" %llu pinned pages; %llu walks, %llu callbacks, %llu waits, %llu overflows\n",
	       (unsigned long long)s->pinned_pages, (unsigned long long)s->walks,
	       (unsigned long long)s->callbacks, (unsigned long long)s->waits,
	       (unsigned long long)s->overflows);
}

/*
 * A descriptor in flight that nobody can receive any more stays until the kernel looks
 * for such: when some socket of the kind ends.
 */
static void flights_end(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return;
	close(ends[0]);
	close(ends[1]);
}

bool device_is_back(const struct pinwatch_stats *start)
{
	struct pinwatch_stats now = { 0 };
	bool known;
	int i;

	flights_end();
	known = device_stats(&now);
	for (i = 0; i < SETTLE_POLLS && known && !same(start, &now); i++) {
		usleep(1000);
		flights_end();
		known = device_stats(&now);
	}
	stats_print("start", start);
	stats_print("end", &now);
	return known && same(start, &now);
}
