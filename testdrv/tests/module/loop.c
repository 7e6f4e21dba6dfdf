// SPDX-License-Identifier: GPL-2.0-only
/*
 * pinwatch_test: call insert, read_begin, read_retry and remove in a loop
 */
#include <linux/jiffies.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "sub.h"

static void loop_account(struct pinwatch_test_loop *arg, unsigned int op,
			 const struct pt_clock *clock)
{
	struct pinwatch_test_time time;

	pt_clock_stop(clock, &time);
	arg->total_ns[op] += time.ns;
	arg->max_ns[op] = max(arg->max_ns[op], time.ns);
	arg->sleeps[op] += time.sleeps != 0;
}

static void loop_section(struct pinwatch_test_loop *arg, struct pt_sub *sub)
{
	struct pt_clock clock;
	unsigned long seq;

	pt_clock_start(&clock);
	seq = pt_handle_begin(&sub->handle, sub->engine);
	loop_account(arg, PINWATCH_TEST_OP_BEGIN, &clock);
	arg->retries += pt_sub_retry(sub, seq);
}

static int loop_own(struct pinwatch_test_loop *arg, struct pt_sub *sub)
{
	struct pt_clock clock;
	int ret;

	pt_clock_start(&clock);
	ret = pt_sub_insert(sub, current->mm, arg->start, arg->length, false);
	loop_account(arg, PINWATCH_TEST_OP_INSERT, &clock);
	if (ret)
		return ret;

	loop_section(arg, sub);

	pt_clock_start(&clock);
	pt_handle_remove(&sub->handle, sub->engine);
	loop_account(arg, PINWATCH_TEST_OP_REMOVE, &clock);
	return 0;
}

static int loop_run(struct pinwatch_test_loop *arg, struct pt_sub *sub, bool own)
{
	unsigned long end = jiffies + msecs_to_jiffies(arg->ms);
	int ret = 0;

	while (!ret && time_before(jiffies, end) && !fatal_signal_pending(current)) {
		if (own)
			ret = loop_own(arg, sub);
		else
			loop_section(arg, sub);
		arg->iterations++;
		cond_resched();
	}
	return ret;
}

static struct pt_sub *loop_new_sub(const struct pinwatch_test_loop *arg)
{
	struct pinwatch_test_add add = {
		.engine = arg->engine,
		.behaviour = PINWATCH_TEST_COUNTING,
	};
	struct pt_sub *sub = kzalloc(sizeof(*sub), GFP_KERNEL);

	if (sub)
		pt_sub_init(sub, &add);
	return sub;
}

int pt_loop(struct pt_table *table, struct pinwatch_test_loop *arg)
{
	bool own = arg->id == PINWATCH_TEST_OWN;
	struct pt_sub *sub;
	int ret;

	if (arg->engine >= PINWATCH_TEST_NR_ENGINES ||
	    arg->ms > PINWATCH_TEST_MAX_HOLD_MS || arg->reserved)
		return -EINVAL;
	arg->iterations = 0;
	arg->retries = 0;
	memset(arg->max_ns, 0, sizeof(arg->max_ns));
	memset(arg->total_ns, 0, sizeof(arg->total_ns));
	memset(arg->sleeps, 0, sizeof(arg->sleeps));

	sub = own ? loop_new_sub(arg) : pt_sub_get(table, arg->id, true);
	if (!sub)
		return own ? -ENOMEM : -ENOENT;
	ret = loop_run(arg, sub, own);
	if (own)
		pt_sub_put(sub);
	else
		pt_sub_put_reader(table, sub);
	return ret;
}
