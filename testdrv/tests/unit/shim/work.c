// SPDX-License-Identifier: GPL-2.0-only
/* Grace periods, and what is done later. */
#include <linux/mmu_notifier.h>
#include <linux/completion.h>
#include <linux/workqueue.h>
#include <stdlib.h>
#include "shim.h"
#include "work.h"

/* ---- grace periods ---- */

#define SRCU_INIT { .lock = SHIM_MUTEX_INIT, .gp = SHIM_MUTEX_INIT, .wq = SHIM_WQ_INIT }
struct srcu shim_mn_srcu = SRCU_INIT, shim_rcu = SRCU_INIT;
static __thread unsigned int rcu_idx;	/* not nested, and kept over no switch */

unsigned int shim_srcu_read_lock(struct srcu *s)
{
	unsigned int idx;

	shim_mutex_lock(&s->lock);
	idx = s->idx;
	s->nr[idx]++;
	shim_mutex_unlock(&s->lock);
	return idx;
}

void shim_srcu_read_unlock(struct srcu *s, unsigned int idx)
{
	shim_mutex_lock(&s->lock);
	s->nr[idx]--;
	shim_mutex_unlock(&s->lock);
	shim_wq_wake(&s->wq);
}

static bool srcu_idle(struct srcu *s, unsigned int idx)
{
	bool idle;

	shim_mutex_lock(&s->lock);
	idle = !s->nr[idx];
	shim_mutex_unlock(&s->lock);
	return idle;
}

void shim_srcu_synchronize(struct srcu *s)
{
	unsigned int old;

	might_sleep();
	shim_mutex_lock(&s->gp);
	shim_mutex_lock(&s->lock);
	old = s->idx;
	s->idx = !old;
	shim_mutex_unlock(&s->lock);
	shim_wait_event(&s->wq, srcu_idle(s, old), false);
	shim_mutex_unlock(&s->gp);
}

/* A read section does not sleep, but a fiber may leave it: the index is its own. */
void rcu_read_lock(void)
{
	struct task_struct *t = shim_self();

	rcu_idx = shim_srcu_read_lock(&shim_rcu);
	t->atomic_depth += 1 + 1000 * (int)rcu_idx;
}

void rcu_read_unlock(void)
{
	struct task_struct *t = shim_self();
	unsigned int idx = t->atomic_depth >= 1000;

	t->atomic_depth -= 1 + 1000 * (int)idx;
	shim_srcu_read_unlock(&shim_rcu, idx);
}

void synchronize_rcu(void)
{
	shim_srcu_synchronize(&shim_rcu);
}

void mmu_notifier_synchronize(void)
{
	shim_srcu_synchronize(&shim_mn_srcu);
}

struct shim_wq shim_completion_wq = SHIM_WQ_INIT;

/* ---- what is done later, by the reaper ---- */

struct deferred {
	struct deferred *next;
	void (*fn)(void *arg);
	void *arg;
	struct srcu *gp;
};

static struct shim_mutex deferred_lock = SHIM_MUTEX_INIT;
static struct shim_wq deferred_wq = SHIM_WQ_INIT, flush_wq = SHIM_WQ_INIT;
static struct deferred *deferred_list;
static unsigned int deferred_nr;
static struct delayed_work *timers;	/* every one that was ever queued */
static bool reaper_stop;
static unsigned int nr_loads = 1;	/* of the module */

void shim_defer(void (*fn)(void *arg), void *arg, struct srcu *gp)
{
	struct deferred *d = malloc(sizeof(*d)), **link = &deferred_list;

	*d = (struct deferred){ .fn = fn, .arg = arg, .gp = gp };
	shim_mutex_lock(&deferred_lock);
	while (*link)
		link = &(*link)->next;
	*link = d;
	deferred_nr++;
	shim_mutex_unlock(&deferred_lock);
	shim_wq_wake(&deferred_wq);
}

/* Under the lock: queue what is due; how long to sleep for the rest. */
static void timers_look(struct shim_sleep *how)
{
	struct delayed_work *t;

	how->timed = false;
	for (t = timers; t; t = t->next) {
		if (!t->pending || t->queued)
			continue;
		if (!time_before(shim_jiffies(), t->due)) {
			t->queued = true;
			deferred_nr++;
		} else if (!how->timed || time_before(t->due, how->until)) {
			how->timed = true;
			how->until = t->due;
		}
	}
}

static bool deferred_take(struct deferred **d, struct delayed_work **due,
			  struct shim_sleep *how)
{
	bool stop;

	shim_mutex_lock(&deferred_lock);
	timers_look(how);
	for (*due = timers; *due && !(*due)->queued; *due = (*due)->next)
		;
	if (*due) {
		(*due)->pending = false;
		(*due)->queued = false;
		(*due)->running = true;
		shim_mutex_unlock(&deferred_lock);
		return true;
	}
	*d = deferred_list;
	if (*d)
		deferred_list = (*d)->next;
	stop = reaper_stop;
	shim_mutex_unlock(&deferred_lock);
	return *d || stop;
}

