/* SPDX-License-Identifier: GPL-2.0-only */
/* Nothing of its own; what the core takes from it is in the header below */
#ifndef _SHIM_SCHED_SIGNAL_H
#define _SHIM_SCHED_SIGNAL_H
#include <linux/mm_types.h>
#endif
