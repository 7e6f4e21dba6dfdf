/* SPDX-License-Identifier: MIT */
#ifndef JUDGE_FAKE_H
#define JUDGE_FAKE_H

#include <linux/pinwatch.h>

/* The words of the last device that was opened in this process; writable. */
extern struct pinwatch_gen *fake_device_words;

#endif /* JUDGE_FAKE_H */
