// SPDX-License-Identifier: MIT
/* See storm.h. */
#include <signal.h>

#include "device.h"
#include "storm.h"

static void *storm_run(void *data)
{
	struct storm *storm = data;

	while (!__atomic_load_n(&storm->stop, __ATOMIC_ACQUIRE))
		dontneed(storm->addr, page_size());
	return NULL;
}

void storm_start(struct storm *storm, char *addr)
{
	sigset_t all, old;

	*storm = (struct storm){ .addr = addr };
	sigfillset(&all);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &all, &old), 0);
	CHECK_EQ(pthread_create(&storm->thread, NULL, storm_run, storm), 0);
	CHECK_EQ(pthread_sigmask(SIG_SETMASK, &old, NULL), 0);
}

void storm_stop(struct storm *storm)
{
	__atomic_store_n(&storm->stop, true, __ATOMIC_RELEASE);
	pthread_join(storm->thread, NULL);
}
