// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: what the tracepoints are made of
 */
#include <linux/mmu_notifier.h>

#define CREATE_TRACE_POINTS
#include "trace.h"
