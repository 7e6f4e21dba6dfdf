/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * debugfs: pinwatch/counters, mms and watches, for people
 */
#ifndef _PW_DEBUGFS_H
#define _PW_DEBUGFS_H

/**
 * pw_debugfs_init() - make the files; without debugfs, nothing
 *
 * Context: module init, after the files'.
 */
void pw_debugfs_init(void);

/**
 * pw_debugfs_exit() - remove them
 *
 * Context: module exit, before the files'.
 */
void pw_debugfs_exit(void);

#endif /* _PW_DEBUGFS_H */
