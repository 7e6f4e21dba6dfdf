/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * debugfs: pinwatch/counters
 */
#ifndef _PW_DEBUGFS_H
#define _PW_DEBUGFS_H

/**
 * pw_debugfs_init() - create the file; without CONFIG_DEBUG_FS, do nothing
 *
 * Context: module init, after pw_genl_init().
 */
void pw_debugfs_init(void);

/**
 * pw_debugfs_exit() - remove the file
 *
 * Context: module exit, before pw_genl_exit().
 */
void pw_debugfs_exit(void);

#endif /* _PW_DEBUGFS_H */
