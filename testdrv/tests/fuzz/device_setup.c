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
#define SETTLE_POLLS	10000	/* with a pause of 1 ms */

static struct limit {
	const char *path;
	unsigned long value;
	unsigned long old;
} limits[] = {
	{ PARAMETERS "max_watches_per_file", EXECUTION_IDS, 0 },
	{ PARAMETERS "max_watches_per_user", 96, 0 },
	{ PARAMETERS "max_watches_per_page", 24, 0 },
	{ PARAMETERS "max_pin_pages", 14, 0 },
	{ PARAMETERS "max_pin_pages_per_user", 128, 0 },
};

#define NR_LIMITS	(sizeof(limits) / sizeof(limits[0]))

static bool done(bool success, const char *path)
{
	if (!success)
		printf("# %s: %s\n", path, strerror(errno));
	return success;
}

/* Keep the old value, unless NULL. */
static bool limit_set(const struct limit *limit, unsigned long value, unsigned long *old)
{
	FILE *file = fopen(limit->path, "r+e");
	bool success = file && (!old || fscanf(file, "%lu", old) == 1);

	success = success && !fseek(file, 0, SEEK_SET) && fprintf(file, "%lu", value) > 0;
	if (file && fclose(file))
		success = false;
	return done(success, limit->path);
}

bool device_prepare(void)
{
	size_t i;

	for (i = 0; i < NR_LIMITS; i++)
		if (!limit_set(&limits[i], limits[i].value, &limits[i].old))
			return false;
	return done(!chmod(PINWATCH_DEVICE, 0666), PINWATCH_DEVICE);
}

void device_restore(void)
{
	size_t i;

	for (i = 0; i < NR_LIMITS; i++)
		limit_set(&limits[i], limits[i].old, NULL);
	done(!chmod(PINWATCH_DEVICE, 0600), PINWATCH_DEVICE);
}

bool device_stats(struct pinwatch_stats *stats)
{
	int fd = open(PINWATCH_DEVICE, O_RDWR | O_CLOEXEC);
	bool success;

	*stats = (struct pinwatch_stats){ .size = sizeof(*stats) };
	success = done(fd >= 0 && !ioctl(fd, PINWATCH_IOC_GET_STATS, stats), PINWATCH_DEVICE);
	if (fd >= 0)
		close(fd);
	return success;
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
 * A descriptor in flight that no process can receive stays open until the kernel collects
 * such descriptors, which it does when a process closes any UNIX socket.
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
