// SPDX-License-Identifier: GPL-2.0-only
/*
 * debugfs: the counters that the netlink family reports, readable without a program
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include "core/core.h"
#include "debugfs.h"
#include "limits.h"
#include "ring.h"

static struct dentry *debugfs_dir;

static void show(struct seq_file *m, const char *name, u64 value)
{
	seq_printf(m, "%-17s %llu\n", name, value);
}

static int counters_show(struct seq_file *m, void *v)
{
	struct pw_core_stats core;
	u64 sent, lost;

	pw_core_stats(&core);
	pw_ring_counts(&sent, &lost);
	show(m, "nr_mms", core.nr_mms);
	show(m, "nr_subscriptions", core.nr_subscriptions);
	show(m, "nr_files", atomic_long_read(&pw_counters.nr_files));
	show(m, "nr_watches", atomic_long_read(&pw_counters.nr_watches));
	show(m, "pinned_pages", atomic_long_read(&pw_counters.pinned_pages));
	show(m, "walks", core.walks);
	show(m, "callbacks", core.callbacks);
	show(m, "waits", core.waits);
	show(m, "remove_waits", core.remove_waits);
	show(m, "overflows", core.overflows);
	show(m, "vetoes", core.vetoes);
	show(m, "events_sent", sent);
	show(m, "events_lost", lost);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

void pw_debugfs_init(void)
{
	debugfs_dir = debugfs_create_dir("pinwatch", NULL);
	debugfs_create_file("counters", 0400, debugfs_dir, NULL, &counters_fops);
}

void pw_debugfs_exit(void)
{
	debugfs_remove(debugfs_dir);
}
