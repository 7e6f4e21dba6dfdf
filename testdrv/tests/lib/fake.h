/* SPDX-License-Identifier: MIT */
/*
 * A fake device in this process: it replaces lib/ioctl.c, and implements what the ABI says
 * of watches without a kernel. For tests of the library under sanitizers.
 */
#ifndef FAKE_H
#define FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libpinwatch.h"

#define FAKE_MAX_WATCHES	16384
#define FAKE_PAGE		4096UL
#define FAKE_HITS_ID		255U	/* the word of the handle; no watch has the id */

struct fake_watch {
	bool used;
	bool moved;		/* not all pages are where they were pinned */
	uint64_t start, end;
	uint64_t cookie;
	uint64_t hits;
	uint64_t first_generation;
	uint64_t valid_generation;
	uint32_t flags;
	uint32_t ignore_events;
};

/* Tests may set any member between calls. */
struct fake {
	unsigned long last_cmd;
	struct {			/* the last argument of each call */
		struct pinwatch_watch_add add;
		struct pinwatch_watch_verify verify;
		struct pinwatch_attach attach;
	} last;
	uint32_t abi_major, abi_minor;	/* of GET_INFO */
	uint32_t watch_flags;		/* of GET_INFO */
	size_t nr_adds;
	size_t nr_keeps;		/* WATCH_REPIN with F_KEEP */
	size_t nr_watches;
	uint64_t pinned_pages;
	/* Limits, and the errno of each */
	uint32_t max_watches;		/* ENOSPC */
	uint32_t user_watches;		/* EDQUOT */
	uint64_t memlock_pages;		/* ENOBUFS */
	uint64_t max_pin_pages;		/* EMSGSIZE */
	uint64_t big_pages;		/* big_error, unless 0 */
	int big_error;
	/* Pinning for writing fails with EFAULT in this range. */
	uint64_t read_only_start, read_only_end;
	int fail;			/* unless 0: every call fails with -errno */
	void (*on_add)(void);		/* called at the begin of WATCH_ADD */
	void (*on_del)(void);		/* called at the begin of WATCH_DEL */
	void (*on_keep)(void);		/* called at the begin of WATCH_REPIN */
	void (*on_attach)(void);
	int event_fd;			/* write events here for read() of the handle */
	struct fake_watch watches[FAKE_MAX_WATCHES];
};

extern struct fake fake;
/* membarrier() fails. */
extern bool fake_no_membarrier;

struct pinwatch *fake_open(void);
/* Close the handle and check that no watch, pinned page or memory is left. */
void fake_close(struct pinwatch *dev);

/* Address of page @nr. The fake device never touches the memory. */
static inline char *fake_page(size_t nr)
{
	return (char *)0x10000000 + nr * FAKE_PAGE;
}

/* Invalidate @length bytes: new generations for the watches that overlap. */
void fake_invalidate(const void *addr, size_t length);
/* The same, but each page stays where it is. */
void fake_disturb(const void *addr, size_t length);
/* A copy of the watch that has @id, or had @id last. */
struct fake_watch fake_watch_get(uint32_t id);

#endif /* FAKE_H */
