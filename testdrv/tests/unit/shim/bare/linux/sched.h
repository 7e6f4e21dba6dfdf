/* SPDX-License-Identifier: GPL-2.0-only */
/* What the core takes from it beside cond_resched() is in the header below */
#ifndef _SHIM_SCHED_H
#define _SHIM_SCHED_H
#include <linux/mm_types.h>

void cond_resched(void);	/* task.c */
#endif
