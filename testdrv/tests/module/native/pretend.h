/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * native: in front of each file of pinwatch's engine, NATIVE_CPUS CPUs instead of one
 *
 * The number of the CPU is in a variable, as on a machine with several CPUs.
 */
#ifndef _NATIVE_PRETEND_H
#define _NATIVE_PRETEND_H

#include <linux/cpumask.h>
#include <linux/smp.h>

extern unsigned int native_cpu;

#undef nr_cpu_ids
#define nr_cpu_ids		NATIVE_CPUS
#undef raw_smp_processor_id
#define raw_smp_processor_id()	native_cpu

#endif /* _NATIVE_PRETEND_H */
