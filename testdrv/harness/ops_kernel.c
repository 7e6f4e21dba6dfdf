// SPDX-License-Identifier: MIT
/* What the kernel's own threads do to an address space. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ops.h"

#define KSM_RUN		"/sys/kernel/mm/ksm/run"
#define KSM_FULL_SCANS	"/sys/kernel/mm/ksm/full_scans"

/* A page is merged at the second sight; one more for a scan under way. */
#define KSM_SCANS	4
#define KSM_TIMEOUT_NS	(10ULL * 1000000000)
#define KSM_POLL_US	1000

static long knob_read(const char *path)
{
	char text[32] = "";
	FILE *file = fopen(path, "re");
	long value = -1;

	if (!file)
		return -1;
	if (fgets(text, sizeof(text), file))
		value = strtol(text, NULL, 10);
	fclose(file);
	return value;
}

static int knob_write(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static const char *lacks_ksm(void)
{
	return knob_read(KSM_RUN) ? "KSM that is not running already" : NULL;
}

static int map_mergeable(struct subject *subject)
{
	int ret = subject_map_written(subject);

	if (ret)
		return ret;
	return madvise(subject->addr, subject->length, MADV_MERGEABLE) ? -errno : 0;
}

/* Wait for what ksmd does in its own time. */
static int ksm_wait(void)
{
	long scans = knob_read(KSM_FULL_SCANS) + KSM_SCANS;
	uint64_t deadline = now_ns() + KSM_TIMEOUT_NS;

	while (knob_read(KSM_FULL_SCANS) < scans) {
		if (now_ns() > deadline)
			return -ETIMEDOUT;
		usleep(KSM_POLL_US);
	}
	return 0;
}

/* Stopping KSM waits for the batch that ksmd is in. */
static int act_merge(struct actor *actor)
{
	int ret, stop;

	actor_begin(actor);
	ret = knob_write(KSM_RUN, "1");
	if (!ret)
		ret = ksm_wait();
	stop = knob_write(KSM_RUN, "0");
	actor_end(actor, 0);
	return ret ? ret : stop;
}

const struct demo_op ops_kernel[] = {
	{
		.name = "equal pages merged (KSM)", .who = DEMO_KERNEL, .global = true,
		.map = map_mergeable, .act = act_merge, .lacks = lacks_ksm,
		.watch = MUST_CHANGE, .pin = MAY_KEEP, .pin_flags = PIN_WRITE,
	},
	{ .name = NULL },
};
