/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * custom: virtual CPUs, each task on one. A test may set nr_cpu_ids, up to
 * SHIM_MAX_CPUS, before the first insert in an mm. preempt_disable() takes the lock
 * of the task's CPU, so several tasks can share one. The per-CPU variables have
 * one copy for all: their additions are atomic.
 */
#ifndef _SHIM_PERCPU_H
#define _SHIM_PERCPU_H
#include <linux/spinlock.h>

#define SHIM_NR_CPUS		3	/* of a test that does not set nr_cpu_ids */
#define SHIM_MAX_CPUS		256

extern unsigned int nr_cpu_ids;

#define DECLARE_PER_CPU(type, name)	extern type name
#define DEFINE_PER_CPU(type, name)	type name
#define this_cpu_inc(x)		((void)__atomic_fetch_add(&(x), 1, __ATOMIC_RELAXED))
#define this_cpu_dec(x)		((void)__atomic_fetch_sub(&(x), 1, __ATOMIC_RELAXED))
#define this_cpu_add(x, n)	((void)__atomic_fetch_add(&(x), n, __ATOMIC_RELAXED))
#define for_each_possible_cpu(cpu)	for ((cpu) = 0; (cpu) < 1; (cpu)++)
#define per_cpu_ptr(ptr, cpu)	((void)(cpu), (ptr))

void preempt_disable(void);
void preempt_enable(void);
unsigned int smp_processor_id(void);
unsigned int raw_smp_processor_id(void);
#endif
