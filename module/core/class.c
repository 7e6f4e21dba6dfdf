// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch core: event filters
 *
 * Subscriptions that do not want all events are kept in trees of their own, one
 * for each different filter in use: an event that a filter rejects never looks
 * at its tree, so a fork costs a process with a million filtered subscriptions
 * what it costs without them. Filters prune the walk only. The range in flight is
 * recorded all the same, and an insert into it applies the same filter.
 */
#include <linux/mmu_notifier.h>
#include "core.h"

/* owner is set by the kernel for these two events only. */
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

/**
 * pw_class_of() - the class for a filter
 * @pm: The mm; under its lock.
 * @ops: With a filter.
 *
 * An empty class takes the first filter that comes.
 *
 * Return: its index in pm->classes; 0 when none is left: each subscription is
 * then tested by itself.
 */
unsigned int pw_class_of(struct pw_mm *pm,
			 const struct pinwatch_interval_notifier_ops *ops)
{
	unsigned int i, empty = 0;

	lockdep_assert_held(&pm->lock);
	for (i = 1; i < PW_NR_CLASSES; i++) {
		struct pw_class *class = &pm->classes[i];

		if (RB_EMPTY_ROOT(&class->tree)) {
			empty = empty ? : i;
		} else if (class->owner == ops->owner &&
			   class->ignore_events == ops->ignore_events) {
			return i;
		}
	}
	if (empty) {
		pm->classes[empty].owner = ops->owner;
		pm->classes[empty].ignore_events = ops->ignore_events;
		pm->nr_classes = max(pm->nr_classes, empty + 1);
	}
	return empty;
}
