/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Adding and repinning watches: WATCH_ADD and WATCH_REPIN
 */
#ifndef _PW_WATCH_PIN_H
#define _PW_WATCH_PIN_H

#include <linux/pinwatch.h>

struct pw_file;
struct pw_watch;

/* The flags that WATCH_ADD accepts */
#define PW_WATCH_FLAGS	(PINWATCH_WATCH_F_PIN | PINWATCH_WATCH_F_WRITE | \
			 PINWATCH_WATCH_F_ONESHOT | PINWATCH_WATCH_F_STACK | \
			 PINWATCH_WATCH_F_PAGES)

/**
 * pw_watch_add() - PINWATCH_IOC_WATCH_ADD
 * @file: The file. A success fixes its binding.
 * @args: The request. The results are filled in.
 *
 * Context: process context, may sleep; no lock held.
 * Return: the active watch, with a reference for the caller; an ERR_PTR of: -EINVAL if
 * a member of @args is invalid; -EOVERFLOW if the range is outside the address space;
 * -EPERM for PINWATCH_WATCH_F_STACK without CAP_SYSLOG; -EXDEV if the file is bound to
 * another address space; -EOPNOTSUPP to pin after ATTACH; -ESRCH if the address space is
 * gone; -EDQUOT, -ENOSPC, -ENOMEM, -ENOBUFS, -EMSGSIZE as pw_watch_alloc(),
 * pw_generation_slot() and pw_pin_alloc(); -EFAULT if a page cannot be pinned; -EINTR if a
 * fatal signal is pending; -EAGAIN if invalidations collided for longer than a second.
 */
struct pw_watch *pw_watch_add(struct pw_file *file, struct pinwatch_watch_add *args);

/**
 * pw_watch_repin() - PINWATCH_IOC_WATCH_REPIN
 * @watch: The watch. The caller holds a reference.
 * @args: The results are filled in.
 *
 * Context: process context, may sleep; no lock held.
 * Return: 0; -EINVAL for PINWATCH_REPIN_F_KEEP of a watch without a pin; -EREMCHG for
 * PINWATCH_REPIN_F_KEEP if a page is not where it was; -ENOENT if the watch is being
 * deleted; -ESRCH if its address space is gone; -EXDEV or -EOPNOTSUPP as
 * pw_file_check_mm(); -ENOMEM, -ENOBUFS or -EMSGSIZE as pw_pin_alloc(); -EFAULT if a page
 * cannot be pinned; -EINTR if a fatal signal is pending; -EAGAIN if invalidations collided
 * for longer than a second.
 */
int pw_watch_repin(struct pw_watch *watch, struct pinwatch_watch_repin *args);

#endif /* _PW_WATCH_PIN_H */
