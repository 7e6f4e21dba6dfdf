// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: the code of the tracepoints
 */
#include <linux/mmu_notifier.h>

#define CREATE_TRACE_POINTS
#include "trace.h"
