/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VERIFY: compare a watch with the page tables
 */
#ifndef _PW_VERIFY_H
#define _PW_VERIFY_H

struct pinwatch_watch_verify;
struct pw_file;

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
#else
#include <linux/errno.h>

static inline int pw_verify_watch(struct pw_file *file,
				  struct pinwatch_watch_verify *args)
{
	return -EOPNOTSUPP;
}
#endif

#endif /* _PW_VERIFY_H */
