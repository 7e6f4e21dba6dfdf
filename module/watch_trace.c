// SPDX-License-Identifier: GPL-2.0-only
/*
 * The code of the tracepoints of watches
 */
#include <linux/pinwatch.h>
#include "watch.h"

#define CREATE_TRACE_POINTS
#include "watch_trace.h"
