// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch: load and unload
 */
#include <linux/init.h>
#include <linux/module.h>
#include "core/core.h"

static int __init pinwatch_init(void)
{
	return pw_core_init();
}

static void __exit pinwatch_exit(void)
{
	pw_core_exit();
}

module_init(pinwatch_init);
module_exit(pinwatch_exit);

MODULE_DESCRIPTION("Interval notifiers and pinned-range watches over mmu_notifier");
MODULE_AUTHOR("The pinwatch developers");
MODULE_VERSION("0.1.0");
MODULE_LICENSE("GPL v2");
