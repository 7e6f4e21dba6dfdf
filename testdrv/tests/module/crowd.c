// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_test: a great many subscriptions that only count
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "lab.h"

struct crowd_sub {
	struct pinwatch_interval_notifier pw;
	spinlock_t lock;	/* a driver's: the sequence, and the count */
	u64 callbacks;
};

struct lab_crowd {
	u32 nr;
	struct crowd_sub subs[];
};

static bool crowd_invalidate(struct pinwatch_interval_notifier *pw,
			     const struct mmu_notifier_range *range,
			     unsigned long cur_seq)
{
	struct crowd_sub *sub = container_of(pw, struct crowd_sub, pw);

	spin_lock(&sub->lock);
	pinwatch_interval_set_seq(pw, cur_seq);
	sub->callbacks++;
	spin_unlock(&sub->lock);
	return true;
}

static const struct pinwatch_interval_notifier_ops crowd_ops = {
	.invalidate = crowd_invalidate,
	.flags = PINWATCH_OPS_NEVER_SLEEPS,
};

static int crowd_insert(struct lab_crowd *crowd, const struct pinwatch_test_crowd *arg)
{
	struct crowd_sub *sub;
	int ret = 0;

	while (!ret && crowd->nr < arg->nr) {
		sub = &crowd->subs[crowd->nr];
		spin_lock_init(&sub->lock);
		ret = pinwatch_interval_notifier_insert(&sub->pw, current->mm,
							arg->start + crowd->nr * arg->stride,
							arg->length, &crowd_ops);
		if (!ret)
			crowd->nr++;
		cond_resched();
	}
	return ret;
}

/* Also for one that was inserted in part. */
void lab_crowd_remove(struct lab_file *file)
{
	struct lab_crowd *crowd;

	mutex_lock(&file->crowd_mutex);
	crowd = file->crowd;
	while (crowd && crowd->nr) {
		pinwatch_interval_notifier_remove(&crowd->subs[--crowd->nr].pw);
		cond_resched();
	}
	file->crowd = NULL;
	mutex_unlock(&file->crowd_mutex);
	kvfree(crowd);
}

int lab_crowd_add(struct lab_file *file, const struct pinwatch_test_crowd *arg)
{
	struct lab_crowd *crowd;
	int ret = -EBUSY;

	if (!arg->nr) {
		lab_crowd_remove(file);
		return 0;
	}
	if (arg->nr > PINWATCH_TEST_MAX_CROWD)
		return -EINVAL;
	crowd = kvzalloc(struct_size(crowd, subs, arg->nr), GFP_KERNEL);
	if (!crowd)
		return -ENOMEM;
	mutex_lock(&file->crowd_mutex);
	if (!file->crowd) {
		file->crowd = crowd;
		crowd = NULL;
		ret = crowd_insert(file->crowd, arg);
	}
	mutex_unlock(&file->crowd_mutex);
	kvfree(crowd);
	return ret;
}

static void crowd_count(struct crowd_sub *sub, struct pinwatch_test_crowd *arg)
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

int lab_crowd_read(struct lab_file *file, struct pinwatch_test_crowd *arg)
{
	u32 i;

	arg->busy = 0;
	arg->callbacks = 0;
	arg->least = U64_MAX;
	arg->most = 0;
	mutex_lock(&file->crowd_mutex);
	arg->nr = file->crowd ? file->crowd->nr : 0;
	for (i = 0; i < arg->nr; i++) {
		crowd_count(&file->crowd->subs[i], arg);
		cond_resched();
	}
	mutex_unlock(&file->crowd_mutex);
	return 0;
}
