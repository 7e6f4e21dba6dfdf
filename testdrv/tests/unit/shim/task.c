// SPDX-License-Identifier: GPL-2.0-only
/* Tasks as threads or as fibers, and what both block on. */
#include <linux/jiffies.h>
#include <linux/percpu.h>
#include <linux/wait.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "fiber.h"
#include "shim.h"

bool shim_pointed;
int shim_fence_word;
unsigned long shim_nr_warned;
void (*shim_on_sleep)(struct shim_wq *wq);

static struct shim_run run;
static struct task_struct main_task = { .name = "main", .may_block = 1 };
static __thread struct task_struct *self;
static struct task_struct *tasks;
static size_t data_pos;
static u64 global_rng;
static unsigned long steps;
static unsigned int run_length;
unsigned int nr_cpu_ids = SHIM_NR_CPUS;
static struct shim_mutex cpu_lock[SHIM_MAX_CPUS] = {
	[0 ... SHIM_MAX_CPUS - 1] = SHIM_MUTEX_INIT,
};

struct task_struct *shim_self(void)
{
	return self ? self : &main_task;
}

void shim_die(const char *fmt, ...)
{
	static char reason[512];
	va_list ap;
	int n;

	n = snprintf(reason, sizeof(reason), "[%s] ", shim_self()->name);
	va_start(ap, fmt);
	vsnprintf(reason + n, sizeof(reason) - n, fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s\n", reason);
	abort();
}

static u32 rng_next(u64 *s)
{
	*s += 0x9E3779B97F4A7C15ull;
	u64 z = *s;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
	z = (z ^ z >> 27) * 0x94D049BB133111EBull;
	return (z ^ z >> 31) >> 16;
}

bool shim_exhausted(void)
{
	return run.data && data_pos >= run.size;
}

/* A choice below @n: from the bytes, while there are some, or at random. */
unsigned int shim_rand(unsigned int n)
{
	if (run.data)
		return data_pos < run.size ? run.data[data_pos++] % n :
					     rng_next(&global_rng) % n;
	return rng_next(run.threads ? &shim_self()->rng : &global_rng) % n;
}

u32 shim_tree_prio(void)
{
	static u64 rng;
	u64 s = __atomic_add_fetch(&rng, 1, __ATOMIC_RELAXED);

	return rng_next(&s);
}

unsigned long shim_steps(void)
{
	return steps;
}

/* ---- the clock ---- */

static unsigned long fiber_jiffies = -50ul;

unsigned long shim_jiffies(void)
{
	struct timespec now;

	if (!run.threads)
		return fiber_jiffies;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * HZ + now.tv_nsec / (1000000000 / HZ);
}

void shim_tick(unsigned long n)
{
	if (!run.threads)
		fiber_jiffies += n;
	shim_point();
}

static bool sleep_ends(const struct task_struct *t, const struct shim_sleep *how)
{
	if (!how)
		return false;
	return (how->killable && __atomic_load_n(&t->fatal_signal, __ATOMIC_RELAXED)) ||
	       (how->timed && !time_before(shim_jiffies(), how->until));
}

int shim_wait_broken(const struct shim_sleep *how)
{
	if (!sleep_ends(shim_self(), how))
		return 0;
	return how->timed ? -ETIME : -EINTR;
}

/* Threads notice by themselves: see shim_wq_sleep(). */
void shim_kill(struct task_struct *t)
{
	__atomic_store_n(&t->fatal_signal, true, __ATOMIC_RELAXED);
}

/* No task can run: to the next time at which a task can run. */
static bool tick_to_next(void)
{
	const struct shim_sleep *next = NULL;
	struct task_struct *t;

	for (t = tasks; t; t = t->next)
		if (!t->done && t->wait_addr && t->sleep && t->sleep->timed &&
		    (!next || time_before(t->sleep->until, next->until)))
			next = t->sleep;
	if (next)
		fiber_jiffies = next->until;
	return next;
}

/* ---- the fiber scheduler ---- */

static bool runnable(const struct task_struct *t)
{
	return !t->done && (!t->wait_addr || *t->wait_addr != t->wait_val ||
			    sleep_ends(t, t->sleep));
}

static struct task_struct *pick_nth(unsigned int n, bool settling)
{
	struct task_struct *t;

	for (t = tasks; t; t = t->next)
		if (runnable(t) && t->settling == settling && !n--)
			return t;
	return NULL;
}

static unsigned int count_runnable(bool settling)
{
	struct task_struct *t;
	unsigned int n = 0;

	for (t = tasks; t; t = t->next)
		n += runnable(t) && t->settling == settling;
	return n;
}

static struct task_struct *pick(void)
{
	bool settling = false;
	unsigned int n = count_runnable(false);

	if (!n) {
		settling = true;
		n = count_runnable(true);
	}
	if (!n)
		return NULL;
	if (run.random)
		run_length = 1 + shim_rand(shim_rand(4) ? 8 : 64);
	return pick_nth(n > 1 && run.random ? shim_rand(n) : 0, settling);
}

/* To another task, first of all those that did not run just now. */
static void fiber_switch(void)
{
	struct task_struct *t = shim_self(), **link;

	if (!run.random) {	/* round robin: to the end of the list */
		for (link = &tasks; *link != t; link = &(*link)->next)
			;
		*link = t->next;
		t->next = NULL;
		while (*link)
			link = &(*link)->next;
		*link = t;
	}
	shim_fiber_leave(t->fiber);
}

static void fiber_main(void *arg)
{
	struct task_struct *t = arg;

	t->fn(t->arg);
	t->done = true;
	if (t->atomic_depth)
		shim_die("ends in atomic context");
}

void shim_point_slow(void)
{
	if (run.threads) {
		if (!(rng_next(&shim_self()->rng) & 127))
			sched_yield();
		return;
	}
	if (!shim_self()->fiber)
		return;
	if (run.random) {
		if (--run_length)
			return;
	} else {
		steps++;
		if (steps != run.switch_at[0] && steps != run.switch_at[1])
			return;
	}
	fiber_switch();
}

void shim_yield(void)
{
	if (run.threads)
		sched_yield();
	else if (shim_self()->fiber)
		fiber_switch();
}

void shim_settle(void)
{
	struct task_struct *t = shim_self();

	t->settling = true;
	fiber_switch();
	t->settling = false;
}

static void fiber_block(const unsigned int *addr, unsigned int val,
			const struct shim_sleep *how)
{
	struct task_struct *t = shim_self();

	if (!t->fiber) {
		if (*addr == val)
			shim_die("main blocks");
		return;
	}
	t->wait_addr = addr;
	t->wait_val = val;
	t->sleep = how;
	while (*addr == val && !sleep_ends(t, how))
		fiber_switch();
	t->wait_addr = NULL;
}

static bool others_left(void)
{
	struct task_struct *t;

	for (t = tasks; t; t = t->next)
		if (!t->done && !t->daemon)
			return true;
	return false;
}

static void deadlock(void)
{
	struct task_struct *t;
	char names[256] = "";
	size_t n = 0;

	for (t = tasks; t; t = t->next)
		if (!t->done && !t->daemon && n < sizeof(names))
			n += snprintf(names + n, sizeof(names) - n, " %s", t->name);
	shim_die("no task can run; asleep for ever:%s", names);
}

static void free_done(void)
{
	struct task_struct *t, **link = &tasks;

	while ((t = *link)) {
		if (!t->done) {
			link = &t->next;
			continue;
		}
		*link = t->next;
		if (t->fiber)
			shim_fiber_free(t->fiber);
		free(t);
	}
}

/* Until every task but the daemons has ended. */
void shim_join(void)
{
	struct task_struct *t;

	if (run.threads) {
		for (t = tasks; t; t = t->next)
			if (!t->daemon) {
				pthread_join(t->thread, NULL);
				t->done = true;
			}
		free_done();
		return;
	}
	while (others_left()) {
		t = pick();
		if (!t && tick_to_next())
			continue;
		if (!t)
			deadlock();
		self = t;
		shim_fiber_enter(t->fiber);
		self = NULL;
	}
	free_done();
}

static void *thread_main(void *arg)
{
	self = arg;
	self->fn(self->arg);
	return NULL;
}

struct task_struct *shim_spawn(const char *name, void (*fn)(void *arg), void *arg)
{
	static unsigned int nr;
	struct task_struct *t = calloc(1, sizeof(*t)), **link = &tasks;

	t->name = name;
	t->fn = fn;
	t->arg = arg;
	t->may_block = 1;
	t->cpu = nr++ % nr_cpu_ids;
	t->rng = run.seed * 31 + nr;
	while (*link)
		link = &(*link)->next;
	*link = t;
	if (run.threads) {
		if (pthread_create(&t->thread, NULL, thread_main, t))
			shim_die("pthread_create");
	} else {
		t->fiber = shim_fiber_new(fiber_main, t);
	}
	return t;
}

static struct task_struct *reaper;

void shim_begin(const struct shim_run *r)
{
	run = *r;
	data_pos = 0;
	steps = 0;
	run_length = 1;
	global_rng = r->seed;
	main_task.rng = r->seed;
	shim_module_reload();
	shim_pointed = true;
	reaper = shim_spawn("reaper", shim_reaper, NULL);
	reaper->daemon = true;
}

void shim_end(void)
{
	shim_reaper_stop();
	reaper->daemon = false;
	shim_join();
	shim_pointed = false;
}

/* ---- what both backends block on ---- */

unsigned long shim_nr_locked;

void shim_atomic_section(int delta)
{
	if (delta > 0)
		__atomic_fetch_add(&shim_nr_locked, 1, __ATOMIC_RELAXED);
	shim_self()->atomic_depth += delta;
}

void might_sleep(void)
{
	struct task_struct *t = shim_self();

	if (t->atomic_depth)
		shim_die("sleeps in atomic context");
	if (!t->may_block)
		shim_die("sleeps for a range that is not blockable");
	shim_point();
}

unsigned long shim_nr_resched;
void (*shim_on_resched)(void);

/* Checks the context in which the core calls the function, and counts the calls. */
void cond_resched(void)
{
	might_sleep();
	__atomic_add_fetch(&shim_nr_resched, 1, __ATOMIC_RELAXED);
	if (shim_on_resched)
		shim_on_resched();
}

void lock_map_acquire(struct lockdep_map *map)
{
	if (shim_self()->map_depth++)
		shim_die("%s: taken inside a callback", map->name);
}

void lock_map_release(struct lockdep_map *map)
{
	if (--shim_self()->map_depth)
		shim_die("%s: not balanced", map->name);
}

void shim_mutex_init(struct shim_mutex *m)
{
	memset(m, 0, sizeof(*m));
	pthread_mutex_init(&m->mutex, NULL);
}

void shim_mutex_lock(struct shim_mutex *m)
{
	if (run.threads || !shim_pointed) {
		pthread_mutex_lock(&m->mutex);
	} else {
		while (m->held)
			fiber_block(&m->held, 1, NULL);
		m->held = 1;
	}
	__atomic_store_n(&m->owner, shim_self(), __ATOMIC_RELAXED);
}

void shim_mutex_unlock(struct shim_mutex *m)
{
	__atomic_store_n(&m->owner, NULL, __ATOMIC_RELAXED);
	if (run.threads || !shim_pointed)
		pthread_mutex_unlock(&m->mutex);
	else
		m->held = 0;
}

bool shim_mutex_is_mine(struct shim_mutex *m)
{
	return __atomic_load_n(&m->owner, __ATOMIC_RELAXED) == shim_self();
}

void preempt_disable(void)
{
	struct task_struct *t = shim_self();

	shim_point();
	shim_mutex_lock(&cpu_lock[t->cpu]);
	t->atomic_depth++;
}

void preempt_enable(void)
{
	struct task_struct *t = shim_self();

	t->atomic_depth--;
	shim_mutex_unlock(&cpu_lock[t->cpu]);
	shim_point();
}

unsigned int smp_processor_id(void)
{
	if (!shim_self()->atomic_depth)
		shim_die("smp_processor_id() while preemptible");
	return shim_self()->cpu;
}

unsigned int raw_smp_processor_id(void)
{
	return shim_self()->cpu;
}

void shim_wq_init(struct shim_wq *wq)
{
	memset(wq, 0, sizeof(*wq));
	shim_mutex_init(&wq->lock);
	pthread_cond_init(&wq->cond, NULL);
}

unsigned int shim_wq_prepare(struct shim_wq *wq)
{
	unsigned int seq;

	shim_mutex_lock(&wq->lock);
	__atomic_fetch_add(&wq->nr, 1, __ATOMIC_SEQ_CST);
	seq = wq->seq;
	shim_mutex_unlock(&wq->lock);
	return seq;
}

void shim_wq_finish(struct shim_wq *wq)
{
	__atomic_fetch_sub(&wq->nr, 1, __ATOMIC_SEQ_CST);
}

void shim_sleep_hook(struct shim_wq *wq)
{
	if (shim_on_sleep)
		shim_on_sleep(wq);
}

/* Not past @how->until; and often enough to notice a signal. */
static void thread_sleep(struct shim_wq *wq, const struct shim_sleep *how)
{
	unsigned long ms = 1;
	struct timespec until;

	if (how->timed)
		ms = time_before(shim_jiffies(), how->until) ? how->until - shim_jiffies() : 0;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += ms % 1000 * 1000000;
	until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&wq->cond, &wq->lock.mutex, &until);
}

