/* SPDX-License-Identifier: MIT */
/*
 * libpinwatch-mr.so, the preload of pinwatch mr: a watch for each registration
 *
 * mr.c		registrations and their watches
 * mr_session.c	the device and the table of the process, and the hand-over to the tool
 * mr_post.c	posts
 * mr_where.c	backtraces
 */
#ifndef MR_H
#define MR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <infiniband/verbs.h>

#include "libpinwatch.h"
#include "mr_table.h"

/*
 * struct mr_session - a device and a table, which the tool has, too
 * @dev: The device. The program may have closed the descriptor: mr_session_usable().
 * @table: Shared with the tool.
 * @device, @inode: Identity of the descriptor.
 *
 * Constant. A session is never freed, since watches of it outlive its descriptor.
 */
struct mr_session {
	struct pinwatch *dev;
	struct mr_table *table;
	dev_t device;
	ino_t inode;
};

/*
 * Open the device, make the table, and send both to the tool. Returns 0 or -errno. Tests
 * define the function themselves.
 */
int mr_session_open(struct mr_session *session);

/* The descriptor is the one that mr_session_open() opened. */
bool mr_session_usable(const struct mr_session *session);

/*
 * Count a use for each watched registration of @context whose pages were exchanged and whose
 * lkey @sge has.
 */
void mr_use(struct ibv_context *context, const struct ibv_sge *sge, int nr_sge);

/* A registration may have exchanged pages. False costs two loads. */
bool mr_use_possible(void);

/* Have posts to queue pairs of @context call mr_use(). Caller holds no lock. */
void mr_post_wrap(struct ibv_context *context);

/* Write a backtrace without the functions of this object: a line for each frame. */
void mr_where(char *text, size_t size);

#endif /* MR_H */
