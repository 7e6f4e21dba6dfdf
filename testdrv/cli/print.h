/* SPDX-License-Identifier: MIT */
#ifndef PRINT_H
#define PRINT_H

#include <jansson.h>

/* Print @json and drop it; NULL: there was no memory to make it. A status. */
int print_json(json_t *json);

#endif /* PRINT_H */
