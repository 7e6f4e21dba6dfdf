/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pinwatch_torture: what differs in the copy of the engine
 *
 * Included before the sources of module/core, and after all headers of the kernel that these
 * include: the macros below must not change the inline functions of the kernel.
 */
#ifndef _PT_ENGINE_H
#define _PT_ENGINE_H

#include <linux/export.h>
#include <linux/preempt.h>
#include <linux/rculist.h>
#include <linux/spinlock.h>
#include <linux/wait_bit.h>
#include "torture.h"

/* Other names than those of pinwatch.ko, which pinwatch_torture.ko uses, too; not exported. */
#define pinwatch_interval_notifier_insert	pt_engine_insert
#define pinwatch_interval_notifier_insert_locked	pt_engine_insert_locked
#define pinwatch_interval_notifier_remove	pt_engine_remove
#define pinwatch_interval_notifier_put		pt_engine_put
#define pinwatch_interval_notifier_barrier	pt_engine_barrier
#define pinwatch_interval_read_begin		pt_engine_begin
#define pinwatch_interval_read_begin_killable	pt_engine_begin_killable
#define pinwatch_interval_read_begin_timeout	pt_engine_begin_timeout
#undef EXPORT_SYMBOL_GPL
#define EXPORT_SYMBOL_GPL(symbol)	static_assert(true)

int pt_engine_insert(struct pinwatch_interval_notifier *sub, struct mm_struct *mm,
		     unsigned long start, unsigned long length,
		     const struct pinwatch_interval_notifier_ops *ops);
int pt_engine_insert_locked(struct pinwatch_interval_notifier *sub, struct mm_struct *mm,
			    unsigned long start, unsigned long length,
			    const struct pinwatch_interval_notifier_ops *ops);
void pt_engine_remove(struct pinwatch_interval_notifier *sub);
void pt_engine_put(struct pinwatch_interval_notifier *sub);
void pt_engine_barrier(void);
unsigned long pt_engine_begin(struct pinwatch_interval_notifier *sub);
int pt_engine_begin_killable(struct pinwatch_interval_notifier *sub, unsigned long *seq);
int pt_engine_begin_timeout(struct pinwatch_interval_notifier *sub, unsigned long *seq,
			    unsigned long timeout);

/* Without core/trace.h: the kernel has the tracepoints of pinwatch.ko already. */
#define _PW_CORE_TRACE_H
static inline void trace_pinwatch_invalidate(const struct mmu_notifier_range *range, u64 callbacks)
{
}

static inline bool trace_pinwatch_invalidate_enabled(void)
{
	return false;
}

static inline void trace_pinwatch_veto(const struct mmu_notifier_range *range)
{
}

static inline void trace_pinwatch_mm_register(const void *mm, u64 number)
{
}

static inline void trace_pinwatch_mm_release(const void *mm, u64 number)
{
}

/* Inline functions that keep the kernel's macros */
static __always_inline void step_lock(spinlock_t *lock)
	__acquires(lock)
{
	pt_step();
	spin_lock(lock);
}

static __always_inline void step_unlock(spinlock_t *lock)
	__releases(lock)
{
	spin_unlock(lock);
	pt_step();
}

static __always_inline void step_preempt_enable(void)
{
	preempt_enable();
	pt_step();
}

static __always_inline void step_mb(void)
{
	pt_step();
	smp_mb();
	pt_step();
}

static __always_inline void step_wmb(void)
{
	pt_step();
	smp_wmb();
	pt_step();
}

static __always_inline void step_wake_up_var(void *var)
{
	pt_step();
	wake_up_var(var);
}

#undef spin_lock
#define spin_lock(lock)	step_lock(lock)
#undef spin_unlock
#define spin_unlock(lock)	step_unlock(lock)
#undef preempt_enable
#define preempt_enable()	step_preempt_enable()
#undef smp_mb
#define smp_mb()	step_mb()
#undef smp_wmb
#define smp_wmb()	step_wmb()
#undef wake_up_var
#define wake_up_var(var)	step_wake_up_var(var)

/* step_mb() is what KCSAN sees of the barrier that an xchg is. */
#undef xchg
#define xchg(pointer, value)						\
({									\
	__auto_type step_old = (step_mb(), arch_xchg(pointer, value));	\
									\
	pt_step();							\
	step_old;							\
})

#ifndef kcsan_release
#define kcsan_release()	do { } while (0)	/* before 5.17 */
#endif

#undef smp_load_acquire
#define smp_load_acquire(pointer)				\
({								\
	__auto_type step_value = __smp_load_acquire(pointer);	\
								\
	pt_step();						\
	step_value;						\
})

#undef smp_store_release
#define smp_store_release(pointer, value)			\
do {								\
	pt_step();						\
	kcsan_release();					\
	__smp_store_release(pointer, value);			\
	pt_step();						\
} while (0)

#endif /* _PT_ENGINE_H */
