/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Driver models: make a model wrong on purpose; see MODEL_FAULT_* in model_abi.h
 *
 * Kbuild includes this header in front of each model. It redirects calls of pinwatch.h, so
 * that the models themselves contain no trace of the faults.
 */
#ifndef _MODEL_FAULT_H
#define _MODEL_FAULT_H

#include <linux/hmm.h>
#include <linux/mm.h>
#include "model_abi.h"
#include "pinwatch.h"

bool pinwatch_model_fault(unsigned int fault);
void pinwatch_model_window(void);
int pinwatch_model_insert_deaf(struct pinwatch_interval_notifier *sub,
			       struct mm_struct *mm, unsigned long start,
			       unsigned long length,
			       const struct pinwatch_interval_notifier_ops *ops);

static inline bool fault_read_retry(struct pinwatch_interval_notifier *sub,
				    unsigned long seq)
{
	return pinwatch_interval_read_retry(sub, seq) &&
	       !pinwatch_model_fault(MODEL_FAULT_RETRY);
}

static inline int fault_insert(struct pinwatch_interval_notifier *sub,
			       struct mm_struct *mm, unsigned long start,
			       unsigned long length,
			       const struct pinwatch_interval_notifier_ops *ops)
{
	if (pinwatch_model_fault(MODEL_FAULT_DEAF))
		return pinwatch_model_insert_deaf(sub, mm, start, length, ops);
	return pinwatch_interval_notifier_insert(sub, mm, start, length, ops);
}

static inline int fault_pin(unsigned long start, int nr, unsigned int flags,
			    struct page **pages)
{
	int ret = pin_user_pages_fast(start, nr, flags, pages);

	pinwatch_model_window();
	return ret;
}

static inline int fault_hmm(struct hmm_range *range, unsigned long timeout)
{
	int ret = pinwatch_hmm_range_fault_unlocked_timeout(range, timeout);

	pinwatch_model_window();
	return ret;
}

#define pinwatch_interval_read_retry			fault_read_retry
#define pinwatch_interval_notifier_insert		fault_insert
#define pin_user_pages_fast				fault_pin
#define pinwatch_hmm_range_fault_unlocked_timeout	fault_hmm

#endif /* _MODEL_FAULT_H */
