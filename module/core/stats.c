// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: figures of each mm, for whoever shows them
 */
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/rculist.h>
#include "core.h"

/* Under pm->lock. CPUs start and end meanwhile: true of no moment in particular. */
static unsigned int stats_in_flight(struct pw_mm *pm)
{
	unsigned int i, nr = pm->nr_anon;
	struct pw_extra_record *extra;

	for (i = 0; i < pm->nr_recs; i++)
		nr += !!READ_ONCE(pw_record_nr(pm, i)->key);
	list_for_each_entry(extra, &pm->extra, node)
		nr++;
	return nr;
}

/* Under pm->lock. */
static void stats_fill(struct pw_mm *pm, struct pw_mm_stats *stats)
{
	struct pw_walk *walk;

	stats->mm = pm->mn.mm;
	stats->number = pm->number;
	stats->walks = 0;
	stats->nr_subscriptions = pm->nr_subs;
	stats->in_flight = stats_in_flight(pm);
	list_for_each_entry(walk, &pm->walks, node)
		stats->walks++;
	stats->waiters = pm->nr_waiters;
	stats->veto = pm->veto;
}

/*
 * RCU keeps @pm, and not its mm_struct nor its records: those go with the last
 * reference, which is dropped after pw_mm_unused() became true under the lock.
 */
static int stats_one(struct pw_mm *pm,
		     int (*fn)(const struct pw_mm_stats *stats, void *data), void *data)
{
	struct pw_mm_stats stats;
	int ret = 0;

	spin_lock(&pm->lock);
	if (!pw_mm_unused(pm)) {
		stats_fill(pm, &stats);
		ret = fn(&stats, data);
	}
	spin_unlock(&pm->lock);
	return ret;
}

/**
 * pw_mm_stats_each() - the figures of each mm that is registered with and lives
 * @bucket: Of the hash, below BIT(%PW_MM_HASH_BITS).
 * @fn: Called for each mm in it, under a spinlock that invalidations take; must not
 *	sleep. Not 0 ends that.
 * @data: For @fn.
 *
 * Context: any. Does not sleep.
 * Return: what @fn last returned, 0 if it was never called.
 */
int pw_mm_stats_each(unsigned int bucket,
		     int (*fn)(const struct pw_mm_stats *stats, void *data), void *data)
{
	struct pw_mm *pm;
	int ret = 0;

	rcu_read_lock();
	hlist_for_each_entry_rcu(pm, &pw_mm_hash[bucket], hash) {
		ret = stats_one(pm, fn, data);
		if (ret)
			break;
	}
	rcu_read_unlock();
	return ret;
}
