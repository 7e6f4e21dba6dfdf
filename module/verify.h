/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VERIFY: does a watch still match the page tables?
 */
#ifndef _PW_VERIFY_H
#define _PW_VERIFY_H

struct pinwatch_watch_verify;
struct pw_file;

/**
 * pw_verify_watch() - PINWATCH_IOC_WATCH_VERIFY
 * @file: The file.
 * @args: Which watch and pages; the results are filled in.
 *
 * Context: process context, may sleep; no lock held.
 * Return: 0, or what the ABI lists.
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
