// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch: load and unload
 */
#include <linux/init.h>
#include <linux/module.h>
#include "chardev.h"
#include "core/core.h"
#include "debugfs.h"
#include "file.h"
#include "genl.h"

static int __init pinwatch_init(void)
{
	int ret;

	ret = pw_core_init();
	if (ret)
		return ret;
	ret = pw_file_init();
	if (ret)
		goto err_core;
	ret = pw_genl_init();
	if (ret)
		goto err_file;
	/* Last: from here on, programs can create watches. */
	ret = pw_chardev_init();
	if (ret)
		goto err_genl;
	pw_debugfs_init();
	return 0;

err_genl:
	pw_genl_exit();
err_file:
	pw_file_exit();
err_core:
	pw_core_exit();
	return ret;
}

static void __exit pinwatch_exit(void)
{
	pw_debugfs_exit();
	pw_chardev_exit();
	pw_genl_exit();
	pw_file_exit();
	pw_core_exit();
}

module_init(pinwatch_init);
module_exit(pinwatch_exit);

MODULE_DESCRIPTION("Interval notifiers and pinned-range watches over mmu_notifier");
MODULE_AUTHOR("The pinwatch developers");
MODULE_VERSION("0.2.0");
MODULE_LICENSE("GPL v2");
