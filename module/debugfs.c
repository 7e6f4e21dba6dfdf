// SPDX-License-Identifier: GPL-2.0-only
/*
 * debugfs: live counters, address spaces and watches as tables
 *
 * For people: what programs rely on is the netlink family, which has the same. No
 * address of the kernel's is shown; an address space has a number.
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/pinwatch.h>
#include "core/core.h"
#include "debugfs.h"
#include "file.h"
#include "limits.h"
#include "query.h"
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

static int mm_show(const struct pw_mm_stats *mm, void *data)
{
	struct seq_file *m = data;

	seq_printf(m, "%8llu %8d %13lu %9u %5u %12u  %s\n", mm->number,
		   pw_mm_owner(mm->mm), mm->nr_subscriptions, mm->in_flight,
		   mm->walks, mm->waiters, mm->veto ? "yes" : "no");
	return 0;
}

/* Those that are alive. */
static int mms_show(struct seq_file *m, void *v)
{
	unsigned int i;

	seq_puts(m, "      MM      PID SUBSCRIPTIONS IN_FLIGHT WALKS      WAITERS  VETO\n");
	for (i = 0; i < BIT(PW_MM_HASH_BITS); i++)
		pw_mm_stats_each(i, mm_show, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mms);

static void file_show(struct seq_file *m, struct pw_file *file)
{
	struct pinwatch_watch_query watch = { .flags = PINWATCH_QUERY_F_NEXT };
	u64 id = 0;

	/* One that is full is made larger, and all is shown again. */
	for (; id <= U32_MAX && !seq_has_overflowed(m); id = watch.id + 1ULL) {
		watch.id = id;
		if (pw_query_watch(file, &watch))
			break;
		seq_printf(m, "%8u %7u %8d %#18llx %#12llx %#5x %10llu %8llu %#10llx %8llu  %s\n",
			   file->number, watch.id, READ_ONCE(file->owner), watch.addr,
			   watch.length, watch.watch_flags, watch.generation, watch.hits,
			   watch.causes, watch.nr_pinned,
			   watch.state == PINWATCH_STATE_ACTIVE ? "active" : "dead");
	}
}

static int watches_show(struct seq_file *m, void *v)
{
	unsigned long number = 0;
	struct pw_file *file;

	seq_puts(m, "    FILE      ID      PID               ADDR       LENGTH FLAGS");
	seq_puts(m, " GENERATION     HITS     CAUSES   PINNED  STATE\n");
	pw_file_list_lock();
	for (; !seq_has_overflowed(m) && (file = pw_file_next(&number)); number++)
		file_show(m, file);
	pw_file_list_unlock();
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(watches);

void pw_debugfs_init(void)
{
	debugfs_dir = debugfs_create_dir("pinwatch", NULL);
	debugfs_create_file("counters", 0400, debugfs_dir, NULL, &counters_fops);
	debugfs_create_file("mms", 0400, debugfs_dir, NULL, &mms_fops);
	debugfs_create_file("watches", 0400, debugfs_dir, NULL, &watches_fops);
}

void pw_debugfs_exit(void)
{
	debugfs_remove(debugfs_dir);
}