static bool deferred_none(void)
{
	bool none;

	shim_mutex_lock(&deferred_lock);
	none = !deferred_nr;
	shim_mutex_unlock(&deferred_lock);
	return none;
}

static void deferred_done(struct delayed_work *due)
{
	shim_mutex_lock(&deferred_lock);
	if (due)
		due->running = false;
	deferred_nr--;
	shim_mutex_unlock(&deferred_lock);
	shim_wq_wake(&flush_wq);
}

void shim_reaper(void *arg)
{
	struct shim_sleep how = { .timed = false };	/* set by each look */
	struct delayed_work *due;
	struct deferred *d;

	(void)arg;
	for (;;) {
		/* -ETIME: a timer is due, says the next look. */
		if (shim_wait(&deferred_wq, deferred_take(&d, &due, &how), false, &how))
			continue;
		if (due) {
			due->work.fn(&due->work);
			deferred_done(due);
			continue;
		}
		if (!d) {
			reaper_stop = false;	/* for the next */
			return;
		}
		if (d->gp)
			shim_srcu_synchronize(d->gp);
		d->fn(d->arg);
		free(d);
		deferred_done(NULL);
	}
}

bool shim_queue_delayed_work(struct delayed_work *work, unsigned long delay)
{
	struct delayed_work *t;
	bool done;

	if (work->ended == nr_loads)
		shim_die("queued after module exit");
	shim_mutex_lock(&deferred_lock);
	for (t = timers; t && t != work; t = t->next)
		;
	if (!t) {
		work->next = timers;
		timers = work;
	}
	done = !work->pending && !work->cancelling;
	if (done) {
		work->pending = true;
		work->due = shim_jiffies() + delay;
	}
	work->cancelled |= work->cancelling;
	shim_mutex_unlock(&deferred_lock);
	shim_wq_wake(&deferred_wq);
	return done;
}

static bool delayed_idle(struct delayed_work *work)
{
	bool idle;

	shim_mutex_lock(&deferred_lock);
	idle = !work->running;
	work->cancelling = !idle;
	shim_mutex_unlock(&deferred_lock);
	return idle;
}

bool cancel_delayed_work_sync(struct delayed_work *work)
{
	bool pending;

	might_sleep();
	shim_mutex_lock(&deferred_lock);
	pending = work->pending;
	deferred_nr -= work->queued;
	work->pending = false;
	work->queued = false;
	work->cancelling = true;
	work->cancelled |= pending;
	shim_mutex_unlock(&deferred_lock);
	shim_wait_event(&flush_wq, delayed_idle(work), false);
	work->ended = nr_loads;
	return pending;
}

/*
 * In the kernel a module's static data goes with it. Here the core stays, and may think
 * that what was cancelled is still queued: let it run, on nothing.
 */
void shim_module_reload(void)
{
	struct delayed_work *t;

	nr_loads++;
	for (t = timers; t; t = t->next) {
		if (t->cancelled)
			t->work.fn(&t->work);
		t->cancelled = false;
	}
}

void shim_reaper_stop(void)
{
	shim_mutex_lock(&deferred_lock);
	reaper_stop = true;
	shim_mutex_unlock(&deferred_lock);
	shim_wq_wake(&deferred_wq);
}

void shim_flush(void)
{
	shim_wait_event(&flush_wq, deferred_none(), false);
}

static void work_run(void *arg)
{
	struct work_struct *work = arg;

	work->fn(work);
}

static unsigned int nr_waiting_works;

static void waiting_work_run(void *arg)
{
	work_run(arg);
	__atomic_fetch_sub(&nr_waiting_works, 1, __ATOMIC_SEQ_CST);
	shim_wq_wake(&flush_wq);
}

unsigned int shim_nr_workqueues, shim_fail_workqueue;

#define MM_QUEUE	((struct workqueue_struct *)1)
#define WAITING_QUEUE	((struct workqueue_struct *)2)

/* A work queue other than "pinwatch_mm" has works that wait: each gets a task. */
struct workqueue_struct *alloc_workqueue(const char *name, unsigned int flags, int max)
{
	if (shim_fail_workqueue && !--shim_fail_workqueue)
		return NULL;
	shim_nr_workqueues++;
	return strcmp(name, "pinwatch_mm") ? WAITING_QUEUE : MM_QUEUE;
}

void destroy_workqueue(struct workqueue_struct *wq)
{
	if (!wq || !shim_nr_workqueues--)
		shim_die("destroys a work queue that is not there");
}

/* Threads cannot start tasks: there, the reaper waits. */
void shim_queue_work(struct workqueue_struct *wq, struct work_struct *work)
{
	if (wq == MM_QUEUE) {
		shim_defer(work_run, work, NULL);
		return;
	}
	__atomic_fetch_add(&nr_waiting_works, 1, __ATOMIC_SEQ_CST);
	if (shim_self()->fiber)
		shim_spawn("worker", waiting_work_run, work);
	else
		shim_defer(waiting_work_run, work, NULL);
}

void flush_workqueue(struct workqueue_struct *wq)
{
	might_sleep();
	shim_wait_event(&flush_wq, !__atomic_load_n(&nr_waiting_works, __ATOMIC_SEQ_CST), false);
}
