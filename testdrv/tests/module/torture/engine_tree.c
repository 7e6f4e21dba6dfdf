// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_torture: the rest of the copy of the engine: what finds a subscription
 *
 * Not in engine.c, because record.c and filter.c have static functions with the same name.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/slab.h>
#include "torture.h"
#include "engine.h"
#include "core/core.h"

/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "core/class.c"
#include "core/filter.c"
#include "core/filter_table.c"
#include "core/tree.c"
/* NOLINTEND(bugprone-suspicious-include) */
