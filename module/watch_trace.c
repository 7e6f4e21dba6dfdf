// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tracepoints of watches are made of
 */
#include <linux/pinwatch.h>
#include "watch.h"

#define CREATE_TRACE_POINTS
#include "watch_trace.h"
