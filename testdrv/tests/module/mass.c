// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_test: up to 200,000 subscriptions that only count their callbacks
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "sub.h"

struct mass_sub {
	struct pinwatch_interval_notifier pw;
	spinlock_t lock;	/* the driver's: set_seq, and callbacks */
	u64 callbacks;
};

struct pt_mass {
	u32 nr;
	struct mass_sub subs[];
};

static bool mass_invalidate(struct pinwatch_interval_notifier *pw,
			    const struct mmu_notifier_range *range,
			    unsigned long cur_seq)
{
	struct mass_sub *sub = container_of(pw, struct mass_sub, pw);

	spin_lock(&sub->lock);
	pinwatch_interval_set_seq(pw, cur_seq);
	sub->callbacks++;
	spin_unlock(&sub->lock);
	return true;
}

static const struct pinwatch_interval_notifier_ops mass_ops = {
	.invalidate = mass_invalidate,
	.flags = PINWATCH_OPS_NEVER_SLEEPS,
};

static int mass_insert(struct pt_mass *mass, const struct pinwatch_test_mass *arg)
{
	struct mass_sub *sub;
	int ret = 0;

	while (!ret && mass->nr < arg->nr) {
		sub = &mass->subs[mass->nr];
		spin_lock_init(&sub->lock);
		ret = pinwatch_interval_notifier_insert(&sub->pw, current->mm,
							arg->start + mass->nr * arg->stride,
							arg->length, &mass_ops);
		if (!ret)
			mass->nr++;
		cond_resched();
	}
	return ret;
}

/* Also after MASS_ADD has failed in the middle. */
void pt_mass_remove(struct pt_table *table)
{
	struct pt_mass *mass;

	mutex_lock(&table->mass_lock);
	mass = table->mass;
	while (mass && mass->nr) {
		pinwatch_interval_notifier_remove(&mass->subs[--mass->nr].pw);
		cond_resched();
	}
	table->mass = NULL;
	mutex_unlock(&table->mass_lock);
	kvfree(mass);
}

int pt_mass_add(struct pt_table *table, const struct pinwatch_test_mass *arg)
{
	struct pt_mass *mass;
	int ret = -EBUSY;

	if (!arg->nr) {
		pt_mass_remove(table);
		return 0;
	}
	if (arg->nr > PINWATCH_TEST_MAX_MASS)
		return -EINVAL;
	mass = kvzalloc(struct_size(mass, subs, arg->nr), GFP_KERNEL);
	if (!mass)
		return -ENOMEM;
	mutex_lock(&table->mass_lock);
	if (!table->mass) {
		table->mass = mass;
		mass = NULL;
		ret = mass_insert(table->mass, arg);
	}
	mutex_unlock(&table->mass_lock);
	kvfree(mass);
	return ret;
}

static void mass_count(struct mass_sub *sub, struct pinwatch_test_mass *arg)
{
	unsigned long seq;
	u64 callbacks;

	arg->busy += pinwatch_interval_read_begin_timeout(&sub->pw, &seq, 0) != 0;
	spin_lock(&sub->lock);
	callbacks = sub->callbacks;
	spin_unlock(&sub->lock);
	arg->callbacks += callbacks;
	arg->least = min(arg->least, callbacks);
	arg->most = max(arg->most, callbacks);
}

int pt_mass_read(struct pt_table *table, struct pinwatch_test_mass *arg)
{
	u32 i;

	arg->busy = 0;
	arg->callbacks = 0;
	arg->least = U64_MAX;
	arg->most = 0;
	mutex_lock(&table->mass_lock);
	arg->nr = table->mass ? table->mass->nr : 0;
	for (i = 0; i < arg->nr; i++) {
		mass_count(&table->mass->subs[i], arg);
		cond_resched();
	}
	mutex_unlock(&table->mass_lock);
	return 0;
}
