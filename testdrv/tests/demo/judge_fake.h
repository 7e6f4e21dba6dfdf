/* SPDX-License-Identifier: MIT */
#ifndef JUDGE_FAKE_H
#define JUDGE_FAKE_H

#include <stdbool.h>

/* Let a generation change in each idle window, by itself. */
extern bool fake_noise;

#endif /* JUDGE_FAKE_H */
