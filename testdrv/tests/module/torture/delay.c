// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_torture: random numbers and delays
 */
#include <linux/delay.h>
#include <linux/moduleparam.h>
#include <linux/random.h>
#include "torture.h"

static unsigned int delay_us = 300;
module_param(delay_us, uint, 0444);
MODULE_PARM_DESC(delay_us, "longest delay between two steps of the torture, in microseconds (300)");

static unsigned int delay_one_in = 6;
module_param(delay_one_in, uint, 0444);
MODULE_PARM_DESC(delay_one_in, "delay before one in so many steps of the torture (6)");

static unsigned int step_us = 50;
module_param(step_us, uint, 0444);
MODULE_PARM_DESC(step_us, "longest delay between two steps of the copy of the engine, in microseconds (50)");

static unsigned int step_one_in = 16;
module_param(step_one_in, uint, 0444);
MODULE_PARM_DESC(step_one_in, "delay before one in so many steps of the copy of the engine (16)");

/* A generator without a lock, because a step can have preemption off. */
static DEFINE_PER_CPU(u32, random_state);

void pt_delay_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		per_cpu(random_state, cpu) = get_random_u32() | 1;
	delay_us = clamp(delay_us, 1U, 100000U);
	step_us = clamp(step_us, 1U, 1000U);
	delay_one_in = max(delay_one_in, 1U);
	step_one_in = max(step_one_in, 1U);
}

/**
 * pt_random() - return a random number
 * @limit: Not 0.
 *
 * Context: any.
 * Return: a number below @limit.
 */
unsigned int pt_random(unsigned int limit)
{
	/* xorshift32. A task that moves to another CPU in between does no harm. */
	u32 x = raw_cpu_read(random_state);

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	raw_cpu_write(random_state, x);
	return (x >> 3) % limit;
}

/**
 * pt_delay() - delay a step of the torture, sometimes
 *
 * Half of the delays sleep, so that another thread gets the CPU.
 *
 * Context: process context, may sleep.
 */
void pt_delay(void)
{
	unsigned int us;

	if (pt_random(delay_one_in))
		return;
	us = 1 + pt_random(delay_us);
	if (pt_random(2))
		usleep_range(us, us + 20);
	else
		udelay(us);
}

/* As pt_delay(). Context: any. */
void pt_spin(void)
{
	if (!pt_random(delay_one_in))
		udelay(1 + pt_random(delay_us) / 4);
}

/* Delay a step of the copy of the engine, sometimes. Context: any, under pm->lock too. */
void pt_step(void)
{
	if (!pt_random(step_one_in))
		udelay(1 + pt_random(step_us));
}
