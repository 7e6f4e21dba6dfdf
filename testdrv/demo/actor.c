// SPDX-License-Identifier: MIT
/* The actor: performs an operation; see actor.h. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "actor.h"
#include "subject.h"
#include "sysfs.h"

#define SCAN_TIMEOUT_NS	(20ULL * 1000000000)
#define SCAN_POLL_US	1000

void actor_begin(struct actor *actor)
{
	__atomic_store_n(&actor->subject->begin_ns, now_ns(), __ATOMIC_RELEASE);
}

int actor_end(struct actor *actor, long ret)
{
	int error = ret == -1 ? -errno : 0;
	struct subject *subject = actor->subject;

	subject->generation = word_load(&actor->words[subject->watch_id]);
	subject->pages_generation = word_load(&actor->words[subject->pages_id]);
	subject->control_generation = word_load(&actor->words[subject->control_id]);
	return error;
}

int actor_proc_open(const struct actor *actor, const char *file, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", actor->subject->pid, file);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int actor_wait_scans(const char *counter, unsigned int nr_scans)
{
	long scans = sysfs_read(counter) + (long)nr_scans;
	uint64_t deadline = now_ns() + SCAN_TIMEOUT_NS;

	while (sysfs_read(counter) < scans) {
		if (now_ns() > deadline)
			return -ETIMEDOUT;
		usleep(SCAN_POLL_US);
	}
	return 0;
}