void shim_wq_sleep(struct shim_wq *wq, unsigned int seq, const struct shim_sleep *how)
{
	if (run.threads) {
		shim_mutex_lock(&wq->lock);
		while (wq->seq == seq && (!how || !(how->timed || how->killable)))
			pthread_cond_wait(&wq->cond, &wq->lock.mutex);
		if (wq->seq == seq)
			thread_sleep(wq, how);
		shim_mutex_unlock(&wq->lock);
	} else {
		fiber_block(&wq->seq, seq, how);
	}
	shim_wq_finish(wq);
}

void shim_wq_wake(struct shim_wq *wq)
{
	shim_mutex_lock(&wq->lock);
	wq->seq++;
	pthread_cond_broadcast(&wq->cond);
	shim_mutex_unlock(&wq->lock);
	shim_point();
}

unsigned int shim_wq_nr(struct shim_wq *wq)
{
	return __atomic_load_n(&wq->nr, __ATOMIC_SEQ_CST);
}

/* Words of one array have a wait queue each. */
struct shim_wq *shim_var_wq(const void *var)
{
	static struct shim_wq queues[4096] = { [0 ... 4095] = SHIM_WQ_INIT };

	return &queues[(unsigned long)var / sizeof(long) % ARRAY_SIZE(queues)];
}
