// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: statistics of each mm
 */
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/rculist.h>
#include "core.h"

/* Caller holds pm->lock. CPUs may change their own records: the result is a sample. */
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

/* Caller holds pm->lock. */
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
 * RCU protects @pm, but neither the mm_struct nor the records. The last reference
 * protects those, and is dropped after pw_mm_unused() became true under the lock.
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
 * pw_mm_stats_each() - call a function for each registered mm in a hash bucket
 * @bucket: Index in pw_mm_hash, less than BIT(%PW_MM_HASH_BITS).
 * @fn: Called under pm->lock, which invalidations take; must not sleep. A return value
 *	other than 0 ends the iteration.
 * @data: Passed to @fn.
 *
 * Context: any. Does not sleep.
 * Return: the last return value of @fn; 0 if @fn was not called.
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
