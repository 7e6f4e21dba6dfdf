/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VERIFY: compare a watch with the page tables
 */
#ifndef _PW_VERIFY_H
#define _PW_VERIFY_H

struct pinwatch_watch_verify;
struct pw_file;
struct pw_watch;

/**
 * pw_verify_watch() - PINWATCH_IOC_WATCH_VERIFY
 * @file: The file.
 * @args: @id, @first_page and @nr_pages select the pages. The results are filled in.
 *
 * Context: process context, may sleep; no lock held.
 * Return: 0; -EINVAL if the range of pages is invalid or a reserved member is not 0;
 * -ENOENT if there is no such watch; -ENOMEM; -EAGAIN if invalidations collided for
 * longer than a second; -EINTR if a fatal signal is pending; -EFAULT if the verdicts
 * cannot be copied out; -EOPNOTSUPP without CONFIG_HMM_MIRROR; otherwise an error of
 * hmm_range_fault().
 */
#ifdef CONFIG_HMM_MIRROR
int pw_verify_watch(struct pw_file *file, struct pinwatch_watch_verify *args);

/**
 * pw_verify_pin() - is each page of a pin mapped where it was pinned?
 * @watch: A watch with a pin, ACTIVE. The caller holds op_lock and mm_users.
 * @seq: The value of the caller's read section of the watch's subscription.
 *
 * Faults pages in. Without PINWATCH_WATCH_F_PAGES, a page that is pinned for writing must
 * be writable.
 *
 * Context: process context, may sleep; no lock but op_lock held.
 * Return: 0 if all pages are; -EREMCHG if another page is mapped; -EAGAIN if an
 * invalidation collided; -EINTR if a fatal signal is pending; -ENOMEM; -EOPNOTSUPP without
 * CONFIG_HMM_MIRROR; otherwise an error of hmm_range_fault(), such as -EFAULT.
 */
int pw_verify_pin(struct pw_watch *watch, unsigned long seq);
#else
#include <linux/errno.h>

static inline int pw_verify_watch(struct pw_file *file,
				  struct pinwatch_watch_verify *args)
{
	return -EOPNOTSUPP;
}

static inline int pw_verify_pin(struct pw_watch *watch, unsigned long seq)
{
	return -EOPNOTSUPP;
}
#endif

#endif /* _PW_VERIFY_H */
