// SPDX-License-Identifier: GPL-2.0-only
#include "driver.h"

struct mm_struct *mm;
char order[64];

static void note(char c)
{
	size_t n = strlen(order);

	if (c && n + 1 < sizeof(order))
		order[n] = c;
}

static void note_call(struct driver *d, const struct mmu_notifier_range *range,
		      unsigned long seq)
{
	note(d->name);
	d->events[d->calls++ % 4] = range->event;
	d->start = range->start;
	d->end = range->end;
	d->seq = seq;
	if (!d->refuse)
		pinwatch_interval_set_seq(&d->sub, seq);
	if (d->puts) {
		struct driver *victim = d->puts;

		d->puts = NULL;
		pinwatch_interval_notifier_put(&victim->sub);
	}
	shim_wait_event(&d->wq, !d->hold && !(d->hold_events & BIT(range->event)), false);
	d->done++;
}

static bool invalidate(struct pinwatch_interval_notifier *sub,
		       const struct mmu_notifier_range *range, unsigned long seq)
{
	struct driver *d = container_of(sub, struct driver, sub);

	note_call(d, range, seq);
	return !d->lie;
}

static bool invalidate_start(struct pinwatch_interval_notifier *sub,
			     const struct mmu_notifier_range *range, unsigned long seq,
			     struct pinwatch_interval_notifier_finish **finish)
{
	struct driver *d = container_of(sub, struct driver, sub);

	if (*finish)
		shim_die("finish is not NULL on entry");
	note_call(d, range, seq);
	if (!d->one_pass)
		*finish = &d->finish;
	return !d->lie;
}

static void invalidate_finish(struct pinwatch_interval_notifier_finish *finish)
{
	struct driver *d = container_of(finish, struct driver, finish);

	if (finish->notifier != &d->sub || d->freed)
		shim_die("second pass of another's, or of one that is gone");
	note(d->name & ~0x20);
	shim_wait_event(&d->wq, !d->hold_finish, false);
	d->finishes++;
}

static void freed(struct pinwatch_interval_notifier *sub)
{
	struct driver *d = container_of(sub, struct driver, sub);

	if (d->freed++)
		shim_die("a subscription is given back twice");
	memset(sub, 0x6b, sizeof(*sub));
}

const struct pinwatch_interval_notifier_ops ops = {
	.invalidate = invalidate,
	.free = freed,
	.flags = PINWATCH_OPS_NEVER_SLEEPS,
};

const struct pinwatch_interval_notifier_ops two_pass = {
	.invalidate_start = invalidate_start,
	.invalidate_finish = invalidate_finish,
	.free = freed,
	.flags = PINWATCH_OPS_NEVER_SLEEPS,
};

const struct pinwatch_interval_notifier_ops sleeper = {
	.invalidate = invalidate,
	.free = freed,
};

struct pw_mm *check(void)
{
	struct pw_mm *pm;

	rcu_read_lock();
	pm = pw_mm_lookup(mm);
	if (pm) {
		spin_lock(&pm->lock);
		if (pm->registered || pm->nr_subs)
			pw_mm_check(pm);
		spin_unlock(&pm->lock);
	}
	rcu_read_unlock();
	return pm;
}

int insert_ops(struct driver *d, unsigned int page, unsigned int pages,
	       const struct pinwatch_interval_notifier_ops *o)
{
	int ret;

	memset(d, 0, sizeof(*d));
	shim_wq_init(&d->wq);
	ret = pinwatch_interval_notifier_insert(&d->sub, mm, PG(page), pages * PAGE_SIZE, o);
	check();
	return ret;
}

int insert(struct driver *d, unsigned int page, unsigned int pages)
{
	return insert_ops(d, page, pages, &ops);
}

void remove_sub(struct driver *d)
{
	pinwatch_interval_notifier_remove(&d->sub);
	check();
}

void let(struct driver *d)
{
	d->hold = false;
	d->hold_finish = false;
	d->hold_events = 0;
	shim_wq_wake(&d->wq);
	shim_settle();
}

int start_range(struct mmu_notifier_range *r, unsigned long from, unsigned long to,
		enum mmu_notifier_event what, unsigned int flags, void *owner)
{
	int ret;

	*r = (struct mmu_notifier_range){
		.mm = mm, .start = from, .end = to, .event = what, .flags = flags,
		.owner = owner,
	};
	ret = mmu_notifier_invalidate_range_start(r);
	check();
	return ret;
}

void start_at(struct mmu_notifier_range *r, unsigned long from, unsigned long to)
{
	start_range(r, from, to, MMU_NOTIFY_CLEAR, MMU_NOTIFIER_RANGE_BLOCKABLE, NULL);
}

void start(struct mmu_notifier_range *r, unsigned int page, unsigned int pages)
{
	start_at(r, PG(page), PG(page + pages));
}

int start_nonblock(struct mmu_notifier_range *r, unsigned int page, unsigned int pages)
{
	return start_range(r, PG(page), PG(page + pages), MMU_NOTIFY_CLEAR, 0, NULL);
}

void end(struct mmu_notifier_range *r)
{
	mmu_notifier_invalidate_range_end(r);
	check();
}

void end_other(struct mmu_notifier_range *r)
{
	shim_self()->section_depth++;
	end(r);
}

void event(unsigned int page, unsigned int pages, enum mmu_notifier_event what, void *owner)
{
	struct mmu_notifier_range r;

	start_range(&r, PG(page), PG(page + pages), what, MMU_NOTIFIER_RANGE_BLOCKABLE, owner);
	end(&r);
}

void release(void)
{
	mmgrab(mm);
	mmput(mm);
}

static void reader_main(void *arg)
{
	struct reader *r = arg;

	r->seq = pinwatch_interval_read_begin(&r->d->sub);
	r->done = true;
}

void task_start(struct reader *r, struct driver *d, void (*fn)(void *arg))
{
	r->d = d;
	r->done = false;
	r->task = shim_spawn("task", fn, r);
	shim_settle();
}

void reader_start(struct reader *r, struct driver *d)
{
	*r = (struct reader){ .d = d };
	task_start(r, d, reader_main);
}

bool blocks(struct driver *d, struct reader *r)
{
	reader_start(r, d);
	return !r->done;
}

void remover_main(void *arg)
{
	struct reader *r = arg;

	pinwatch_interval_notifier_remove(&r->d->sub);
	r->done = true;
}

void release_main(void *arg)
{
	struct reader *r = arg;

	release();
	r->done = true;
}

void started_main(void *arg)
{
	start(arg, 0, 20);
}
