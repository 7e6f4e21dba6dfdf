// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: statistics of each mm
 */
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/rculist.h>
#include "core.h"
#include "slot.h"
#include "walk.h"

/* Caller holds pm->lock. CPUs may change their own records: the result is a sample. */
static unsigned int stats_in_flight(struct pw_mm *pm)
{
	unsigned int i, nr = pw_nr_anon(pm);
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
	unsigned long slots = pw_call_slots(pm);
	struct pw_walk *walk;

	stats->mm = pm->mn.mm;
	stats->number = pm->number;
	stats->walks = 0;
	stats->nr_subscriptions = pm->nr_subs;
	stats->in_flight = stats_in_flight(pm);
	hlist_for_each_entry(walk, &pm->walks, node)
		stats->walks++;
	for (; slots; slots &= slots - 1)
		stats->walks += pm->calls[__ffs(slots)].entry &&
				!READ_ONCE(pm->calls[__ffs(slots)].pos);
	stats->waiters = pm->nr_waiters;
	stats->veto = !RB_EMPTY_ROOT(&pm->vetoes);
}

/*
 * RCU protects @pm, but neither the mm_struct nor the records. The last reference
 * protects those, and is dropped after pw_mm_unused() became true under the lock. Return:
 * the return value of @fn; -ENOENT if @pm is unused.
 */
static int stats_one(struct pw_mm *pm,
		     int (*fn)(const struct pw_mm_stats *stats, void *data), void *data)
{
	struct pw_mm_stats stats;
	int ret = -ENOENT;

	spin_lock(&pm->lock);
	if (!pw_mm_unused(pm)) {
		stats_fill(pm, &stats);
		ret = fn(&stats, data);
	}
	spin_unlock(&pm->lock);
	return ret;
}

/* Return: the mm with the lowest number from @number on, or NULL. Caller holds RCU. */
static struct pw_mm *stats_find(unsigned int bucket, u64 number)
{
	struct pw_mm *pm, *lowest = NULL;

	/* Pairs with mm_hash_add() (litmus mm-lookup). */
	hlist_for_each_entry_rcu(pm, &pw_mm_hash[bucket], hash)
		if (pm->number >= number && (!lowest || pm->number < lowest->number))
			lowest = pm;
	return lowest;
}

/**
 * pw_mm_stats_next() - call a function for the next registered mm in a hash bucket
 * @bucket: Index in pw_mm_hash, less than BIT(%PW_MM_HASH_BITS).
 * @number: The lowest pw_mm.number to look for. Set to the number of the mm.
 * @fn: Called under pm->lock, which invalidations take; must not sleep. With the return
 *	value -ENOENT, the function goes on with the next mm.
 * @data: Passed to @fn.
 *
 * A caller that goes on from @number + 1 misses no mm that stays registered, whichever
 * other mms are registered or unregistered between the calls.
 *
 * Context: any. Does not sleep.
 * Return: the last return value of @fn; -ENOENT if @fn was not called.
 */
int pw_mm_stats_next(unsigned int bucket, u64 *number,
		     int (*fn)(const struct pw_mm_stats *stats, void *data), void *data)
{
	struct pw_mm *pm;
	int ret = -ENOENT;

	/* Pairs with kvfree_rcu() in pw_mm_free() (litmus mm-lookup). */
	rcu_read_lock();
	for (; (pm = stats_find(bucket, *number)); ++*number) {
		*number = pm->number;
		ret = stats_one(pm, fn, data);
		if (ret != -ENOENT)
			break;
	}
	rcu_read_unlock();
	return ret;
}
