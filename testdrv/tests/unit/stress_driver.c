// SPDX-License-Identifier: GPL-2.0-only
/* The driver of stress.c. An SPTE of a driver holds the version that the driver read. */
#include <stdlib.h>
#include "stress_state.h"

bool wants(const struct obj *o, enum kind kind)
{
	return kind == WANTED ||
	       (kind == SOFT_DIRTY && !(o->ops->ignore_events & BIT(MMU_NOTIFY_SOFT_DIRTY))) ||
	       (kind == OWN_MIGRATION && !o->ops->owner);
}

/* The version of a page that @o sees. All versions are below 2^32. */
unsigned long page_value(const struct obj *o, unsigned int p)
{
	return READ_ONCE(stress.version[p]) +
	       (wants(o, SOFT_DIRTY) ? READ_ONCE(stress.soft[p]) << 32 : 0);
}

/* Caller holds the user lock. Each SPTE must hold the current version of the page. */
void check_sptes(struct obj *o)
{
	unsigned int p;

	for (p = o->first; p <= o->last; p++) {
		unsigned long version = page_value(o, p);

		if (o->spte[p] && o->spte[p] != version)
			shim_die("stale SPTE of page %u: %lu, the page is at %lu; "
				 "seq %lx, state %llx, mm_users %d",
				 p, o->spte[p], version,
				 o->sub.invalidate_seq, (unsigned long long)o->sub.state,
				 atomic_read(&stress.mm->mm_users));
	}
}

static bool invalidate(struct pinwatch_interval_notifier *sub,
		       const struct mmu_notifier_range *range, unsigned long seq)
{
	struct obj *o = container_of(sub, struct obj, sub);
	unsigned long last = range->end - (range->end != ULONG_MAX);
	unsigned int p;

	REQUIRE(load(o->magic) == MAGIC);
	REQUIRE(!shim_self()->atomic_depth);
	REQUIRE(range->event != MMU_NOTIFY_SOFT_DIRTY || wants(o, SOFT_DIRTY));
	REQUIRE(range->event != MMU_NOTIFY_MIGRATE || range->owner != &stress ||
		wants(o, OWN_MIGRATION));
	REQUIRE(o->ops->flags || mmu_notifier_range_blockable(range));
	REQUIRE(range->start <= sub->interval_tree.last && last >= sub->interval_tree.start);
	count(callbacks);
	add(o->running, 1);
	spin_lock(&o->user_lock);
	if (range->event == MMU_NOTIFY_MIGRATE) {
		count(refused);
	} else {
		pinwatch_interval_set_seq(sub, seq);
		for (p = o->first; p <= o->last; p++)
			if (page_start(p) <= last && page_last(p) >= range->start)
				o->spte[p] = 0;
		check_sptes(o);
	}
	spin_unlock(&o->user_lock);
	if (mmu_notifier_range_blockable(range) && !shim_rand(4))
		shim_yield();
	REQUIRE(load(o->magic) == MAGIC);
	add(o->running, -1);
	return true;
}

static bool invalidate_start(struct pinwatch_interval_notifier *sub,
			     const struct mmu_notifier_range *range, unsigned long seq,
			     struct pinwatch_interval_notifier_finish **finish)
{
	struct pass *pass;

	REQUIRE(!*finish);
	invalidate(sub, range, seq);
	if (!shim_rand(4))
		return true;
	pass = calloc(1, sizeof(*pass));
	pass->obj = container_of(sub, struct obj, sub);
	add(pass->obj->running, 1);
	*finish = &pass->finish;
	return true;
}

static void invalidate_finish(struct pinwatch_interval_notifier_finish *finish)
{
	struct pass *pass = container_of(finish, struct pass, finish);
	struct obj *o = pass->obj;

	REQUIRE(finish->notifier == &o->sub);
	REQUIRE(load(o->magic) == MAGIC);
	count(finishes);
	if (!shim_rand(4))
		shim_yield();
	REQUIRE(load(o->magic) == MAGIC);
	add(o->running, -1);
	free(pass);
}

void obj_free(struct pinwatch_interval_notifier *sub)
{
	struct obj *o = container_of(sub, struct obj, sub);

	REQUIRE(load(o->magic) == MAGIC);
	REQUIRE(!load(o->running));
	memset(o, 0x6b, sizeof(*o));
	free(o);
	add(stress.live, -1);
}

#define PLAIN		.invalidate = invalidate, .free = obj_free
#define TWO_PASS	.invalidate_start = invalidate_start, \
			.invalidate_finish = invalidate_finish, .free = obj_free
#define AWAKE		.flags = PINWATCH_OPS_NEVER_SLEEPS
#define NO_SOFT_DIRTY	.ignore_events = BIT(MMU_NOTIFY_SOFT_DIRTY)

/* More filters than classes. The sleepers are last: some rounds have no sleeper. */
const struct pinwatch_interval_notifier_ops all_ops[NR_OPS] = {
	{ PLAIN, AWAKE },
	{ PLAIN, AWAKE },
	{ TWO_PASS, AWAKE },
	{ PLAIN, AWAKE, NO_SOFT_DIRTY },
	{ TWO_PASS, AWAKE, .owner = &stress },
	{ PLAIN, AWAKE, NO_SOFT_DIRTY, .owner = &stress },
	{ PLAIN, AWAKE, .ignore_events = BIT(MMU_NOTIFY_SOFT_DIRTY) | BIT(MMU_NOTIFY_EXCLUSIVE) },
	{ PLAIN, AWAKE, .ignore_events = BIT(MMU_NOTIFY_EXCLUSIVE), .owner = &stress },
	{ PLAIN }, { TWO_PASS, NO_SOFT_DIRTY },
};
