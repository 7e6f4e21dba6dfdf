/* SPDX-License-Identifier: MIT */
/*
 * A device in this process, in place of lib/ioctl.c: what the ABI says of watches,
 * without a kernel. For tests of the library under sanitizers.
 */
#ifndef FAKE_H
#define FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libpinwatch.h"

#define FAKE_MAX_WATCHES	4096
#define FAKE_PAGE		4096UL

struct fake_watch {
	bool used;
	uint64_t start, end;
	uint64_t cookie;
	uint64_t hits;
	uint64_t valid_generation;
	uint32_t flags;
	uint32_t ignore_events;
};

/* Tests may set what they like between calls. */
struct fake {
	unsigned long last_cmd;
	struct {			/* the last argument of each, as it came in */
		struct pinwatch_watch_add add;
		struct pinwatch_watch_verify verify;
		struct pinwatch_attach attach;
	} last;
	size_t nr_adds;
	size_t nr_watches;
	uint64_t pinned_pages;
	/* Limits, and the errno of each */
	uint32_t max_watches;		/* ENOSPC */
	uint32_t user_watches;		/* EDQUOT */
	uint64_t memlock_pages;		/* ENOMEM */
	uint64_t max_pin_pages;		/* ENOMEM */
	int fail;			/* every call fails so, unless 0 */
	void (*on_add)(void);		/* in WATCH_ADD, before anything is done */
	void (*on_attach)(void);
	int event_fd;			/* what is written here can be read as events */
	struct fake_watch watches[FAKE_MAX_WATCHES];
};

extern struct fake fake;

/* A handle. pinwatch_close() is its end. */
struct pinwatch *fake_open(void);

/* The mapping of these bytes is changed: as the module would tell. */
void fake_invalidate(const void *addr, size_t length);

/* Nothing is left of what a test made. */
void fake_check_clean(void);

#endif /* FAKE_H */
