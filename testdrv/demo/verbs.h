/* SPDX-License-Identifier: MIT */
/* The verbs of pinwatch-demo, beside version and help. */
#ifndef VERBS_H
#define VERBS_H

#include "verb.h"

extern const struct verb verb_demo;
extern const struct verb verb_exercise;
extern const struct verb verb_bench;

#endif /* VERBS_H */
