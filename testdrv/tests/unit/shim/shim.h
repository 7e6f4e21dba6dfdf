/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine under the core: tasks, and what they block on.
 *
 * Two backends. Threads: tasks are pthreads, for the sanitizers and real
 * parallelism. Fibers: tasks are coroutines of one thread and every atomic
 * access or lock is a point where the scheduler, driven by a seed, by bytes or
 * by two chosen steps, may switch; when no task can run, the test has found a
 * deadlock or a lost wake-up, at once and without a clock.
 */
#ifndef _SHIM_H
#define _SHIM_H
#include <linux/compiler.h>
#include <pthread.h>

struct mm_struct;
struct shim_fiber;

struct task_struct {
	const char *name;
	struct mm_struct *mm;		/* for code that looks at current->mm */
	unsigned int cpu;
	bool signal_pending;
	bool fatal_signal;		/* shim_kill() */
	int atomic_depth;		/* spinlocks and preempt_disable() held */
	int map_depth;			/* inside a callback */
	int section_depth;		/* between start and end */
	int notifying;			/* inside a start of the kernel's */
	int may_block;			/* 0: the range is not blockable */
	u64 rng;
	void *data;			/* the test's */
	void (*fn)(void *arg);
	void *arg;
	bool done;
	bool daemon;
	bool settling;			/* runs only when no other can */
	const unsigned int *wait_addr;	/* blocked while it has this value */
	unsigned int wait_val;
	const struct shim_sleep *sleep;	/* what else ends that; NULL: nothing */
	pthread_t thread;
	struct shim_fiber *fiber;
	struct task_struct *next;
};

/* What else may end a sleep */
struct shim_sleep {
	bool killable, timed;
	unsigned long until;
};

struct shim_mutex {
	pthread_mutex_t mutex;
	unsigned int held;
	struct task_struct *owner;
};

struct shim_wq {
	struct shim_mutex lock;
	pthread_cond_t cond;
	unsigned int seq;
	unsigned int nr;
};

struct shim_rwsem {
	struct shim_mutex lock;
	struct shim_wq wq;
	unsigned int readers;
	unsigned int writers_waiting;
	struct task_struct *writer;
	char dep_map;			/* its address stands for the semaphore */
};

#define SHIM_MUTEX_INIT	{ .mutex = PTHREAD_MUTEX_INITIALIZER }
#define SHIM_WQ_INIT	{ .lock = SHIM_MUTEX_INIT, .cond = PTHREAD_COND_INITIALIZER }

/* task.c */
struct shim_run {
	bool threads;
	u64 seed;
	bool random;			/* fibers: switch at random points, else run to block */
	const u8 *data;			/* fibers: choices come from here */
	size_t size;
	unsigned long switch_at[2];	/* fibers: switch at these steps, 0: never */
};

void shim_begin(const struct shim_run *run);
void shim_end(void);
struct task_struct *shim_spawn(const char *name, void (*fn)(void *arg), void *arg);
void shim_join(void);
void shim_settle(void);
unsigned long shim_steps(void);
bool shim_exhausted(void);
unsigned int shim_rand(unsigned int n);
u32 shim_tree_prio(void);
struct task_struct *shim_self(void);
void shim_yield(void);
void shim_atomic_section(int delta);
extern void (*shim_on_sleep)(struct shim_wq *wq);
extern unsigned long shim_nr_locked;	/* spinlocks taken */
extern unsigned long shim_nr_resched;	/* calls of cond_resched() */
extern void (*shim_on_resched)(void);

void shim_mutex_init(struct shim_mutex *m);
void shim_mutex_lock(struct shim_mutex *m);
void shim_mutex_unlock(struct shim_mutex *m);
bool shim_mutex_is_mine(struct shim_mutex *m);
void shim_wq_init(struct shim_wq *wq);
unsigned int shim_wq_prepare(struct shim_wq *wq);
void shim_wq_finish(struct shim_wq *wq);
void shim_wq_sleep(struct shim_wq *wq, unsigned int seq, const struct shim_sleep *how);
int shim_wait_broken(const struct shim_sleep *how);
void shim_kill(struct task_struct *t);
void shim_wq_wake(struct shim_wq *wq);
unsigned int shim_wq_nr(struct shim_wq *wq);
void shim_sleep_hook(struct shim_wq *wq);
struct shim_wq *shim_var_wq(const void *var);	/* of wait_var_event() */

/* mm.c */
void shim_rwsem_init(struct shim_rwsem *sem);
void shim_down_read(struct shim_rwsem *sem);
void shim_up_read(struct shim_rwsem *sem);
void shim_down_write(struct shim_rwsem *sem);
void shim_up_write(struct shim_rwsem *sem);
void shim_own_write(struct shim_rwsem *sem);	/* another task lets this one */
void shim_module_reload(void);		/* delayed works think as at first */
void shim_reaper(void *arg);
void shim_reaper_stop(void);
void shim_flush(void);			/* until nothing is deferred */
extern unsigned int shim_fail_nowait;	/* of 256 */
extern bool shim_fail_kernel;
long shim_nr_allocs(void);
#endif
