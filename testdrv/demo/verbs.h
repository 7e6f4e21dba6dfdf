/* SPDX-License-Identifier: MIT */
/* The verbs of pinwatch-demo, and the common output of demo and exercise. */
#ifndef VERBS_H
#define VERBS_H

#include <jansson.h>
#include <stddef.h>

#include "demo.h"
#include "verb.h"

extern const struct verb verb_demo;
extern const struct verb verb_exercise;
extern const struct verb verb_bench;
extern const struct verb verb_drivers;

/* Format the text of a column into @buf. Returns @buf. */
const char *result_generation(const struct demo_result *result, char *buf, size_t size);
const char *result_pages(const struct demo_result *result, char *buf, size_t size);

/* The JSON members of both verbs; NULL: out of memory. */
json_t *result_json(const struct demo_result *result);

/* Print the names of all operations. */
void operations_list(void);

#endif /* VERBS_H */
