/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * custom: milliseconds. Fibers: a clock that stands still until a test moves it,
 * or until no task can run; it begins just before it wraps. Threads: the machine's.
 */
#ifndef _SHIM_JIFFIES_H
#define _SHIM_JIFFIES_H
#include <linux/compiler.h>

#define HZ			1000
#define jiffies			shim_jiffies()
#define MAX_SCHEDULE_TIMEOUT	LONG_MAX
#define msecs_to_jiffies(ms)	((unsigned long)(ms))
#define time_before(a, b)	((long)((a) - (b)) < 0)
#define time_after(a, b)	time_before(b, a)

unsigned long shim_jiffies(void);
void shim_tick(unsigned long n);	/* fibers: move the clock */
#endif
