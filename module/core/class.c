// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: event filters
 *
 * Subscriptions that share an event filter are in a tree of their own. An invalidation
 * whose event a filter rejects does not search the tree of that filter: a fork of a
 * process with a million filtered subscriptions costs as much as without them. Filters
 * apply to the walk only. Every invalidation is recorded, and insert applies the filter
 * to each record that overlaps the new subscription.
 */
#include <linux/mmu_notifier.h>
#include "core.h"

/* The kernel sets range->owner for MIGRATE and EXCLUSIVE only. */
static bool event_has_owner(unsigned int event)
{
	return event >= MMU_NOTIFY_MIGRATE;
}

bool pw_filter_rejects(const void *owner, unsigned int ignore_events,
		       unsigned int event, const void *range_owner)
{
	if (event < 32 && ignore_events & BIT(event))
		return true;
	return owner && event_has_owner(event) && range_owner == owner;
}

/* Return: the class of a filter among the classes from @base on; @base if there is none. */
static unsigned int class_of_filter(struct pw_mm *pm, unsigned int base,
				    const struct pinwatch_interval_notifier_ops *ops)
{
	unsigned int i, empty = base;

	for (i = base + 1; i < base + PW_CLASS_SLEEPS; i++) {
		struct pw_class *class = &pm->classes[i];

		if (RB_EMPTY_ROOT(&class->tree)) {
			empty = empty == base ? i : empty;
		} else if (class->owner == ops->owner &&
			   class->ignore_events == ops->ignore_events) {
			return i;
		}
	}
	if (empty != base) {
		pm->classes[empty].owner = ops->owner;
		pm->classes[empty].ignore_events = ops->ignore_events;
	}
	return empty;
}

/**
 * pw_class_of() - find the class of a subscription, or assign an empty class to its filter
 * @pm: The mm.
 * @ops: The callbacks. Without PW_SUB_FILTERED, the filter is not read.
 * @flags: PW_SUB_* flags.
 *
 * Context: under pm->lock.
 * Return: index in pm->classes. If all classes are in use by other filters, the class
 * without a filter: the walk then tests each subscription.
 */
unsigned int pw_class_of(struct pw_mm *pm, const struct pinwatch_interval_notifier_ops *ops,
			 unsigned int flags)
{
	unsigned int class = flags & PW_SUB_SLEEPS ? PW_CLASS_SLEEPS : 0;

	lockdep_assert_held(&pm->lock);
	if (flags & PW_SUB_FILTERED)
		class = class_of_filter(pm, class, ops);
	pm->nr_classes = max(pm->nr_classes, class + 1);
	return class;
}
